#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
#
# Installs what building and testing gilscope needs and this machine lacks, on Debian and its
# relatives. A machine that lacks nothing is not touched and needs neither root nor a network.
# Arguments name what else is wanted: kernels-x86, kernels-arm64 (make check-kernels),
# bench (make bench: the tools that it compares with).
set -eu

PATH=$PATH:/usr/sbin:/sbin
missing=

need() { # package, then a command that succeeds if it is there
	package=$1
	shift
	"$@" >/dev/null 2>&1 || missing="$missing $package"
}

program() {
	need "$2" command -v "$1"
}

library() {
	need "$2" pkg-config --exists "$1"
}

program gcc gcc
program make make
program pkg-config pkg-config
program clang clang
program llvm-strip llvm
program bpftool bpftool
program clang-format clang-format
program strip binutils
program setcap libcap2-bin
program setpriv util-linux
program xz xz-utils
need libc6-dev test -e /usr/include/stdlib.h
library libbpf libbpf-dev
library libelf libelf-dev
library libdw libdw-dev
library zlib zlib1g-dev
library capstone libcapstone-dev
library smartcols libsmartcols-dev
library jansson libjansson-dev
library cmocka libcmocka-dev
if [ "$(uname -m)" != aarch64 ]; then # the build for arm64
	program aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
	need libc6-dev-arm64-cross test -e /usr/aarch64-linux-gnu/include/stdlib.h
	program qemu-aarch64-static qemu-user-static
fi
need python3 test -x /usr/bin/python3
need python3-pytest /usr/bin/python3 -c 'import pytest'
need python3-pyelftools /usr/bin/python3 -c 'import elftools'
need python3-jsonschema /usr/bin/python3 -c 'import jsonschema'

for part in "$@"; do
	case $part in
	kernels-*) program cpio cpio ;;
	esac
	case $part in
	kernels-x86) program qemu-system-x86_64 qemu-system-x86 ;;
	kernels-arm64)
		program qemu-system-aarch64 qemu-system-arm
		program aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
		;;
	bench)
		program bpftrace bpftrace
		program wrk wrk
		program perf linux-perf
		need gunicorn /usr/bin/python3 -c 'import gunicorn'
		need python3-flask /usr/bin/python3 -c 'import flask'
		need python3-venv /usr/bin/python3 -c 'import ensurepip'
		;;
	*)
		echo "setup: unknown: $part" >&2
		exit 2
		;;
	esac
done

if [ -n "$missing" ]; then
	if ! command -v apt-get >/dev/null; then
		echo "setup: this machine lacks:$missing" >&2
		echo "setup: there is no apt-get here: install them by hand (the names are Debian's)" >&2
		exit 1
	fi
	if [ "$(id -u)" -ne 0 ]; then
		echo "setup: this machine lacks:$missing" >&2
		echo "setup: run it as root, or: sudo apt-get install$missing" >&2
		exit 1
	fi
	echo "setup: installing$missing"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q -y update
	# shellcheck disable=SC2086 # one word for each package
	apt-get -q -y install --no-install-recommends $missing
fi

if [ ! -e /sys/kernel/btf/vmlinux ]; then
	echo "setup: the running kernel has no BTF (/sys/kernel/btf/vmlinux): gilscope can be built" \
		"here, but it cannot attach" >&2
fi

# Profilers from PyPI, in an environment of their own. The newest austin may want a newer libc.
install_peers() {
	venv=${GILSCOPE_CACHE:-$HOME/.cache/gilscope}/bench/venv
	"$venv/bin/py-spy" --version >/dev/null 2>&1 && "$venv/bin/austin" --version >/dev/null 2>&1 && return
	echo "setup: installing py-spy and austin into $venv"
	/usr/bin/python3 -m venv "$venv" || return
	pip="$venv/bin/pip -q --disable-pip-version-check install"
	$pip py-spy || echo "setup: py-spy cannot be installed" >&2
	$pip austin-dist || echo "setup: austin cannot be installed" >&2
	"$venv/bin/austin" --version >/dev/null 2>&1 || $pip 'austin-dist<4' || :
}

for part in "$@"; do
	[ "$part" != bench ] || install_peers
done
