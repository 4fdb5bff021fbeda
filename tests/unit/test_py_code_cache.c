/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/* What is remembered of code objects, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "target/py_code_cache.h"

static struct py_code *new_code(uint64_t address, size_t table_size)
{
	struct py_code *code = xcalloc(1, sizeof(*code));

	code->address = code->fingerprint = address;
	code->function = xstrdup("f");
	code->file = xstrdup("f.py");
	code->table = xcalloc(1, table_size);
	code->table_size = table_size;
	return code;
}

static void the_memory_of_a_cache_is_bounded(void **state)
{
	struct py_code_cache *cache = py_code_cache_new(100000);

	(void)state;
	for (uint64_t i = 1; i <= 10000; i++) {
		const struct py_code *code = py_code_cache_add(cache, new_code(i, 100 + i % 900));
		assert_int_equal(code->address, i);
		assert_true(py_code_cache_bytes(cache) <= 100000);
		/* One that is used stays. */
		assert_non_null(py_code_cache_find(cache, 1, 1));
		assert_null(py_code_cache_find(cache, 1, 2));
		assert_null(py_code_cache_find(cache, 1, 1 + (1 << 20))); /* the same bucket */
		assert_null(py_code_cache_find(cache, 2, 1));
	}
	assert_true(py_code_cache_bytes(cache) > 90000);
	assert_non_null(py_code_cache_find(cache, 10000, 10000));
	assert_null(py_code_cache_find(cache, 2, 2));
	/* One that is larger than the whole cache is there until the next. */
	py_code_cache_add(cache, new_code(20000, 200000));
	assert_non_null(py_code_cache_find(cache, 20000, 20000));
	py_code_cache_add(cache, new_code(20001, 1));
	assert_null(py_code_cache_find(cache, 20000, 20000));
	assert_true(py_code_cache_bytes(cache) < 1000);
	py_code_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_memory_of_a_cache_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
