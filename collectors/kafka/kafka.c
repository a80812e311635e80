/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/collector.h"
#include "collectors/kafka/process.h"
#include "collectors/kafka/intake.h"
#include "collectors/kafka/plan.h"

/*
 * One Kafka cluster. Everything that talks to Kafka is done by a sweeper, a process of its own
 * (sweeper.h); here it is started, ordered, watched and, when it dies or says nothing, started anew.
 * Facts of a sweep are told together, when it is complete.
 */
enum { FRAMES_MAX_BYTES = 256 << 20, ORDER_MAX_BYTES = 2 * WIRE_FRAME_MAX, BACK_OFF_MS = 1000,
	BACK_OFF_MAX_MS = 60000, REMEMBER_DEATH_MS = 600000, SAVE_PLACES_MS = 20000, LOOK_MS = 5000,
	CURSOR_MAX_BYTES = 32 << 20 };

struct kafka {
	struct plan plan;
	struct intake *intake;
	struct process child;
	struct buf frames; /* of the sweep under way */
	bool overflowed;
	bool sweeping;
	int64_t every_ms, patience_ms;
	/* monotonic */
	int64_t next_sweep_ms, start_at_ms, heard_at_ms, died_at_ms, saved_at_ms;
	int deaths; /* without a good sweep between */
	int64_t all_deaths;
	char death[256]; /* how it ended last; "" = never */
	struct intake_sweep last;
	bool swept; /* last is filled */
	int64_t now_ms; /* of the newest step, monotonic */
	struct text left_off; /* where the sampling consumer is: owned, malloc */
	bool moved;           /* left_off is another than in the cursor */
	bool tables_told;
	char *name;
};

static void keep_left_off(struct kafka *kafka, struct text text)
{
	char *copy = text_dup(text);

	free((char *)kafka->left_off.bytes);
	kafka->left_off = (struct text){ copy, text.len };
}

static void load_cursor(struct kafka *kafka, struct text cursor)
{
	json_t *json = cursor.len > 0 ? json_loadb(cursor.bytes, cursor.len, 0, NULL) : NULL;
	char *names = json_dumps(json_object_get(json, "names"), JSON_COMPACT);
	const char *places = json_string_value(json_object_get(json, "places"));

	if (names)
		intake_load(kafka->intake, text_of(names));
	if (places)
		keep_left_off(kafka, text_of(places));
	free(names);
	json_decref(json);
}

static void save_cursor(struct kafka *kafka, struct fact_batch *batch, int64_t now)
{
	struct buf out;
	json_t *places;
	char *quoted;

	if (!intake_moved(kafka->intake) && (!kafka->moved || now - kafka->saved_at_ms < SAVE_PLACES_MS))
		return;
	places = json_stringn(kafka->left_off.bytes ? kafka->left_off.bytes : "", kafka->left_off.len);
	quoted = places ? json_dumps(places, JSON_ENCODE_ANY) : NULL;
	buf_init(&out, CURSOR_MAX_BYTES);
	(void)buf_addf(&out, "{\"places\":%s,\"names\":", quoted ? quoted : "\"\"");
	intake_save(kafka->intake, &out);
	(void)buf_add_char(&out, '}');
	if (!out.full)
		batch->cursor = arena_text(&batch->arena, buf_text(&out));
	buf_done(&out);
	free(quoted);
	json_decref(places);
	kafka->moved = false;
	kafka->saved_at_ms = now;
}

static void log_notes(const struct kafka *kafka)
{
	const struct properties *properties = &kafka->plan.properties;

	for (size_t i = 0; i < properties->nnotes; i++) {
		const struct property_note *note = &properties->notes[i];

		if (note->line > 0)
			log_line(note->wrong ? LOG_WARN : LOG_INFO, kafka->name, "line %d: %.*s",
				note->line, TEXT_ARG(note->text));
		else
			log_line(LOG_WARN, kafka->name, "%.*s", TEXT_ARG(note->text));
	}
}

static bool start(
	void *self, const struct config_section *config, struct text cursor, struct err *err)
{
	struct kafka *kafka = self;
	struct buf name;

	if (!plan_read(&kafka->plan, config, err)) {
		plan_done(&kafka->plan);
		return false;
	}
	kafka->every_ms = config_integer(config, "every");
	kafka->patience_ms = config_integer(config, "patience");
	if (kafka->patience_ms < 2000)
		kafka->patience_ms = 2000;
	kafka->intake = intake_new(kafka->plan.cluster);
	process_init(&kafka->child);
	buf_init(&kafka->frames, FRAMES_MAX_BYTES);
	buf_init(&name, 256);
	(void)buf_addf(&name, "kafka %.*s", TEXT_ARG(kafka->plan.cluster));
	kafka->name = buf_take(&name);
	load_cursor(kafka, cursor);
	log_notes(kafka);
	return true;
}

/* The sweeper is gone or is to go: what it was doing is lost, and that is all. */
static void bury(struct kafka *kafka, const char *reason)
{
	char how[256] = "";
	int64_t wait = BACK_OFF_MS;

	process_end(&kafka->child, how, sizeof how);
	for (int i = 0; i < kafka->deaths && wait < BACK_OFF_MAX_MS; i++)
		wait *= 2;
	kafka->start_at_ms = kafka->now_ms + (wait < BACK_OFF_MAX_MS ? wait : BACK_OFF_MAX_MS);
	(void)snprintf(kafka->death, sizeof kafka->death, "%s%s", reason, how);
	kafka->died_at_ms = kafka->now_ms;
	kafka->deaths++;
	kafka->all_deaths++;
	kafka->sweeping = false;
	buf_reset(&kafka->frames);
	log_line(LOG_WARN, kafka->name, "the Kafka client ended: %s; started again in %" PRId64 " ms",
		kafka->death, kafka->start_at_ms - kafka->now_ms);
}

static bool send_plan(struct kafka *kafka, struct err *err)
{
	struct buf out;
	bool good;

	buf_init(&out, ORDER_MAX_BYTES);
	good = plan_put(&kafka->plan, &out) ||
		err_set(err, ERR_LIMIT, 0, "the properties are too large");
	if (good && kafka->plan.tables.len > 0) {
		size_t begun = wire_begin(&out, WIRE_PLACES);

		wire_text(&out, kafka->left_off.bytes ? kafka->left_off : TEXT(""));
		(void)wire_end(&out, begun);
	}
	good = good && process_send(&kafka->child, &out, err);
	explicit_bzero(out.bytes, out.len); /* secrets were in it */
	buf_done(&out);
	return good;
}

static bool order_sweep(struct kafka *kafka, struct err *err)
{
	struct buf out;
	bool good;

	buf_init(&out, ORDER_MAX_BYTES);
	(void)wire_end(&out, wire_begin(&out, WIRE_SWEEP));
	good = process_send(&kafka->child, &out, err);
	buf_done(&out);
	kafka->sweeping = good;
	buf_reset(&kafka->frames);
	kafka->overflowed = false;
	return good;
}

static void drive(struct kafka *kafka)
{
	struct err err = ERR_INIT;
	bool good = true;

	if (kafka->child.pid == 0 && kafka->now_ms >= kafka->start_at_ms) {
		good = process_start(&kafka->child, &err) && send_plan(kafka, &err);
		kafka->heard_at_ms = kafka->now_ms;
		kafka->next_sweep_ms = kafka->now_ms;
	}
	if (good && kafka->child.pid != 0 && !kafka->sweeping &&
		kafka->now_ms >= kafka->next_sweep_ms) {
		good = order_sweep(kafka, &err);
		kafka->next_sweep_ms = kafka->now_ms + kafka->every_ms;
	}
	if (!good)
		bury(kafka, err.text);
}

static void take_end(struct kafka *kafka, struct fact_batch *batch)
{
	struct intake_sweep sweep = { 0 };
	size_t before = batch->nfacts;

	kafka->sweeping = false;
	if (kafka->overflowed || !intake_take(kafka->intake, buf_text(&kafka->frames), batch, &sweep)) {
		/* Half of a sweep would be worse than none. */
		batch->nfacts = before;
		bury(kafka, "it spoke nonsense; ");
		return;
	}
	buf_reset(&kafka->frames);
	kafka->last = sweep;
	kafka->swept = true;
	if (sweep.good)
		kafka->deaths = 0;
}

static void take_log(struct kafka *kafka, struct wire_in *in)
{
	uint8_t level = wire_take_u8(in);
	struct text text = wire_take_text(in);

	if (!in->bad && level <= LOG_ERROR)
		log_line((enum log_level)level, kafka->name, "%.*s", TEXT_ARG(text));
}

/* False when what came is no frame of ours. */
static bool take_frame(struct kafka *kafka, struct text frame, enum wire_kind kind, struct wire_in *in,
	struct fact_batch *batch)
{
	switch ((int)kind) {
	case WIRE_HELLO:
		return wire_take_u32(in) == WIRE_VERSION;
	case WIRE_BEAT:
		return true;
	case WIRE_LOG:
		take_log(kafka, in);
		return !in->bad;
	case WIRE_GROUP:
	case WIRE_POSITION:
	case WIRE_TOPIC:
	case WIRE_END:
		if (!kafka->sweeping)
			return false;
		kafka->overflowed = !buf_add(&kafka->frames, frame) || kafka->overflowed;
		if (kind == WIRE_END)
			take_end(kafka, batch);
		return true;
	case WIRE_TABLE:
		return intake_table(kafka->intake, in, batch);
	case WIRE_LEFT_OFF:
		keep_left_off(kafka, wire_take_text(in));
		kafka->moved = true;
		return !in->bad;
	default:
		return false;
	}
}

/* Cuts and takes what has come; false when the sweeper is to be buried. */
static bool take_frames(struct kafka *kafka, struct fact_batch *batch)
{
	struct text rest = buf_text(&kafka->child.in);
	size_t left;

	while (kafka->child.pid != 0) {
		struct text frame = rest;
		enum wire_kind kind;
		struct wire_in in;
		enum wire_cut cut = wire_cut(&rest, &kind, &in);

		if (cut == WIRE_BROKEN)
			return false;
		if (cut == WIRE_MORE)
			break;
		frame.len -= rest.len;
		if (!take_frame(kafka, frame, kind, &in, batch))
			return false;
	}
	left = rest.len;
	memmove(kafka->child.in.bytes, rest.bytes, left);
	buf_cut(&kafka->child.in, left);
	return true;
}

static void hear_sweeper(struct kafka *kafka, struct fact_batch *batch)
{
	bool heard = false;
	bool alive;

	if (kafka->child.pid == 0)
		return;
	alive = process_read(&kafka->child, &heard);
	if (heard)
		kafka->heard_at_ms = kafka->now_ms;
	if (!take_frames(kafka, batch))
		bury(kafka, "it spoke nonsense; ");
	else if (kafka->child.pid != 0 && !alive)
		bury(kafka, "");
	else if (kafka->child.pid != 0 && kafka->now_ms - kafka->heard_at_ms > kafka->patience_ms)
		bury(kafka, "it said nothing for too long; ");
}

/*
 * --once: exactly one sweep, waited for however long it takes (what hangs is buried), since a step
 * that only waited would count as a good one between two failures.
 */
static enum step once(struct kafka *kafka, struct step_context *context, struct err *err)
{
	while (!kafka->swept) {
		struct pollfd fd = { .events = POLLIN };

		kafka->now_ms = context->clock->mono_ms(context->clock);
		drive(kafka);
		fd.fd = kafka->child.fd;
		(void)poll(&fd, 1, 50);
		hear_sweeper(kafka, context->batch);
		if (kafka->child.pid == 0) {
			(void)err_set(err, ERR_NET, 0, "the Kafka client ended: %s", kafka->death);
			kafka->start_at_ms = kafka->now_ms;
			return STEP_FAILED;
		}
	}
	if (kafka->last.good) {
		save_cursor(kafka, context->batch, kafka->now_ms);
		return STEP_IDLE;
	}
	(void)err_set(err, kafka->last.refused ? ERR_AUTH : ERR_NET, 0, "%s", kafka->last.problem);
	kafka->swept = false;
	kafka->next_sweep_ms = kafka->now_ms;
	return STEP_FAILED;
}

static enum step step(void *self, struct step_context *context, struct err *err)
{
	struct kafka *kafka = self;

	kafka->now_ms = context->clock->mono_ms(context->clock);
	if (context->once)
		return once(kafka, context, err);
	hear_sweeper(kafka, context->batch);
	drive(kafka);
	save_cursor(kafka, context->batch, kafka->now_ms);
	return STEP_IDLE;
}

static void add_death(const struct kafka *kafka, struct buf *text)
{
	(void)buf_addf(text, "its Kafka client ended: %s", kafka->death);
	if (kafka->child.pid == 0)
		(void)buf_add_str(text, "; it is started again");
	if (kafka->swept && kafka->last.good) {
		(void)buf_add_str(text, "; numbers are of ");
		time_format_utc(text, kafka->last.at_ms);
	}
}

/* A property that cannot work explains more than what the broker says about it. */
static void add_wrong_note(const struct kafka *kafka, struct buf *text)
{
	const struct properties *properties = &kafka->plan.properties;

	for (size_t i = 0; i < properties->nnotes; i++) {
		if (properties->notes[i].wrong) {
			(void)buf_addf(text, "; line %d: %.*s", properties->notes[i].line,
				TEXT_ARG(properties->notes[i].text));
			return;
		}
	}
}

static void status(void *self, struct collector_status *out)
{
	struct kafka *kafka = self;
	const struct intake_sweep *last = &kafka->last;

	(void)buf_add(&out->detail, properties_get(&kafka->plan.properties, "bootstrap.servers"));
	if (kafka->deaths > 0) {
		out->state = kafka->deaths > 1 ? HEALTH_FAILED : HEALTH_DEGRADED;
		add_death(kafka, &out->text);
	} else if (!kafka->swept) {
		out->state = HEALTH_WAITING;
		(void)buf_add_str(&out->text, "connecting");
	} else if (!last->good) {
		out->state = HEALTH_FAILED;
		(void)buf_add_str(&out->text, last->problem);
		add_wrong_note(kafka, &out->text);
	} else if (last->unread > 0) {
		out->state = HEALTH_DEGRADED;
		(void)buf_addf(&out->text, "%" PRId64 " partitions or groups could not be read: %s",
			last->unread, last->problem);
	} else if (last->problem[0] != '\0') {
		out->state = HEALTH_DEGRADED;
		(void)buf_add_str(&out->text, last->problem);
	} else if (kafka->all_deaths > 0 && kafka->now_ms - kafka->died_at_ms < REMEMBER_DEATH_MS) {
		out->state = HEALTH_DEGRADED;
		(void)buf_addf(&out->text, "its Kafka client was started again %" PRId64 " times; last: %s",
			kafka->all_deaths, kafka->death);
	} else {
		(void)buf_addf(&out->text, "%" PRId64 " topic%s", last->topics,
			last->topics == 1 ? "" : "s");
		if (last->groups != FACT_UNKNOWN)
			(void)buf_addf(&out->text, " and %" PRId64 " group%s", last->groups,
				last->groups == 1 ? "" : "s");
		(void)buf_addf(&out->text, " of %" PRId64 " broker%s", last->brokers,
			last->brokers == 1 ? "" : "s");
	}
}

static int wake_fd(void *self)
{
	return ((struct kafka *)self)->child.fd;
}

static int64_t poll_ms(void *self)
{
	const struct kafka *kafka = self;
	int64_t at = kafka->child.pid == 0 ? kafka->start_at_ms
		: kafka->sweeping ? kafka->now_ms + LOOK_MS
				  : kafka->next_sweep_ms;
	int64_t ms = at - kafka->now_ms;

	if (kafka->patience_ms < 2 * LOOK_MS && ms > kafka->patience_ms / 2)
		ms = kafka->patience_ms / 2;
	return ms < 10 ? 10 : ms > LOOK_MS ? LOOK_MS : ms;
}

static void stop(void *self)
{
	struct kafka *kafka = self;
	char how[256];

	process_end(&kafka->child, how, sizeof how);
	process_done(&kafka->child);
	buf_done(&kafka->frames);
	intake_free(kafka->intake);
	plan_done(&kafka->plan);
	free((char *)kafka->left_off.bytes);
	free(kafka->name);
}

struct trial {
	void (*say)(void *context, bool good, const char *line);
	void *context;
	bool over;
};

static void hear(struct trial *trial, struct process *child)
{
	struct text rest = buf_text(&child->in);
	enum wire_kind kind;
	struct wire_in in;

	while (wire_cut(&rest, &kind, &in) == WIRE_CUT) {
		if (kind == WIRE_BYE)
			trial->over = true;
		if (kind == WIRE_FINDING || kind == WIRE_LOG) {
			uint8_t good = wire_take_u8(&in);
			struct text text = wire_take_text(&in);
			char line[800];

			(void)snprintf(line, sizeof line, "%.*s", TEXT_ARG(text));
			if (kind == WIRE_FINDING || good == LOG_WARN)
				trial->say(trial->context, kind == WIRE_FINDING && good != 0, line);
		}
	}
	memmove(child->in.bytes, rest.bytes, rest.len);
	buf_cut(&child->in, rest.len);
}

static void say_notes(struct trial *trial, const struct properties *properties)
{
	for (size_t i = 0; i < properties->nnotes; i++) {
		const struct property_note *note = &properties->notes[i];
		char line[500];

		(void)snprintf(line, sizeof line, "line %d: %.*s", note->line, TEXT_ARG(note->text));
		trial->say(trial->context, !note->wrong && note->line > 0,
			note->line > 0 ? line : note->text.bytes);
	}
}

static void doctor(const struct config_section *config,
	void (*say)(void *context, bool good, const char *line), void *context)
{
	enum { TRIAL_MS = 60000 };
	const struct clock *clock = clock_system();
	int64_t deadline = clock->mono_ms(clock) + TRIAL_MS;
	struct trial trial = { .say = say, .context = context };
	struct kafka kafka = { 0 };
	struct err err = ERR_INIT;
	bool alive = true;
	char how[256] = "";

	if (!start(&kafka, config, TEXT_NONE, &err)) {
		say(context, false, err.text);
		return;
	}
	say_notes(&trial, &kafka.plan.properties);
	kafka.plan.doctor = true;
	if (!process_start(&kafka.child, &err) || !send_plan(&kafka, &err))
		say(context, false, err.text);
	while (kafka.child.pid != 0 && alive && !trial.over && clock->mono_ms(clock) < deadline) {
		struct pollfd fd = { .fd = kafka.child.fd, .events = POLLIN };
		bool heard;

		(void)poll(&fd, 1, 200);
		alive = process_read(&kafka.child, &heard);
		hear(&trial, &kafka.child);
	}
	process_end(&kafka.child, how, sizeof how);
	if (!trial.over) {
		char line[400];

		(void)snprintf(line, sizeof line, "the Kafka client did not finish: %s", how);
		say(context, false, line);
	}
	stop(&kafka);
}

const struct collector_ops kafka_collector = {
	.kind = "kafka",
	.about = "Kafka clusters: topics, consumer groups and how far they are, tables inside topics.",
	.keys = plan_keys,
	.state_size = sizeof(struct kafka),
	.start = start,
	.step = step,
	.wake_fd = wake_fd,
	.poll_ms = poll_ms,
	.doctor = doctor,
	.status = status,
	.stop = stop,
};
