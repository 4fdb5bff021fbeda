# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
"""A part of the bench that can be run alone."""

import claims


class Section:
    """Something that is measured and gives claims, and tables if it has more to say. Whatever fails
    in it ends it alone: failure is the Claim that is left of it then, else None."""

    name = ""

    def __init__(self, context):
        self.context = context
        self.found = []
        self.failure = None

    def measure(self):
        try:
            self.run()
        except Exception as error:  # the other sections are still to come
            self.failure = claims.broken(self.name, error)

    def run(self):
        raise NotImplementedError

    def bars(self):
        """Its claims, if it could be measured."""
        return self.found

    def claims(self):
        return self.bars() + ([self.failure] if self.failure else [])

    def tables(self):
        return []

    def rounds(self, full):
        return 5 if self.context.quick else full

    def seconds(self, full):
        """A duration, shorter if it has to be quick."""
        return full / 5 if self.context.quick else full
