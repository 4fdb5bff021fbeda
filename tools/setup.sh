#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
#
# Installs what building and testing gilscope needs and this machine lacks, on Debian and its
# relatives. A machine that lacks nothing is not touched and needs neither root nor a network.
# Arguments name what else is wanted: kernels-x86, kernels-arm64 (make check-kernels),
# bench (make bench: the tools that it compares with; each is installed by itself, and one that
# cannot be is named, keeps none of the others away, and makes the status 1).
set -eu

PATH=$PATH:/usr/sbin:/sbin
missing=
missing_peers=
status=0

need() { # package, then a command that succeeds if it is there
	package=$1
	shift
	"$@" >/dev/null 2>&1 || missing="$missing $package"
}

peer() { # the same for what make bench compares with
	package=$1
	shift
	"$@" >/dev/null 2>&1 || missing_peers="$missing_peers $package"
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
		peer bpftrace command -v bpftrace
		peer wrk command -v wrk
		peer linux-perf command -v perf
		peer gunicorn /usr/bin/python3 -c 'import gunicorn'
		peer python3-flask /usr/bin/python3 -c 'import flask'
		peer python3-venv /usr/bin/python3 -c 'import ensurepip'
		;;
	*)
		echo "setup: unknown: $part" >&2
		exit 2
		;;
	esac
done

# Whether packages can be installed here; if not, it says why.
can_install() { # packages
	if ! command -v apt-get >/dev/null; then
		echo "setup: this machine lacks: $*" >&2
		echo "setup: there is no apt-get here: install them by hand (the names are Debian's)" >&2
		return 1
	fi
	if [ "$(id -u)" -ne 0 ]; then
		echo "setup: this machine lacks: $*" >&2
		echo "setup: run it as root, or: sudo apt-get install $*" >&2
		return 1
	fi
}

install() { # packages
	echo "setup: installing $*"
	DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "$@"
}

install_needed() { # packages
	can_install "$@" || return
	if ! apt-get -q -y update || ! install "$@"; then
		echo "setup: apt-get cannot install all of: $*" >&2
		return 1
	fi
}

if [ -n "$missing" ]; then
	# shellcheck disable=SC2086 # one word for each package
	install_needed $missing || status=1
fi

if [ ! -e /sys/kernel/btf/vmlinux ]; then
	echo "setup: the running kernel has no BTF (/sys/kernel/btf/vmlinux): gilscope can be built" \
		"here, but it cannot attach" >&2
fi

lacks_peer() {
	echo "setup: $1 cannot be installed: make bench goes without it" >&2
	status=1
}

install_packaged_peers() { # packages
	can_install "$@" || {
		status=1
		return
	}
	apt-get -q -y update || echo "setup: the lists of packages are as they were" >&2
	for package in "$@"; do
		install "$package" || lacks_peer "$package"
	done
}

has_peers() { # folder of an environment
	"$1/bin/py-spy" --version >/dev/null 2>&1 && "$1/bin/austin" --version >/dev/null 2>&1
}

# Profilers from PyPI, in an environment of their own. The newest austin may want a newer libc.
install_pypi_peers() {
	venv=${GILSCOPE_CACHE:-$HOME/.cache/gilscope}/bench/venv
	! has_peers "$venv" || return 0
	echo "setup: installing py-spy and austin into $venv"
	/usr/bin/python3 -m venv "$venv" || {
		lacks_peer "an environment for py-spy and austin"
		return
	}
	pip="$venv/bin/pip -q --disable-pip-version-check install"
	$pip py-spy || lacks_peer py-spy
	$pip austin-dist && "$venv/bin/austin" --version >/dev/null 2>&1 ||
		$pip 'austin-dist<4' || lacks_peer austin
}

for part in "$@"; do
	[ "$part" = bench ] || continue
	# shellcheck disable=SC2086
	[ -z "$missing_peers" ] || install_packaged_peers $missing_peers
	install_pypi_peers
done
exit "$status"
