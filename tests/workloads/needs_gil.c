/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* An extension that does not say that it can do without the GIL: a free-threaded interpreter turns
 * its GIL on when it is imported. */
#include <Python.h>

static struct PyModuleDef module = {
	.m_base = PyModuleDef_HEAD_INIT,
	.m_name = "needs_gil",
};

PyMODINIT_FUNC PyInit_needs_gil(void)
{
	return PyModuleDef_Init(&module);
}
