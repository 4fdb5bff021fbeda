/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * A shared library with the GIL's code as CPython has it, to be compiled in the ways that
 * interpreters are and that no interpreter of this machine may be.
 */
#ifndef GILSCOPE_TEST_FAKE_PYTHON_H
#define GILSCOPE_TEST_FAKE_PYTHON_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char fake_python_source[] =
	"#include <pthread.h>\n"
	"#include <stdlib.h>\n"
	"#define OUT_OF_LINE static __attribute__((noinline, noclone))\n"
	"struct gil {\n"
	"	unsigned long interval; void *last_holder; int locked; unsigned long switch_number;\n"
	"	pthread_cond_t cond; pthread_mutex_t mutex;\n"
	"	pthread_cond_t switch_cond; pthread_mutex_t switch_mutex;\n"
	"};\n"
	"struct gil _PyRuntime;\n"
	"volatile int drop_request;\n"
	"long (*volatile work)(long);\n"
	"static __attribute__((noinline, cold, noreturn)) void fatal(const char *text)\n"
	"{ (void)*(const volatile char *)text; abort(); }\n"
	"static void check(int error, const char *text) { if (error) fatal(text); }\n"
	"OUT_OF_LINE void take_gil(struct gil *gil)\n"
	"{\n"
	"	struct timespec until = {0, 0};\n"
	"#if defined(REGISTER) /* called through r12; what REGISTER does to it */\n"
	"	register int (*timedwait)(pthread_cond_t *, pthread_mutex_t *,\n"
	"				  const struct timespec *) __asm__(\"r12\");\n"
	"	timedwait = pthread_cond_timedwait;\n"
	"	__asm__ volatile(REGISTER : \"+r\"(timedwait));\n"
	"#else\n"
	"#define timedwait pthread_cond_timedwait\n"
	"#endif\n"
	"	check(pthread_mutex_lock(&gil->mutex), \"PyMUTEX_LOCK(gil->mutex) failed\");\n"
	"	while (gil->locked) {\n"
	"		int r = timedwait(&gil->cond, &gil->mutex, &until);\n"
	"		if (r && r != 110) fatal(\"PyCOND_TIMED_WAIT(gil->cond) failed\");\n"
	"		drop_request = 1;\n"
	"	}\n"
	"	gil->locked = 1;\n"
	"	check(pthread_cond_signal(&gil->switch_cond),\n"
	"	      \"PyCOND_SIGNAL(gil->switch_cond) failed\");\n"
	"	check(pthread_mutex_unlock(&gil->mutex), \"PyMUTEX_UNLOCK(gil->mutex) failed\");\n"
	"}\n"
	"static inline __attribute__((always_inline)) void drop_gil_inline(struct gil *gil)\n"
	"{\n"
	"	check(pthread_mutex_lock(&gil->mutex), \"PyMUTEX_LOCK(gil->mutex) failed\");\n"
	"	gil->locked = 0;\n"
	"	check(pthread_cond_signal(&gil->cond), \"PyCOND_SIGNAL(gil->cond) failed\");\n"
	"	check(pthread_mutex_unlock(&gil->mutex), \"PyMUTEX_UNLOCK(gil->mutex) failed\");\n"
	"	if (drop_request)\n"
	"		check(pthread_cond_wait(&gil->switch_cond, &gil->switch_mutex),\n"
	"		      \"PyCOND_WAIT(gil->switch_cond) failed\");\n"
	"}\n"
	"OUT_OF_LINE void drop_gil(struct gil *gil);\n"
	"#if defined(DETACH) /* so near that its tail call is a short jump */\n"
	"OUT_OF_LINE void release_lock(struct gil *gil) { work(11); drop_gil(gil); }\n"
	"#endif\n"
	"OUT_OF_LINE void drop_gil(struct gil *gil) { drop_gil_inline(gil); work(1); }\n"
	"#if defined(DETACH) /* 3.13 and newer: drop_gil is only reached by tail calls */\n"
	"void PyEval_ReleaseThread(struct gil *gil) { work(12); drop_gil(gil); }\n"
	"#define RELEASE(gil) release_lock(gil)\n"
	"#else\n"
	"#define RELEASE(gil) drop_gil(gil)\n"
	"#endif\n"
	"__attribute__((noinline)) void PyEval_RestoreThread(struct gil *gil)\n"
	"{ take_gil(gil); work(2); }\n"
	"#if defined(RESTORE_INLINED)\n"
	"#define RESTORE(gil) take_gil(gil)\n"
	"#else\n"
	"#define RESTORE(gil) PyEval_RestoreThread(gil)\n"
	"#endif\n"
	"__attribute__((noinline)) void *PyEval_SaveThread(struct gil *gil)\n"
	"{ RELEASE(gil); return gil; }\n"
	"#if defined(__x86_64__) /* Bytes inside an instruction that look like a call. */\n"
	"__attribute__((used)) void decoy(void)\n"
	"{ __asm__ volatile(\".byte 0x48, 0xb8, 0xe8\\n1: .long 0\\n.byte 0, 0, 0\\n\"\n"
	"		   \".reloc 1b, R_X86_64_PLT32, pthread_cond_signal - 4\" ::: \"rax\"); }\n"
	"#endif\n"
	"/* Py_BEGIN_ALLOW_THREADS ... Py_END_ALLOW_THREADS, inlined and not. */\n"
	"OUT_OF_LINE long blocking_inlined(struct gil *gil)\n"
	"{ drop_gil_inline(gil); long n = work(3); RESTORE(gil); return n + work(4); }\n"
	"OUT_OF_LINE long blocking_call(struct gil *gil)\n"
	"{ PyEval_SaveThread(gil); long n = work(5); PyEval_RestoreThread(gil); return n + work(6); }\n"
	"#if defined(DETACH)\n"
	"OUT_OF_LINE void detach(struct gil *gil, int why)\n"
	"{ if (work(why)) release_lock(gil); work(7); }\n"
	"OUT_OF_LINE void attach(struct gil *gil) { take_gil(gil); work(8); }\n"
	"#define DROP(gil) detach(gil, 9)\n"
	"#define TAKE(gil) attach(gil)\n"
	"#else\n"
	"#define DROP(gil) drop_gil(gil)\n"
	"#define TAKE(gil) take_gil(gil)\n"
	"#endif\n"
	"#if defined(PENDING_EXPORTED)\n"
	"__attribute__((noinline)) int _Py_HandlePending(struct gil *gil)\n"
	"#elif defined(PENDING_HIDDEN)\n"
	"OUT_OF_LINE int handle_pending(struct gil *gil)\n"
	"#define _Py_HandlePending handle_pending\n"
	"#else\n"
	"static inline __attribute__((always_inline)) int _Py_HandlePending(struct gil *gil)\n"
	"#endif\n"
	"{ if (drop_request) { DROP(gil); TAKE(gil); } return work(10) != 0; }\n"
	"int _PyEval_EvalFrameDefault(struct gil *gil, const char *code)\n"
	"{\n"
	"	for (;; code++) {\n"
	"		switch (*code) {\n"
	"		case 0: return 0;\n"
	"		case 1: work(blocking_inlined(gil)); break;\n"
	"		case 2: work(blocking_call(gil)); break;\n"
	"		case 4: PyEval_SaveThread(gil); work(13); PyEval_RestoreThread(gil); break;\n"
	"		default: if (_Py_HandlePending(gil)) return 1;\n"
	"		}\n"
	"	}\n"
	"}\n";

/* The C compiler for the machine that this test runs on, which may be an emulated one. */
static inline const char *fake_python_compiler(void)
{
	const char *compiler = getenv("GILSCOPE_TEST_CC");

	return compiler ? compiler : "cc";
}

/* Compiles it with `flags` into a temporary file: its path in `path`; false without a compiler. A
 * library, or, with -no-pie, an executable. */
static inline bool make_fake_python(const char *flags, char path[64])
{
	char source[80], command[1024];

	snprintf(path, 64, "/tmp/fake-python-XXXXXX");
	int fd = mkstemp(path);
	if (fd < 0)
		return false;
	close(fd);
	snprintf(source, sizeof(source), "%s.c", path);
	FILE *f = fopen(source, "w");
	if (!f)
		return false;
	fputs(fake_python_source, f);
	fclose(f);
	snprintf(command, sizeof(command), "%s -w -O2 %s -pthread %s -o %s %s",
		 fake_python_compiler(), strstr(flags, "-no-pie") ? "" : "-fPIC -shared", flags,
		 path, source);
	bool made = system(command) == 0;
	unlink(source);
	if (!made)
		unlink(path);
	return made;
}

#endif
