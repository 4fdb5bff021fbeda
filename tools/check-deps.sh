#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
#
# Names what a build lacks, with Debian's package for it: check-deps.sh PKG_CONFIG CLANG BPFTOOL LIBRARY...
set -u
pkg_config=$1 clang=$2 bpftool=$3
shift 3
missing= packages=

need() { # what package
	missing="$missing $1"
	packages="$packages $2"
}

command -v "$clang" >/dev/null || need "$clang" clang
command -v "$bpftool" >/dev/null || need "$bpftool" bpftool
if command -v "$pkg_config" >/dev/null; then
	for lib; do
		"$pkg_config" --exists "$lib" && continue
		case $lib in
		capstone | smartcols | jansson | cmocka) need "$lib" "lib$lib-dev" ;;
		zlib) need zlib zlib1g-dev ;;
		*) need "$lib" "$lib-dev" ;;
		esac
	done
else
	need "$pkg_config" pkg-config
fi
[ -z "$missing" ] && exit 0
echo "gilscope needs, to build:$missing" >&2
echo "On Debian: apt-get install$packages   (or: make setup)" >&2
exit 1
