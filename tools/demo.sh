#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
#
# Profiles the demo service for some seconds: demo.sh GILSCOPE PYTHON [OPTION...]
set -eu

gilscope=$1 python=$2
shift 2
folder=$(dirname "$0")
pipe=$(mktemp -u)
mkfifo -m 600 "$pipe"

"$python" "$folder/demo_service.py" >"$pipe" &
service=$!
trap 'kill "$service" 2>/dev/null || true; rm -f "$pipe"' EXIT
trap 'exit 130' INT TERM

# The line comes when all its threads run; a service that fails closes the pipe.
if ! read -r line <"$pipe" || [ "$line" != READY ]; then
	echo "demo: the service did not start" >&2
	exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "demo: attaching needs root; if it fails: sudo make demo" >&2
fi
echo "demo: $gilscope -p $service -d 5${*:+ $*}"
"$gilscope" -p "$service" -d 5 "$@"
