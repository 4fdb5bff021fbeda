/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 gilscope contributors */
/*
 * Where each nanosecond of a GIL and of its threads goes. A record tells a hold and how the gap
 * before it was spent; what no record tells is unknown. Everything is cut to what was observed:
 * from the GIL's first sight (or the capture's start) to the end.
 */
#include "model/model_state.h"

/* When a hold began and ended; what is not known is 0 for the begin, UINT64_MAX for the end. */
struct span {
	uint64_t begin, end;
};

static bool begin_missed(const struct ev_hold *e)
{
	return !e->acquire_ns && (e->flags & HOLD_ACQUIRE_MISSED);
}

static bool end_missed(const struct ev_hold *e)
{
	return !e->release_ns;
}

/* A time may be absent only where a flag says why. */
static bool well_formed(const struct ev_hold *e)
{
	if (!e->seq)
		return false;
	if (!e->acquire_ns && !(e->flags & (HOLD_FROM_ATTACH | HOLD_ACQUIRE_MISSED)))
		return false;
	return e->release_ns || (e->flags & HOLD_RELEASE_MISSED);
}

/*
 * An open hold has no end of its own: it lasts at least until the end, even if it began later. It
 * ends with its thread, though: no probe saw one that was held from the start until its thread was
 * killed.
 */
static struct span span_of(const struct model *m, const struct ev_hold *e)
{
	struct span hold = {.begin = e->acquire_ns, .end = e->release_ns};

	if (end_missed(e)) {
		hold.end = UINT64_MAX;
	} else if (e->flags & HOLD_OPEN) {
		hold.end = min_ns(hold.end, threads_exit_ns(&m->threads, e->head.process, e->tid));
		hold.end = max_ns(hold.end, e->acquire_ns);
	}
	return hold;
}

struct gil *model_gil_at(struct model *m, uint32_t process, uint32_t id, uint64_t from_ns)
{
	struct gil *g = gils_find(&m->gils, process, id);

	if (g)
		return g;
	return gils_add(&m->gils, process, id, min_ns(max_ns(from_ns, m->start_ns), m->stop_ns));
}

void model_gil_known(struct model *m, const struct ev_gil *e)
{
	struct model_gil *sums = &model_gil_at(m, e->head.process, e->gil, e->from_ns)->sums;
	size_t named = sizeof(e->interp_id) / sizeof(e->interp_id[0]);

	sums->address = e->address;
	sums->switch_interval_ns = e->switch_interval_ns;
	sums->interp_count = e->interpreters < named ? e->interpreters : named;
	for (size_t i = 0; i < sums->interp_count; i++)
		sums->interp_ids[i] = e->interp_id[i];
}

struct model_thread *model_entry_of(struct model *m, const struct gil *g, uint32_t tid)
{
	return threads_entry(&m->threads, g->sums.process, tid, gils_index(&m->gils, g),
			     g->sums.id);
}

void model_wait(struct model *m, const struct ev_wait *e)
{
	if (!e->request_ns) {
		model_lose(m, LOSS_bad_record);
		return;
	}

	struct gil *g = model_gil_at(m, e->head.process, e->gil, e->request_ns);
	struct span wait = {.begin = e->request_ns, .end = e->end_ns};

	/* An open wait has no end of its own, and may have begun after the capture's. */
	if (e->head.kind == EV_WAIT_OPEN) {
		wait.end = max_ns(wait.end, wait.begin);
	} else if (wait.begin <= wait.end) {
		gil_leave(g, wait.begin, wait.end);
		if (wait.begin < m->stop_ns && wait.end >= g->sums.from_ns)
			gil_note_waiters(g, e->waiters);
	}
	model_add_wait(m, g, e->tid, wait.begin, wait.end, true);
	model_settle_waits(m, g);
}

/* Takes the record's number; how the gap between the cursor and the record's begin was spent. */
static enum span_kind take_gap(struct gil *g, const struct ev_hold *e)
{
	if (gil_take_seq(g, e->seq))
		return SPAN_UNKNOWN;
	return e->flags & HOLD_GAP_WAITED ? SPAN_HANDOFF : SPAN_IDLE;
}

static void note_hold_waiters(struct model *m, struct gil *g, const struct ev_hold *e,
			      struct span hold)
{
	if (hold.begin >= m->stop_ns || hold.end < g->sums.from_ns)
		return;
	gil_note_waiters(g, e->waiters_max);
	if (hold.end <= m->stop_ns && !end_missed(e))
		gil_note_waiters(g, e->waiters);
}

static void count_release(struct model *m, struct gil *g, struct model_thread *t,
			  const struct ev_hold *e)
{
	if (!(e->flags & HOLD_FORCED)) {
		g->sums.voluntary_releases++;
		t->voluntary_releases++;
		return;
	}
	g->sums.forced_releases++;
	t->forced_releases++;
	if (m->series.interval_ns)
		series_at(&m->series, e->release_ns)->forced_releases++;
}

static void count_hold(struct model *m, struct gil *g, const struct ev_hold *e, uint64_t end)
{
	bool contended = e->flags & HOLD_CONTENDED;

	g->sums.holds++;
	g->sums.contended_holds += contended;
	if (!m->series.interval_ns)
		return;

	struct model_bin *bin = series_at(&m->series, end);

	bin->holds++;
	bin->contended_holds += contended;
}

/* A hold that reaches into the time observed, with both ends known; the cursor is at its begin or,
 * in an overlap, later. */
static void add_hold(struct model *m, struct gil *g, const struct ev_hold *e, struct span hold,
		     bool overlap)
{
	bool ended = !(e->flags & HOLD_OPEN) && hold.end <= m->stop_ns;
	bool clipped = !ended || overlap || hold.begin < g->sums.from_ns;
	uint64_t end = min_ns(hold.end, m->stop_ns);
	struct model_thread *t = model_entry_of(m, g, e->tid);
	uint64_t ns = gil_advance_held(g, &m->series, threads_ref(&m->threads, t), end);

	model_times_add(&t->hold, ns, clipped);
	count_hold(m, g, e, end);
	if (ended && !(e->flags & HOLD_EXITED))
		count_release(m, g, t, e);
}

/* The time from the gap's begin to the release cannot be told from each other. */
static void account_without_begin(struct model *m, struct gil *g, const struct ev_hold *e)
{
	model_lose(m, e->flags & HOLD_WRONG_RELEASER ? LOSS_wrong_releaser : LOSS_acquire_missed);
	if (end_missed(e)) {
		model_lose(m, LOSS_release_missed);
		g->gap_unknown = true;
		return;
	}
	gil_advance(g, &m->series, SPAN_UNKNOWN, min_ns(e->release_ns, m->stop_ns));
}

static void account_with_begin(struct model *m, struct gil *g, const struct ev_hold *e,
			       struct span hold, enum span_kind gap)
{
	bool overlap = gil_begun(g) && hold.begin < g->cursor_ns;

	if (overlap)
		model_lose(m, LOSS_overlap);
	if (gap == SPAN_IDLE)
		gil_advance_idle(g, &m->series, min_ns(hold.begin, m->stop_ns));
	else
		gil_advance(g, &m->series, gap, min_ns(hold.begin, m->stop_ns));
	if (hold.begin >= m->stop_ns)
		return;
	if (end_missed(e)) {
		model_lose(m, LOSS_release_missed);
		g->gap_unknown = true;
		return;
	}
	if (hold.end >= g->sums.from_ns)
		add_hold(m, g, e, hold, overlap);
}

/*
 * A record of after the end, where the GIL is accounted up to the end already: no account changes
 * but the wait's, and what is missing there was not lost to the report.
 */
static bool is_late(const struct model *m, const struct gil *g, const struct ev_hold *e)
{
	return g->cursor_ns >= m->stop_ns && (!e->acquire_ns || e->acquire_ns >= m->stop_ns);
}

/* Its own wait, if it is known. */
static void add_own_wait(struct model *m, struct gil *g, const struct ev_hold *e)
{
	if (e->request_ns && e->acquire_ns)
		model_add_wait(m, g, e->tid, e->request_ns, e->acquire_ns, false);
}

static void account(struct model *m, struct gil *g, const struct ev_hold *e, struct span hold)
{
	enum span_kind gap = take_gap(g, e);

	/* Which of the two times is wrong is not known, so nothing of the record is believed. */
	if (hold.end < hold.begin) {
		model_lose(m, LOSS_bad_interval);
		g->gap_unknown = true;
		return;
	}
	note_hold_waiters(m, g, e, hold);
	add_own_wait(m, g, e);
	if (begin_missed(e))
		account_without_begin(m, g, e);
	else
		account_with_begin(m, g, e, hold, gap);
}

void model_hold(struct model *m, const struct ev_hold *e)
{
	if (!well_formed(e)) {
		model_lose(m, LOSS_bad_record);
		return;
	}

	uint64_t first_seen = e->request_ns ? e->request_ns : e->acquire_ns;
	struct gil *g = model_gil_at(m, e->head.process, e->gil, first_seen);

	if (e->seq <= g->seq) {
		model_lose(m, LOSS_bad_record);
		return;
	}
	if (is_late(m, g, e)) {
		g->seq = e->seq;
		add_own_wait(m, g, e);
	} else {
		if (!e->request_ns && !(e->flags & HOLD_GAP_WAITED))
			model_nobody_waits(m, g);
		account(m, g, e, span_of(m, e));
	}
	model_settle_waits(m, g);
}

/*
 * How the time from the last record to the end was spent. The end itself may not be known yet, so
 * the time is accounted when the capture is closed.
 */
void model_gil_end(struct model *m, const struct ev_gil_end *e)
{
	struct gil *g = gils_find(&m->gils, e->head.process, e->gil);

	if (!g) {
		model_lose(m, LOSS_bad_record);
		return;
	}
	gil_note_waiters(g, e->waiters);
	if (g->cursor_ns >= m->stop_ns)
		return;
	/* An open hold that was told has the number after the last ended one: nothing is lost. */
	if (e->seq > g->seq) {
		g->sums.lost_holds += e->seq - g->seq;
		g->seq = e->seq;
		g->gap_unknown = true;
	}
	if (g->gap_unknown)
		g->tail = SPAN_UNKNOWN;
	else
		g->tail = e->waiters ? SPAN_HANDOFF : SPAN_IDLE;
}
