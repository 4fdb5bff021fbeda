/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* A library with the names of libc's condition variables that nobody calls, as glibc's libc.so.6 was
 * before 2.34, where libpthread.so.0 had those that count. */

int pthread_cond_signal(void *cond)
{
	return cond == 0;
}

int pthread_cond_timedwait(void *cond, void *mutex, const void *until)
{
	return cond == mutex && !until;
}
