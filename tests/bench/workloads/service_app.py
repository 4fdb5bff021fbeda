# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A small web application: a page with a list, made by a template, after a wait for its "database"
and some computing, as a request of a real service is."""

import hashlib
import time

import flask

QUERY_S = 0.002
app = flask.Flask(__name__)
PAGE = "<ul>{% for one in rows %}<li>{{ one.name }}: {{ one.sum }}</li>{% endfor %}</ul>"


def query():
    time.sleep(QUERY_S)
    return range(20)


@app.route("/")
def index():
    rows = [
        {"name": "item %d" % row, "sum": hashlib.sha256(b"%d" % row).hexdigest()} for row in query()
    ]
    return flask.render_template_string(PAGE, rows=rows)
