/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
#define _GNU_SOURCE
#include "target/launch.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "target/target.h"

/*
 * A breakpoint instruction, and where the program counter stands after it relative to it. Only the
 * first bytes of a word that is put back before the program runs on.
 */
#if defined(__x86_64__)
#define BREAKPOINT 0xccUL
#define BREAKPOINT_MASK 0xffUL
#define PC_AFTER 1
#define PC(regs) ((regs)->rip)
#elif defined(__aarch64__)
#define BREAKPOINT 0xd4200000UL /* brk #0 */
#define BREAKPOINT_MASK 0xffffffffUL
#define PC_AFTER 0
#define PC(regs) ((regs)->pc)
#else
#error "no breakpoint for this architecture"
#endif

struct entry {
	uint64_t address; /* 0: no breakpoint is set */
	long word;	  /* what stood there */
};

/* The address at which the kernel or the dynamic loader hands over to the program itself. */
static uint64_t read_entry(pid_t pid)
{
	char path[64];
	Elf64_auxv_t aux;
	uint64_t entry = 0;

	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	while (!entry && fread(&aux, sizeof(aux), 1, f) == 1 && aux.a_type != AT_NULL)
		if (aux.a_type == AT_ENTRY)
			entry = aux.a_un.a_val;
	fclose(f);
	return entry;
}

static void set_breakpoint(pid_t pid, struct entry *entry)
{
	const uint64_t address = read_entry(pid);

	entry->address = 0;
	errno = 0;
	entry->word = ptrace(PTRACE_PEEKTEXT, pid, address, 0);
	if (!address || errno)
		return;
	const long word = (long)(((unsigned long)entry->word & ~BREAKPOINT_MASK) | BREAKPOINT);
	if (!ptrace(PTRACE_POKETEXT, pid, address, word))
		entry->address = address;
}

static bool get_registers(pid_t pid, struct user_regs_struct *regs)
{
	struct iovec io = {.iov_base = regs, .iov_len = sizeof(*regs)};

	return !ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &io);
}

/* If the process stands at the breakpoint: takes it away, sets the program counter back; true. */
static bool leave_breakpoint(pid_t pid, struct entry *entry)
{
	struct user_regs_struct regs;

	if (!entry->address || !get_registers(pid, &regs) || PC(&regs) != entry->address + PC_AFTER)
		return false;
	PC(&regs) = entry->address;
	struct iovec io = {.iov_base = &regs, .iov_len = sizeof(regs)};
	ptrace(PTRACE_POKETEXT, pid, entry->address, entry->word);
	ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &io);
	entry->address = 0;
	return true;
}

/* In the child: waits until it is traced, then becomes the command; if that fails, sends errno
 * back. */
static void become(char *const argv[], int go, int failed)
{
	char byte;
	ssize_t n = read(go, &byte, 1);

	if (n == 1) {
		execvp(argv[0], argv);
		int err = errno;
		n = write(failed, &err, sizeof(err));
	}
	_exit(127);
}

/* Starts the child, traced and about to become the command. Its PID; `failed` will tell why it
 * could not. */
static pid_t start(char *const argv[], int *failed)
{
	int go[2], back[2];

	if (pipe2(go, O_CLOEXEC) || pipe2(back, O_CLOEXEC))
		return log_err(-errno, "cannot start %s: %s", argv[0], strerror(errno));
	fflush(NULL); /* or the child would print it again */
	pid_t pid = fork();
	if (pid < 0)
		return log_err(-errno, "cannot start %s: %s", argv[0], strerror(errno));
	if (!pid) {
		close(go[1]);
		become(argv, go[0], back[1]);
	}
	close(go[0]);
	close(back[1]);
	*failed = back[0];
	int err = 0;
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL))
		err = log_err(-errno,
			      "cannot trace the start of %s: %s; start it by itself and use -p PID",
			      argv[0], strerror(errno));
	if (!err && write(go[1], "", 1) != 1)
		err = log_err(-errno, "cannot start %s: %s", argv[0], strerror(errno));
	close(go[1]);
	if (err) {
		waitpid(pid, NULL, 0);
		close(*failed);
	}
	return err ? err : pid;
}

/* Lets the child go on from a stop that is not ours. */
static void pass_on(pid_t pid, int wait_status)
{
	const int signal = WSTOPSIG(wait_status);
	const bool group_stop = wait_status >> 16 == PTRACE_EVENT_STOP;

	if (group_stop &&
	    (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU))
		ptrace(PTRACE_LISTEN, pid, 0, 0);
	else
		ptrace(PTRACE_CONT, pid, 0, wait_status >> 16 ? 0 : signal);
}

static int explain_end(char *const argv[], int failed)
{
	int err = 0;

	if (read(failed, &err, sizeof(err)) == sizeof(err))
		return log_err(-err, "cannot start %s: %s", argv[0], strerror(err));
	return log_err(
		-ENOENT,
		"%s ended, and had no CPython mapped when its own code began: name the interpreter itself behind --, "
		"use --follow if it starts one as a child, or, if it loads one later, -p with its PID",
		argv[0]);
}

int launch_stopped(char *const argv[], bool any_program, pid_t *pid_out, int *status)
{
	struct entry entry = {0};
	int failed = -1, wait_status;
	pid_t pid = start(argv, &failed);

	*status = -1;
	if (pid < 0)
		return pid;
	for (;;) {
		if (waitpid(pid, &wait_status, __WALL) < 0)
			return log_err(-errno, "cannot wait for %s: %s", argv[0], strerror(errno));
		if (!WIFSTOPPED(wait_status)) {
			*status = wait_status;
			int err = explain_end(argv, failed);
			close(failed);
			return err;
		}
		if (wait_status >> 16 == PTRACE_EVENT_EXEC) {
			set_breakpoint(pid, &entry);
			ptrace(PTRACE_CONT, pid, 0, 0);
		} else if (WSTOPSIG(wait_status) == SIGTRAP && leave_breakpoint(pid, &entry)) {
			if (any_program || target_maps_python(pid) == 1)
				break;
			ptrace(PTRACE_CONT, pid, 0, 0);
		} else {
			pass_on(pid, wait_status);
		}
	}
	close(failed);
	*pid_out = pid;
	return 0;
}

int launch_resume(pid_t pid)
{
	if (ptrace(PTRACE_DETACH, pid, 0, 0))
		return log_err(-errno, "cannot let process %d go on: %s", pid, strerror(errno));
	return 0;
}

bool launch_has_ended(pid_t pid)
{
	siginfo_t info = {0};

	return !waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid == pid;
}

int launch_wait(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}
