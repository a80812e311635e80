/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/sample.h"
#include "tests/lib/sample_tables.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   (60 * MINUTE_MS)

#define HOSTILE_NAME                                                                               \
	"evil\033]0;owned\007\033[2J\r\n\xe2\x80\xae"                                              \
	"gnirts \xe6\xb9\x96\xe6\xb0\xb4\xe5\xa0\xb0 \x9b\xff|\"quoted\",comma"

/* Makes events of one update: who they are from and what the next one's identity is. */
struct maker {
	struct fact_batch *batch;
	uint64_t next_id;
	const char *pipeline_id, *pipeline, *update_id;
};

static struct fact_event *event_at(struct maker *maker, enum event_type type, int64_t at_ms,
	const char *message)
{
	struct fact_event *event = fact_batch_event(maker->batch);
	uint64_t id = maker->next_id++;

	for (size_t i = 0; i < 8; i++) {
		event->id[i] = (unsigned char)(id >> (8 * i));
		event->id[15 - i] = (unsigned char)(id >> (8 * i));
	}
	event->happened_at_ms = at_ms;
	event->sequence = (int64_t)id;
	event->type = type;
	event->level = LEVEL_INFO;
	event->pipeline_id = fact_batch_intern(maker->batch, text_of(maker->pipeline_id));
	event->pipeline_name = fact_batch_intern(maker->batch, text_of(maker->pipeline));
	event->update_id = fact_batch_intern(maker->batch, text_of(maker->update_id));
	event->message = fact_batch_intern(maker->batch, text_of(message));
	return event;
}

static void created(struct maker *maker, int64_t at_ms, const char *cause)
{
	struct fact_event *event = event_at(maker, EVENT_CREATE_UPDATE, at_ms, "");
	char message[96];

	(void)snprintf(message, sizeof(message), "Update %.6s started by %s.", maker->update_id, cause);
	event->message = fact_batch_intern(maker->batch, text_of(message));
	event->state = RUN_CREATED;
	event->cause = fact_batch_intern(maker->batch, text_of(cause));
	event->run_as = fact_batch_intern(maker->batch, text_of("pipelines@example.com"));
	event->full_refresh = 0;
	event->validate_only = 0;
	event->explore_only = 0;
}

static struct fact_event *update_is(struct maker *maker, int64_t at_ms, enum run_state state)
{
	struct fact_event *event = event_at(maker, EVENT_UPDATE_PROGRESS, at_ms, "");
	char message[96];

	(void)snprintf(message, sizeof(message), "Update %.6s is %s.", maker->update_id,
		run_state_name(state));
	event->message = fact_batch_intern(maker->batch, text_of(message));
	event->state = state;
	if (state == RUN_FAILED)
		event->level = LEVEL_ERROR;
	return event;
}

static struct fact_event *flow_is(struct maker *maker, int64_t at_ms, const char *flow,
	enum run_state state)
{
	struct fact_event *event = event_at(maker, EVENT_FLOW_PROGRESS, at_ms, "");
	char message[512];

	(void)snprintf(message, sizeof(message), "Flow '%s' is %s.", flow, run_state_name(state));
	event->message = fact_batch_intern(maker->batch, text_of(message));
	event->state = state;
	event->flow = fact_batch_intern(maker->batch, text_of(flow));
	event->dataset = event->flow;
	if (state == RUN_FAILED)
		event->level = LEVEL_ERROR;
	return event;
}

/* The usual way of an update up to RUNNING, 40 seconds in. */
static void starts(struct maker *maker, int64_t at_ms, const char *cause)
{
	created(maker, at_ms, cause);
	update_is(maker, at_ms + 2000, RUN_WAITING_FOR_RESOURCES);
	update_is(maker, at_ms + 14000, RUN_INITIALIZING);
	update_is(maker, at_ms + 31000, RUN_SETTING_UP_TABLES);
	update_is(maker, at_ms + 40000, RUN_RUNNING);
}

static void flow_starts(struct maker *maker, int64_t at_ms, const char *flow)
{
	flow_is(maker, at_ms, flow, RUN_QUEUED);
	flow_is(maker, at_ms + 3000, flow, RUN_PLANNING);
	flow_is(maker, at_ms + 5000, flow, RUN_STARTING);
	flow_is(maker, at_ms + 9000, flow, RUN_RUNNING);
}

struct rule_total {
	const char *name;
	enum rule_action action;
	int64_t failed;
};

/* The share of batch i of n in a total that need not divide by n. */
static int64_t slice(int64_t total, int64_t i, int64_t n)
{
	return total * (i + 1) / n - total * i / n;
}

/* One micro-batch's progress row of a streaming flow. dropped: FACT_UNKNOWN = not reported. */
static struct fact_event *progress(struct maker *maker, int64_t at_ms, const char *flow,
	int64_t batch_id, int64_t rows, int64_t dropped)
{
	struct fact_event *event = flow_is(maker, at_ms, flow, RUN_RUNNING);

	event->level = LEVEL_METRICS;
	event->batch_id = batch_id;
	event->output_rows = rows;
	event->output_bytes = rows == FACT_UNKNOWN ? FACT_UNKNOWN : rows * 120;
	event->dropped_records = dropped;
	event->backlog_bytes = 0;
	return event;
}

static void rules_put(struct maker *maker, struct fact_event *event, const char *dataset,
	const struct rule_total *rules, size_t n, int64_t input, int64_t i, int64_t of)
{
	event->has_quality = true;
	event->rules = ARENA_ARRAY(&maker->batch->arena, struct fact_rule, n);
	event->nrules = n;
	for (size_t r = 0; r < n; r++) {
		int64_t failed = slice(rules[r].failed, i, of);

		event->rules[r] = (struct fact_rule){
			.name = fact_batch_intern(maker->batch, text_of(rules[r].name)),
			.dataset = fact_batch_intern(maker->batch, text_of(dataset)),
			.action = rules[r].action,
			.passed = slice(input, i, of) - failed,
			.failed = failed,
		};
	}
}

struct silver {
	const char *flow;
	int64_t input, dropped;
	bool tells_dropped;
	const struct rule_total *rules;
	size_t nrules;
};

static const struct rule_total collateral_rules[] = {
	{ "[currency_code] not allowed value", RULE_DROP, 5140 },
	{ "[id] is mandatory", RULE_DROP, 1902 },
	{ "[mtm_date] is not a date", RULE_DROP, 1312 },
	{ "[date] is mandatory", RULE_DROP, 758 },
	{ "[value] is a number", RULE_WARN, 0 },
	{ "[version_id] has at most 12 characters", RULE_FAIL, 0 },
};
static const struct rule_total clean_rules[] = {
	{ "[id] is mandatory", RULE_DROP, 0 },
	{ "[balance] is a number", RULE_WARN, 12 },
};
static const struct rule_total loan_rules[] = {
	{ "[id] is mandatory", RULE_DROP, 30 },
	{ "[rate_type] not allowed value", RULE_DROP, 20 },
};
static const struct rule_total derivative_rules[] = {
	{ "[asset_class] not allowed value", RULE_DROP, 400 },
};

static const struct silver silvers[] = {
	{ "collateral_silver", 100000, 7800, true, collateral_rules, ARRAY_LEN(collateral_rules) },
	{ "loan_silver", 50000, 50, true, loan_rules, ARRAY_LEN(loan_rules) },
	{ "derivative_silver", 40000, 400, false, derivative_rules, ARRAY_LEN(derivative_rules) },
	{ "security_silver", 12000, 0, false, NULL, 0 },
};

static void silver_runs(struct maker *maker, int64_t at_ms, const struct silver *silver, bool clean)
{
	enum { BATCHES = 5 };
	int64_t dropped = clean ? 0 : silver->dropped;
	const struct rule_total *rules = clean && silver->rules ? clean_rules : silver->rules;
	size_t nrules = clean && silver->rules ? ARRAY_LEN(clean_rules) : silver->nrules;

	flow_starts(maker, at_ms, silver->flow);
	for (int64_t i = 0; i < BATCHES; i++) {
		/* The second batch is told twice, as engines do after a restart: it counts once. */
		for (int again = 0; again < (i == 1 ? 2 : 1); again++) {
			struct fact_event *event = progress(maker, at_ms + 12000 + i * 8000 + again * 500,
				silver->flow, i, slice(silver->input - dropped, i, BATCHES),
				silver->tells_dropped ? slice(dropped, i, BATCHES) : FACT_UNKNOWN);

			if (nrules)
				rules_put(maker, event, silver->flow, rules, nrules, silver->input, i, BATCHES);
		}
	}
	flow_is(maker, at_ms + 55000, silver->flow, RUN_COMPLETED);
	if (silver->tells_dropped || !dropped)
		return;
	flow_starts(maker, at_ms, "derivative_quarantine");
	progress(maker, at_ms + 20000, "derivative_quarantine", 0, dropped, FACT_UNKNOWN);
	flow_is(maker, at_ms + 54000, "derivative_quarantine", RUN_COMPLETED);
}

static void definition(struct maker *maker, int64_t at_ms, const char *flow, const char *input)
{
	struct fact_event *event = event_at(maker, EVENT_FLOW_DEFINITION, at_ms, "");
	char message[160];

	(void)snprintf(message, sizeof(message), "Flow '%s' defined.", flow);
	event->message = fact_batch_intern(maker->batch, text_of(message));
	event->flow = fact_batch_intern(maker->batch, text_of(flow));
	event->dataset = event->flow;
	event->output = event->flow;
	event->flow_type = fact_batch_intern(maker->batch, TEXT("STREAMING"));
	event->inputs = ARENA_ARRAY(&maker->batch->arena, fact_string, 1);
	event->inputs[0] = fact_batch_intern(maker->batch, text_of(input));
	event->ninputs = 1;
}

/* 20 hourly updates; the newest at 09:10 has the bad collateral file. */
static void fill_fire(struct fact_batch *batch)
{
	enum { UPDATES = 20 };
	struct maker maker = { .batch = batch, .next_id = 0x10000, .pipeline_id = SAMPLE_FIRE,
		.pipeline = "fire_regulatory" };

	for (int u = 0; u < UPDATES; u++) {
		int64_t at_ms = SAMPLE_NOW_MS - 50 * MINUTE_MS - (UPDATES - 1 - u) * HOUR_MS;
		bool last = u == UPDATES - 1;
		char update[40];

		(void)snprintf(update, sizeof(update), "f10000%02x-0001-4000-8000-000000000001", u);
		maker.update_id = update;
		starts(&maker, at_ms, u % 4 ? "JOB_TASK" : "USER_ACTION");
		definition(&maker, at_ms + 32000, "collateral_silver", "collateral_bronze");
		definition(&maker, at_ms + 32000, "loan_silver", "loan_bronze");
		flow_starts(&maker, at_ms + 41000, "collateral_bronze");
		progress(&maker, at_ms + 60000, "collateral_bronze", 0, 100000, FACT_UNKNOWN);
		flow_is(&maker, at_ms + 70000, "collateral_bronze", RUN_COMPLETED);
		for (size_t s = 0; s < ARRAY_LEN(silvers); s++)
			silver_runs(&maker, at_ms + 50000 + (int64_t)s * 15000, &silvers[s], !last && u != 11);
		update_is(&maker, at_ms + 4 * MINUTE_MS, u == 6 ? RUN_CANCELED : RUN_COMPLETED);
	}
	maker.update_id = NULL;
	event_at(&maker, EVENT_USER_ACTION, SAMPLE_NOW_MS - 55 * MINUTE_MS,
		"User analyst@example.com edited the pipeline.");
}

static const char schema_error[] =
	"[DELTA_SCHEMA_CHANGE] Detected schema change in version 4711 of the source table "
	"claims_db.audit_log: column plan_tier string was added. Restart the query; if it goes on, "
	"refresh the flow in full.";

static void flow_fails(struct maker *maker, int64_t at_ms, const char *flow)
{
	struct fact_event *event = flow_is(maker, at_ms, flow, RUN_FAILED);

	event->has_error = true;
	event->fatal = true;
	event->error_class = fact_batch_intern(maker->batch, TEXT("DELTA_SCHEMA_CHANGE"));
	event->error_message = fact_batch_intern(maker->batch, text_of(schema_error));
	event->raw = arena_text(&maker->batch->arena, TEXT("{\"id\":\"f41\",\"level\":\"ERROR\","
		"\"event_type\":\"flow_progress\",\"details\":{\"flow_progress\":{\"status\":\"FAILED\"}},"
		"\"origin\":{\"pipeline_name\":\"hinge_cdc\",\"flow_name\":\"members_silver\","
		"\"request_ids\":[1,2,3]},\"error\":{\"fatal\":true,\"exceptions\":[{\"class_name\":"
		"\"org.example.SchemaChange\",\"message\":\"column plan_tier string was added\","
		"\"stack\":[{\"method\":\"run\",\"line\":12},{\"method\":\"main\",\"line\":3}]}]}}"));
}

static void fill_cdc(struct fact_batch *batch)
{
	struct maker maker = { .batch = batch, .next_id = 0x20000, .pipeline_id = SAMPLE_CDC,
		.pipeline = "hinge_cdc" };
	char update[40];

	maker.update_id = update;
	for (int u = 0; u < 6; u++) {
		int64_t at_ms = SAMPLE_NOW_MS - 6 * HOUR_MS + u * 55 * MINUTE_MS;
		struct fact_event *event;

		(void)snprintf(update, sizeof(update), "cdc000%02x-0002-4000-8000-000000000002", u);
		starts(&maker, at_ms, "API_CALL");
		flow_starts(&maker, at_ms + 42000, "members_silver");
		event = progress(&maker, at_ms + 60000, "members_silver", 0, FACT_UNKNOWN, FACT_UNKNOWN);
		event->upserted_rows = 1600 + u;
		event->deleted_rows = 12;
		event->backlog_bytes = 81920;
		event->backlog_records = 160;
		flow_is(&maker, at_ms + 2 * MINUTE_MS, "members_silver", RUN_COMPLETED);
		update_is(&maker, at_ms + 2 * MINUTE_MS + 4000, RUN_COMPLETED);
	}
	for (int u = 0; u < 5; u++) { /* one chain: the first attempt and four retries */
		int64_t at_ms = SAMPLE_NOW_MS - 23 * MINUTE_MS + u * 3 * MINUTE_MS;
		struct fact_event *event;

		(void)snprintf(update, sizeof(update), "cdcfa1%02x-0002-4000-8000-000000000002", u);
		starts(&maker, at_ms, u ? "RETRY_ON_FAILURE" : "API_CALL");
		flow_starts(&maker, at_ms + 42000, "members_silver");
		flow_starts(&maker, at_ms + 42000, "audit_silver");
		flow_fails(&maker, at_ms + 70000, "members_silver");
		flow_is(&maker, at_ms + 71000, "members_gold", RUN_SKIPPED)->level = LEVEL_WARN;
		flow_is(&maker, at_ms + 72000, "audit_silver", RUN_STOPPED);
		event = update_is(&maker, at_ms + 75000, RUN_FAILED);
		event->has_error = true;
		event->error_message = fact_batch_intern(batch, TEXT("Update has FAILED since flow "
			"'members_silver' has failed more than 2 times."));
	}
}

static void fill_retail(struct fact_batch *batch)
{
	struct maker maker = { .batch = batch, .next_id = 0x30000,
		.pipeline_id = "5f1ac0de-0003-4000-8000-000000000003", .pipeline = "pos_retail" };
	char update[40];

	maker.update_id = update;
	for (int u = 0; u < 24; u++) {
		int64_t at_ms = SAMPLE_NOW_MS - 44 * MINUTE_MS - (23 - u) * 5 * MINUTE_MS;

		(void)snprintf(update, sizeof(update), "905000%02x-0003-4000-8000-000000000003", u);
		starts(&maker, at_ms, "JOB_TASK");
		flow_starts(&maker, at_ms + 40000, "inventory_gold");
		progress(&maker, at_ms + 2 * MINUTE_MS, "inventory_gold", FACT_UNKNOWN, 4200, 0);
		flow_is(&maker, at_ms + 3 * MINUTE_MS, "inventory_gold", RUN_COMPLETED);
		update_is(&maker, at_ms + 3 * MINUTE_MS + 1000, RUN_COMPLETED);
	}
}

static void fill_running(struct fact_batch *batch)
{
	struct maker maker = { .batch = batch, .next_id = 0x40000,
		.pipeline_id = "5f1ac0de-0004-4000-8000-000000000004", .pipeline = "aml_graph",
		.update_id = "a3100001-0004-4000-8000-000000000004" };
	int64_t at_ms = SAMPLE_NOW_MS - 6 * MINUTE_MS;
	struct fact_event *event;

	starts(&maker, at_ms, "USER_ACTION");
	flow_starts(&maker, at_ms + 41000, "transactions");
	progress(&maker, at_ms + 3 * MINUTE_MS, "transactions", 7, 1250000, FACT_UNKNOWN);
	flow_is(&maker, at_ms + 41000, "entities", RUN_QUEUED);
	flow_is(&maker, at_ms + 44000, "entities", RUN_PLANNING);
	flow_is(&maker, at_ms + 41000, "structuring_prospects", RUN_QUEUED);
	event = event_at(&maker, EVENT_OTHER, at_ms + 4 * MINUTE_MS, "A kind of event nobody knows.");
	event->type_text = fact_batch_intern(batch, TEXT("quantum_progress"));
	event = event_at(&maker, EVENT_ADVISORY, at_ms + 5 * MINUTE_MS,
		"The driver is close to its memory limit.");
	event->level = LEVEL_WARN;
}

static void fill_hostile(struct fact_batch *batch)
{
	static char long_name[301];
	struct maker maker = { .batch = batch, .next_id = 0x50000,
		.pipeline_id = "5f1ac0de-0005-4000-8000-000000000005", .pipeline = HOSTILE_NAME,
		.update_id = "e0100001-0005-4000-8000-000000000005" };
	int64_t at_ms = SAMPLE_NOW_MS - 2 * HOUR_MS;

	memset(long_name, 'n', sizeof(long_name) - 1);
	starts(&maker, at_ms, "JOB_TASK");
	flow_starts(&maker, at_ms + 41000, long_name);
	flow_starts(&maker, at_ms + 41000, HOSTILE_NAME);
	flow_is(&maker, at_ms + 61000, long_name, RUN_COMPLETED);
	flow_is(&maker, at_ms + 61000, HOSTILE_NAME, RUN_COMPLETED);
	event_at(&maker, EVENT_ADVISORY, at_ms + 62000, HOSTILE_NAME)->level = LEVEL_WARN;
	update_is(&maker, at_ms + 63000, RUN_COMPLETED);
}

/* A commit with what every writer tells; the caller sets the rest. */
static struct fact_version *commit(struct fact_batch *batch, const char *table, int64_t version,
	int64_t at_ms, const char *operation)
{
	struct fact_version *fact = &fact_batch_fact(batch, FACT_VERSION, at_ms)->u.version;

	fact->table = arena_text(&batch->arena, text_of(table));
	fact->path = text_of(arena_printf(&batch->arena, "/lake/%s", table));
	fact->version = version;
	fact->timestamp_ms = at_ms;
	fact->commit_info_ms = at_ms;
	fact->operation = arena_text(&batch->arena, text_of(operation));
	fact->engine = TEXT("Apache-Spark/3.5.0 Delta-Lake/3.2.0");
	fact->user_name = TEXT("pipelines@example.com");
	fact->read_version = version ? version - 1 : FACT_UNKNOWN;
	fact->is_blind_append = 1;
	fact->files_added = 12;
	fact->files_removed = 0;
	fact->bytes_added = 5 << 20;
	fact->bytes_removed = 0;
	fact->rows_added = 4100 + version;
	fact->rows_removed = 0;
	fact->dv_added = 0;
	fact->data_change = true;
	return fact;
}

static void fill_tables(struct fact_batch *batch)
{
	struct fact_version *fact;

	for (int64_t v = 0; v < 12; v++) {
		int64_t at_ms = SAMPLE_NOW_MS - (12 - v) * HOUR_MS + 11 * MINUTE_MS;

		fact = commit(batch, SAMPLE_TABLE, v, at_ms, "STREAMING UPDATE");
		fact->parameters = text_of(arena_printf(&batch->arena,
			"{\"outputMode\":\"Append\",\"queryId\":\"f1\",\"epochId\":\"%d\"}", (int)v));
		fact->metrics = text_of(arena_printf(&batch->arena,
			"{\"numAddedFiles\":\"12\",\"numOutputRows\":\"%d\",\"numOutputBytes\":\"5242880\"}",
			(int)(4100 + v)));
		if (v == 0) {
			fact->operation = TEXT("CREATE TABLE");
			fact->parameters = TEXT("{\"partitionBy\":\"[]\",\"properties\":\"{}\"}");
			fact->metrics = TEXT("{}");
			fact->files_added = 0;
			fact->bytes_added = 0;
			fact->rows_added = 0;
			fact->changes = TEXT("[\"schema: 42 columns\",\"protocol: reader 1, writer 2\"]");
		}
		if (v == 7) {
			fact->operation = TEXT("OPTIMIZE");
			fact->user_name = TEXT("analyst@example.com");
			fact->files_added = 4;
			fact->files_removed = 96;
			fact->rows_added = 26000;
			fact->rows_removed = 26000;
			fact->bytes_removed = 40 << 20;
			fact->is_blind_append = 0;
			fact->data_change = false;
		}
		if (v == 9)
			fact->changes = TEXT("[\"column version_id string added\","
				"\"property delta.enableChangeDataFeed set to true\"]");
	}
	fact = commit(batch, "retail/inventory_gold", 0, SAMPLE_NOW_MS - 3 * 24 * HOUR_MS, "WRITE");
	fact->rows_added = FACT_UNKNOWN;
	fact->engine = TEXT("delta-rs:0.17.0");
	fact->user_name = TEXT_NONE;
	fact->problem = TEXT("needs a checkpoint: versions before 0 are not listed");
	fact = commit(batch, "hinge/" HOSTILE_NAME, 3, SAMPLE_NOW_MS - 20 * MINUTE_MS, "MERGE");
	fact->rows_removed = 12;
	fact->files_removed = 3;
	fact->is_blind_append = 0;
	sample_conditions(batch, "hinge/" HOSTILE_NAME);
}

static void health(struct fact_batch *batch, int64_t at_ms, enum health_state state,
	const char *text, const char *detail, int64_t behind)
{
	struct fact_health *fact = &fact_batch_fact(batch, FACT_HEALTH, at_ms)->u.health;

	fact->state = state;
	fact->text = text_of(text);
	fact->detail = text_of(detail);
	fact->behind = behind;
}

static void fill_sources(struct fact_batch *batch)
{
	health(batch, SAMPLE_NOW_MS - 3 * MINUTE_MS, HEALTH_DEGRADED,
		"2 lines could not be read; the rest goes on", "/logs/edge/events.ndjson", 4096);
	fact_batch_undecodable(batch, SAMPLE_NOW_MS - 3 * MINUTE_MS,
		TEXT("/logs/edge/events.ndjson:line 12 at byte 3400"),
		TEXT("invalid JSON: unexpected end of input"),
		TEXT("{\"id\":\"9c0f\",\"timestamp\":\"2026-03-02T09:57:00Z\",\"ori\033]52;c;ZXZpbA==\007"));
	fact_batch_undecodable(batch, SAMPLE_NOW_MS - 4 * MINUTE_MS,
		TEXT("/logs/edge/events.ndjson:line 9 at byte 2100"), TEXT("no timestamp"),
		TEXT("{\"id\":\"9c0e\",\"message\":\"\\u001b[31mred\"}"));
}

static const char *const part_sources[SAMPLE_PART_COUNT] = {
	[SAMPLE_PART_FIRE] = "eventlog fire",
	[SAMPLE_PART_CDC] = "eventlog hinge",
	[SAMPLE_PART_RETAIL] = "eventlog retail",
	[SAMPLE_PART_RUNNING] = "eventlog aml",
	[SAMPLE_PART_HOSTILE] = "eventlog hostile",
	[SAMPLE_PART_TABLES] = "delta lake",
	[SAMPLE_PART_SOURCES] = "eventlog edge",
};

void sample_fill(struct fact_batch *batch, enum sample_part part)
{
	static void (*const fills[SAMPLE_PART_COUNT])(struct fact_batch *) = {
		[SAMPLE_PART_FIRE] = fill_fire,
		[SAMPLE_PART_CDC] = fill_cdc,
		[SAMPLE_PART_RETAIL] = fill_retail,
		[SAMPLE_PART_RUNNING] = fill_running,
		[SAMPLE_PART_HOSTILE] = fill_hostile,
		[SAMPLE_PART_TABLES] = fill_tables,
		[SAMPLE_PART_SOURCES] = fill_sources,
	};

	batch->source = arena_text(&batch->arena, text_of(part_sources[part]));
	batch->cursor = TEXT("{\"sample\":1}");
	fills[part](batch);
	batch->read_records = (int64_t)(batch->nevents + batch->nfacts);
	batch->read_bytes = batch->read_records * 900;
	if (part != SAMPLE_PART_SOURCES)
		health(batch, SAMPLE_NOW_MS - 30000, part == SAMPLE_PART_RETAIL ? HEALTH_SILENT : HEALTH_OK,
			part == SAMPLE_PART_RETAIL ? "nothing new for 41 minutes" : "reading", "/logs", 0);
}
