/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Threads that exit: the memory for them is bounded, their times are all there, and those that held
 * and waited longest are told one by one.
 */
#include "model_checks.h"
#include "model_fixture.h"
#include "model_simulator.h"

#include "model/model_state.h"

#define STREAMS 3000
#define THREADS 100000
#define STEP 100 /* ns from one short thread to the next */

/* One entry of the reference, which one of the model stands for. */
static void take(uint64_t number, const struct model_thread *t, const struct ref *r, bool *taken)
{
	assert_true(t->number < r->entry_count);
	assert_false(taken[t->number]);
	taken[t->number] = true;
	CHECK(t->together, 0);
	check_thread(number, t, r, &r->entries[t->number]);
}

static void add_values(struct ref_values *to, const struct ref_values *from)
{
	for (size_t i = 0; i < from->count; i++)
		*VEC_PUSH(to) = from->items[i];
	to->total += from->total;
	to->clipped += from->clipped;
	to->clipped_ns += from->clipped_ns;
}

static uint64_t observed_of(const struct ref *r, const struct ref_life *life)
{
	const uint64_t from = life->from > r->t0 ? life->from : r->t0;
	const uint64_t to = life->exit < r->t1 ? life->exit : r->t1;

	return to > from ? to - from : 0;
}

/* An entry of several together against all of that GIL that are not taken. */
static void check_folded(uint64_t number, const struct model_thread *t, const struct ref *r,
			 const bool *taken)
{
	struct ref_entry sum = {0};
	uint64_t threads = 0, observed = 0, off = 0;

	for (size_t i = 0; i < r->entry_count; i++) {
		const struct ref_entry *e = &r->entries[i];

		if (taken[i] || e->gil != t->gil)
			continue;
		const uint64_t lived = observed_of(r, &r->lives[e->life]);
		const uint64_t busy = e->hold.total + e->wait.total;

		threads++;
		observed += lived;
		off += lived > busy ? lived - busy : 0;
		sum.forced += e->forced;
		sum.voluntary += e->voluntary;
		add_values(&sum.hold, &e->hold);
		add_values(&sum.wait, &e->wait);
	}
	CHECK(t->together, threads);
	CHECK(t->tid, 0);
	CHECK(t->exited, 1);
	CHECK(t->observed_ns, observed);
	CHECK(t->off_gil_ns, off);
	CHECK(t->forced_releases, sum.forced);
	CHECK(t->voluntary_releases, sum.voluntary);
	check_times(number, &t->hold, &sum.hold);
	check_times(number, &t->wait, &sum.wait);
	free(sum.hold.items);
	free(sum.wait.items);
}

static uint64_t busy_of(const struct ref_entry *e)
{
	return e->hold.total + e->wait.total;
}

/* What is folded has exited, and did not hold and wait longer than any exited one that is not. */
static void check_choice(uint64_t number, const struct ref *r, const bool *taken, size_t max)
{
	uint64_t most = 0, least = UINT64_MAX, kept = 0, folded = 0;

	for (size_t i = 0; i < r->entry_count; i++) {
		const uint64_t busy = busy_of(&r->entries[i]);

		if (r->lives[r->entries[i].life].exit > r->t1) {
			CHECK(taken[i], 1);
		} else if (taken[i]) {
			kept++;
			least = busy < least ? busy : least;
		} else {
			folded++;
			most = busy > most ? busy : most;
		}
	}
	assert_true(most <= least);
	CHECK(kept, kept + folded < max ? kept + folded : max);
}

static size_t check_stream(uint64_t number, struct ref *r)
{
	const struct model_options options = {
		.max_exited = 1 + number % 4,
		.max_recent = 1 + number % 3,
	};
	bool taken[REF_MAX] = {false};
	struct sim s;

	sim_run(&s, seed_of(number));
	struct model *m = feed_to(model_new(&options), &s.out);
	const struct model_result *result = model_result(m);

	ref_run(r, &s.out, 1000);
	assert_non_null(result);
	for (size_t i = 0; i < result->thread_count; i++)
		take(number, &result->threads[i], r, taken);
	for (size_t i = 0; i < result->exited_count; i++)
		check_folded(number, &result->exited[i], r, taken);
	check_choice(number, r, taken, options.max_exited);

	const size_t folded = result->exited_count;

	ref_free(r);
	model_free(m);
	sim_free(&s);
	return folded;
}

static void random_streams_match_the_reference(void **state)
{
	struct ref *r = xcalloc(1, sizeof(*r));
	size_t folded = 0;

	(void)state;
	for (uint64_t number = 0; number < STREAMS; number++)
		folded += check_stream(number, r);
	assert_true(folded > STREAMS / 10);
	free(r);
}

/* A short thread of its own for each step, which waits and holds for some time. */
static void feed_thread(struct model *m, uint32_t tid, uint64_t seq, uint64_t at)
{
	const uint64_t wait = 1 + seq * 7919 % 40, hold = 1 + seq * 104729 % 40;

	feed(m, rec_thread(EV_THREAD_START, tid, at, "request"));
	feed(m,
	     rec_waited(0, tid, seq, at, at + wait, at + wait + hold, seq % 3 ? HOLD_FORCED : 0));
	feed(m, rec_thread(EV_THREAD_EXIT, tid, at + STEP - 1, "request"));
}

/* Threads one after the other, `tids` of them before a tid comes again. */
static struct model *run_threads(const struct model_options *options, uint32_t tids)
{
	struct model *m = model_new(options);

	feed(m, rec_mark(EV_CAPTURE_START, T0, END_NONE));
	feed(m, rec_gil(0, 0));
	for (uint32_t i = 0; i < THREADS; i++)
		feed_thread(m, 100 + i % tids, i + 1, T0 + (uint64_t)i * STEP);
	return m;
}

static const struct model_result *end_threads(struct model *m)
{
	feed(m, rec_gil_end(0, THREADS, 0));
	feed(m, rec_mark(EV_CAPTURE_END, T0 + (uint64_t)THREADS * STEP, END_DURATION));
	assert_non_null(model_result(m));
	return model_result(m);
}

static void add_times(struct model_times *to, const struct model_times *from)
{
	hist_merge(&to->hist, &from->hist);
	to->total_ns += from->total_ns;
	to->clipped += from->clipped;
	to->clipped_ns += from->clipped_ns;
}

/* All that entries say, together. */
static void add_entry(struct model_thread *to, const struct model_thread *from)
{
	to->together += from->together ? from->together : 1;
	to->observed_ns += from->observed_ns;
	to->off_gil_ns += from->off_gil_ns;
	to->forced_releases += from->forced_releases;
	to->voluntary_releases += from->voluntary_releases;
	add_times(&to->hold, &from->hold);
	add_times(&to->wait, &from->wait);
}

static struct model_thread sum_of(const struct model_result *r)
{
	struct model_thread sum = {0};

	for (size_t i = 0; i < r->thread_count; i++)
		add_entry(&sum, &r->threads[i]);
	for (size_t i = 0; i < r->exited_count; i++)
		add_entry(&sum, &r->exited[i]);
	return sum;
}

static void assert_same_hist(const struct hist *a, const struct hist *b)
{
	struct hist_bucket x, y;
	size_t at_a = 0, at_b = 0;

	assert_int_equal(a->count, b->count);
	assert_int_equal(a->total, b->total);
	assert_int_equal(a->min, b->min);
	assert_int_equal(a->max, b->max);
	while (hist_next(a, &at_a, &x)) {
		assert_true(hist_next(b, &at_b, &y));
		assert_int_equal(x.lo, y.lo);
		assert_int_equal(x.n, y.n);
	}
	assert_false(hist_next(b, &at_b, &y));
}

static void assert_same_sums(const struct model_result *a, const struct model_result *b)
{
	struct model_thread x = sum_of(a), y = sum_of(b);

	assert_int_equal(x.together, THREADS);
	assert_int_equal(y.together, THREADS);
	assert_int_equal(x.observed_ns, y.observed_ns);
	assert_int_equal(x.off_gil_ns, y.off_gil_ns);
	assert_int_equal(x.forced_releases, y.forced_releases);
	assert_int_equal(x.voluntary_releases, y.voluntary_releases);
	assert_int_equal(x.hold.total_ns, y.hold.total_ns);
	assert_int_equal(x.wait.total_ns, y.wait.total_ns);
	assert_same_hist(&x.hold.hist, &y.hold.hist);
	assert_same_hist(&x.wait.hist, &y.wait.hist);
	assert_same_hist(&a->hold, &x.hold.hist);
	assert_same_hist(&a->hold, &b->hold);
	assert_same_hist(&a->wait, &b->wait);
	model_thread_free(&x);
	model_thread_free(&y);
}

/* What is kept while the capture runs does not grow with the threads that were there. */
static void assert_bounded(const struct model *m)
{
	const struct thread_table *t = &m->threads;

	assert_true(t->lives.count <= MODEL_MAX_RECENT + 1);
	assert_true(t->entries.count <= MODEL_MAX_RECENT + 1);
	assert_true(t->lives.index.count <= MODEL_MAX_RECENT + 1);
	assert_true(t->lives.index.cap <= 4 * (MODEL_MAX_RECENT + 1));
	assert_true(t->exited.kept.count <= MODEL_MAX_EXITED);
	assert_true(t->exited.folded.count <= 1);
}

static void compare_with_all_kept(uint32_t tids)
{
	struct model *all = run_threads(&(struct model_options){.max_exited = THREADS}, tids);
	struct model *m = run_threads(&(struct model_options){0}, tids);

	assert_bounded(m);
	const struct model_result *kept = end_threads(all), *r = end_threads(m);

	assert_int_equal(kept->thread_count, THREADS);
	assert_int_equal(kept->exited_count, 0);
	assert_int_equal(r->thread_count, MODEL_MAX_EXITED);
	assert_int_equal(r->exited_count, 1);
	assert_int_equal(r->exited[0].together, THREADS - MODEL_MAX_EXITED);
	assert_int_equal(r->threads_on_gil, THREADS);
	assert_int_equal(r->threads_off_gil, 0);
	assert_same_sums(r, kept);
	assert_int_equal(r->gils[0].held_ns, kept->gils[0].held_ns);
	assert_no_losses(r);
	model_free(all);
	model_free(m);
}

static void sums_are_those_of_all_threads(void **state)
{
	(void)state;
	compare_with_all_kept(THREADS);
}

/* Each tid comes again after few others, so that it is another thread's that is remembered. */
static void tids_come_again(void **state)
{
	(void)state;
	compare_with_all_kept(50);
	compare_with_all_kept(1);
}

static void threads_without_a_gil_are_only_counted(void **state)
{
	struct model *m = begin();

	(void)state;
	for (uint32_t i = 0; i < THREADS; i++) {
		feed(m, rec_thread(EV_THREAD_START, 100 + i, T0 + 1, "native"));
		feed(m, rec_thread(EV_THREAD_EXIT, 100 + i, T0 + 2, "native"));
	}
	assert_bounded(m);
	assert_int_equal(m->threads.entries.count, 0);
	const struct model_result *r = end_gil(m, 0, 0);

	assert_int_equal(r->thread_count, 0);
	assert_int_equal(r->exited_count, 0);
	assert_int_equal(r->threads_on_gil, 0);
	assert_int_equal(r->threads_off_gil, THREADS);
	model_free(m);
}

/* `count` threads that hold for 1 ns each and exit, from a sequence number on. */
static void feed_others(struct model *m, uint32_t first_tid, uint32_t count, uint64_t seq)
{
	for (uint32_t i = 0; i < count; i++) {
		feed(m, rec_hold(0, first_tid + i, seq + i, T0 + seq + i - 1, T0 + seq + i, 0));
		feed(m, rec_thread(EV_THREAD_EXIT, first_tid + i, T0 + seq + i, "other"));
	}
}

/* The latest entry of a tid. */
static const struct model_thread *find_thread(const struct model_result *r, uint32_t tid)
{
	for (size_t i = r->thread_count; i-- > 0;)
		if (r->threads[i].tid == tid)
			return &r->threads[i];
	return NULL;
}

/* A record after its thread's exit belongs to it as long as few others have exited since. */
static void late_record(void **state)
{
	const struct model_options options = {.max_exited = 1, .max_recent = 10};

	(void)state;
	for (uint32_t others = 8; others < 12; others++) {
		struct model *m = model_new(&options);

		feed(m, rec_mark(EV_CAPTURE_START, T0, END_NONE));
		feed(m, rec_gil(0, 0));
		feed(m, rec_hold(0, 7, 1, T0, T0 + 1, 0));
		feed(m, rec_thread(EV_THREAD_EXIT, 7, T0 + 1, "late"));
		feed_others(m, 100, others, 2);
		feed(m, rec_hold(0, 7, 2 + others, T0 + 100, T0 + 150, HOLD_EXITED));
		const struct model_result *r = end_gil(m, 2 + others, 0);
		const struct model_thread *t = find_thread(r, 7);

		/* Told too late, it is another thread's to the model; its time counts all the same. */
		assert_non_null(t);
		assert_times(&t->hold, others < 10 ? 2 : 1, others < 10 ? 51 : 50, 0, 0);
		assert_int_equal(t->exited, others < 10);
		assert_int_equal(r->exited[0].together, others);
		assert_int_equal(r->gils[0].held_ns, 51 + others);
		model_free(m);
	}
}

/* The hold of a thread from before the capture, told at the end: it ended with the thread. */
static void thread_from_the_start_is_remembered(void **state)
{
	const struct model_options options = {.max_exited = 2, .max_recent = 2};
	struct model *m = model_new(&options);

	(void)state;
	feed(m, rec_mark(EV_CAPTURE_START, T0, END_NONE));
	feed(m, rec_gil(0, 0));
	feed(m, rec_gil(1, 0));
	feed(m, rec_thread(EV_THREAD_NAME, 7, T0, "killed"));
	feed(m, rec_thread(EV_THREAD_EXIT, 7, T0 + 10, ""));
	feed_others(m, 100, 50, 1);
	feed(m, rec_mark(EV_CAPTURE_STOP, T1, END_NONE));
	feed(m, rec_hold(1, 7, 1, 0, T1, HOLD_OPEN | HOLD_FROM_ATTACH));
	feed(m, rec_gil_end(1, 0, 0));
	const struct model_result *r = end_gil(m, 50, 0);
	const struct model_thread *t = find_thread(r, 7);

	assert_gil(&r->gils[1], 10, 0, 990, 0);
	assert_non_null(t);
	assert_true(t->exited);
	assert_int_equal(t->observed_ns, 10);
	assert_string_equal(t->comm, "killed");
	assert_int_equal(r->threads_on_gil, 51);
	assert_no_losses(r);
	model_free(m);
}

/* One that was long at work stays among thousands that were not; of equal ones the first. */
static void the_longest_are_kept(void **state)
{
	const struct model_options options = {.max_exited = 3, .max_recent = 1};
	struct model *m = model_new(&options);

	(void)state;
	feed(m, rec_mark(EV_CAPTURE_START, T0, END_NONE));
	feed(m, rec_gil(0, 0));
	feed_others(m, 100, 300, 1);
	feed(m, rec_hold(0, 7, 301, T0 + 400, T0 + 450, 0));
	feed(m, rec_thread(EV_THREAD_EXIT, 7, T0 + 450, "long"));
	feed(m, rec_hold(0, 8, 302, T0 + 450, T0 + 460, 0)); /* lives on */
	feed_others(m, 1000, 300, 501);
	const struct model_result *r = end_gil(m, 800, 0);

	assert_int_equal(r->thread_count, 4);
	assert_int_equal(r->threads[0].tid, 100);
	assert_int_equal(r->threads[1].tid, 101);
	assert_int_equal(r->threads[2].tid, 7);
	assert_string_equal(r->threads[2].comm, "long");
	assert_int_equal(r->threads[3].tid, 8);
	assert_false(r->threads[3].exited);
	assert_int_equal(r->exited[0].together, 598);
	assert_times(&r->exited[0].hold, 598, 598, 0, 0);
	assert_int_equal(r->threads_on_gil, 602);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_streams_match_the_reference),
		cmocka_unit_test(sums_are_those_of_all_threads),
		cmocka_unit_test(tids_come_again),
		cmocka_unit_test(threads_without_a_gil_are_only_counted),
		cmocka_unit_test(late_record),
		cmocka_unit_test(thread_from_the_start_is_remembered),
		cmocka_unit_test(the_longest_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
