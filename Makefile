# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 gilscope contributors
#
#   make            build/gilscope
#   make check      install what is missing, build, run every test
#   make check-arm64-files    plan for Debian's arm64 interpreters of all suites
#   make check-kernels    ARCH=x86|arm64 KERNEL=6.1: the e2e tests on other kernels, emulated
#   make check-interpreters   the tests that depend on the interpreter, on all that can be had
#   make demo       install what is missing, build, profile a demo service for 5 s
#   make install    PREFIX=/usr/local DESTDIR=
#   make bench      measure what the probes cost, beside other tools: ARGS=--quick, --markdown, --check
#   make ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- SYSROOT=DIR BUILD=build/arm64
#                   build for another machine (tests/matrix/cross.py makes the DIR)
#   V=1             show the commands

PREFIX ?= /usr/local
DESTDIR ?=
BUILD := build
VERSION := 0.1.0

CC ?= gcc
CLANG ?= clang
LLVM_STRIP ?= llvm-strip
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config
PYTHON ?= /usr/bin/python3

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n'
endif

ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m)))
TRIPLET := $(patsubst arm64,aarch64,$(patsubst x86,x86_64,$(ARCH)))-linux-gnu
CROSS_COMPILE ?=
SYSROOT ?=
ifneq ($(CROSS_COMPILE),)
ifeq ($(origin CC),default)
CC := $(CROSS_COMPILE)gcc
endif
AR := $(CROSS_COMPILE)ar
endif
ifneq ($(SYSROOT),)
SYSROOT_FLAGS := --sysroot=$(SYSROOT)
PKG_CONFIG_ENV := PKG_CONFIG_PATH= PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) \
	PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/$(TRIPLET)/pkgconfig
endif
pkg_config = $(shell $(PKG_CONFIG_ENV) $(PKG_CONFIG) $(1))
LIBS := libbpf libelf libdw zlib capstone smartcols jansson
TEST_LIBS := cmocka

CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Werror
CPPFLAGS_ALL = -I. -Iuser -I$(BUILD)/gen -DGILSCOPE_VERSION='"$(VERSION)"' $(CPPFLAGS)
CFLAGS_ALL = -std=gnu11 $(SYSROOT_FLAGS) $(CFLAGS) $(WARN) $(call pkg_config,--cflags $(LIBS))
LDLIBS_ALL = $(call pkg_config,--libs $(LIBS)) -lm $(LDLIBS)

LIB_SRC := $(filter-out user/main.c,$(wildcard user/*.c user/*/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
BPF_SRC := $(wildcard bpf/*.bpf.c)
SKELS := $(BPF_SRC:bpf/%.bpf.c=$(BUILD)/gen/%.skel.h)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_TOOLS := $(addprefix $(BUILD)/tests/,show_target show_python check_lines)
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/%) $(UNIT_TOOLS)
# What the tests in Python run.
TEST_TOOLS := $(UNIT_TOOLS) $(BUILD)/pystack/walk.bpf.o

.PHONY: all check check-arm64-files check-interpreters check-kernels compiled demo bench \
	bench-instructions install clean deps setup unit e2e \
	lint format test-tools
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/gilscope

# A missing library is named with the package that has it, before the compiler's first error.
deps:
	@$(PKG_CONFIG_ENV) tools/check-deps.sh "$(PKG_CONFIG)" "$(CLANG)" "$(BPFTOOL)" $(LIBS)

setup:
	@tools/setup.sh

$(BUILD)/gilscope: $(BUILD)/obj/user/main.o $(BUILD)/libgilscope.a
	$(say) LINK $@
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LDLIBS_ALL)

$(BUILD)/libgilscope.a: $(LIB_OBJ)
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/obj/%.o: %.c | deps $(SKELS)
	$(say) CC $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# The multiarch folder holds asm/types.h, which a bpf target does not search by itself.
BPF_INCLUDES := -Ivmlinux -Ibpf -I$(SYSROOT)/usr/include/$(TRIPLET)
$(BUILD)/gen/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h bpf/*.def vmlinux/*.h) | deps
	$(say) BPF $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -g -O2 -target bpf -D__TARGET_ARCH_$(ARCH) $(WARN) $(BPF_INCLUDES) -c -o $@ $<
	$(Q)$(LLVM_STRIP) -g $@

$(BUILD)/gen/%.skel.h: $(BUILD)/gen/%.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

$(BUILD)/tests/%: tests/unit/%.c $(BUILD)/libgilscope.a
	$(say) TEST $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(call pkg_config,--cflags $(TEST_LIBS)) \
		-MMD -MP -MF $@.d -o $@ $< $(BUILD)/libgilscope.a $(call pkg_config,--libs $(TEST_LIBS)) $(LDLIBS_ALL)

unit: $(UNIT_BIN) $(TEST_TOOLS) $(BUILD)/print_plan

# The walk of Python's frames by itself.
$(BUILD)/pystack/%.bpf.o: tests/pystack/%.bpf.c $(wildcard tests/pystack/*.h bpf/*.h vmlinux/*.h) | deps
	$(say) BPF $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -g -O2 -target bpf -D__TARGET_ARCH_$(ARCH) $(WARN) $(BPF_INCLUDES) -c -o $@ $<

$(BUILD)/print_plan: tests/tools/print_plan.c $(BUILD)/libgilscope.a
	$(say) LINK $@
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LDLIBS_ALL)

$(BUILD)/bench/empty.bpf.o: tests/bench/empty.bpf.c | deps
	$(say) BPF $<
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -g -O2 -target bpf -D__TARGET_ARCH_$(ARCH) $(WARN) $(BPF_INCLUDES) -c -o $@ $<

$(BUILD)/bench/empty_probes: tests/bench/empty_probes.c $(BUILD)/libgilscope.a
	$(say) LINK $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -o $@ $^ $(LDLIBS_ALL)

# A part of it: make bench ARGS="--quick --markdown cycles". A peer that cannot be installed is a row
# that says so.
bench: setup
	@tools/setup.sh bench || :
	+@$(MAKE) --no-print-directory all $(BUILD)/bench/empty.bpf.o $(BUILD)/bench/empty_probes
	@$(PYTHON) tests/bench/bench.py --build $(BUILD) $(ARGS)

# The BPF programs may be as large as they are now.
bench-instructions: all
	@CLANG="$(CLANG)" $(PYTHON) tests/bench/instructions.py --update $(SKELS:%.skel.h=%.bpf.o)

install: $(BUILD)/gilscope
	$(say) INSTALL $(DESTDIR)$(PREFIX)/bin/gilscope
	$(Q)install -D -m 755 $< $(DESTDIR)$(PREFIX)/bin/gilscope

# The order matters: what a build needs is installed before a build looks for it.
RUN_TESTS = MAKE="$(MAKE)" $(PYTHON) tests/run.py --build $(BUILD)
check: setup
	+@$(RUN_TESTS)

# What a guest without a compiler needs compiled: tests/e2e/conftest.py
COMPILED := $(BUILD)/compiled/truth $(BUILD)/compiled/fake_interpreter
$(BUILD)/compiled/truth: COMPILED_FLAGS := -shared -fPIC
$(BUILD)/compiled/fake_interpreter: COMPILED_FLAGS := -rdynamic
$(BUILD)/compiled/%: tests/workloads/%.c
	$(say) CC $@
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SYSROOT_FLAGS) -O2 -o $@ $< -lpthread $(COMPILED_FLAGS)

compiled: $(COMPILED)

test-tools: $(TEST_TOOLS)

# What cannot be installed is a reason to skip, which the tests give.
check-kernels: setup
	@tools/setup.sh kernels-$(ARCH) || :
	+@MAKE="$(MAKE)" $(PYTHON) tests/kernels/run.py --arch $(ARCH) --build $(BUILD) \
		$(KERNEL:%=--kernel %) -- $(ARGS)

# Some rows of it: make check-interpreters ARGS="musl no-plt"
check-interpreters: setup
	+@$(MAKE) --no-print-directory all $(TEST_TOOLS)
	@$(PYTHON) tests/matrix/check_interpreters.py --build $(BUILD) $(ARGS)

# A part of it: make e2e ARGS="-k truth"
lint e2e: all $(TEST_TOOLS)
	+@$(RUN_TESTS) $@ -- $(ARGS)

# Probe plans for Debian's arm64 interpreters of all suites, whatever machine this is.
check-arm64-files: all unit
	+@GILSCOPE_ARM64_FILES=all $(RUN_TESTS) tools -- -k arm64 $(ARGS)

format:
	$(Q)clang-format -i $(wildcard user/*.[ch] user/*/*.[ch] bpf/*.[ch] tests/*/*.[ch])

demo: setup
	+@$(MAKE) --no-print-directory all
	@tools/demo.sh $(BUILD)/gilscope $(PYTHON)

clean:
	$(Q)rm -rf $(BUILD)

-include $(wildcard $(BUILD)/obj/user/*.d $(BUILD)/obj/user/*/*.d $(BUILD)/tests/*.d)
