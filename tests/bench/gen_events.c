/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes realistic event-log lines: 200 pipelines of 24 flows, updates that run side by side, each
 * defining its flows and then reporting their batches. Field names and shapes are the documented
 * ones, values are invented, everything follows from the seed.
 *
 *	gen_events [EVENTS] [--seed N] [--details object|string] [--start MS] > FILE
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

enum {
	PIPELINES = 200,
	FLOWS = 24,
	RULES = 12,    /* of each flow's dataset */
	BATCHES = 14,  /* of each flow in an update */
	REPORTED = 7,  /* rules of one report: up to this many, less one */
	LINE_MAX_BYTES = 1 << 20
};

static uint64_t random_state;

static uint64_t next_random(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static unsigned below(unsigned n)
{
	return (unsigned)(next_random() % n);
}

struct pipeline {
	unsigned number;
	uint64_t id[2];
	char name[48];
	/* the update under way */
	uint64_t update[2];
	unsigned updates, step;
	int64_t batch_base;
	bool fails;
	unsigned from[FLOWS], reported[FLOWS]; /* which rules each flow reports in this update */
};

static struct pipeline pipelines[PIPELINES];
static const char *const domains[] = { "collateral", "loan", "security", "derivative", "account",
	"customer", "entity", "exchange_rate", "issuer", "position", "risk_rating", "agreement" };
static const char *const layers[] = { "bronze", "silver", "gold", "quarantine" };
static const char *const rule_names[RULES] = { "valid_balance", "has_currency_code",
	"known_country", "date_not_in_future", "id_is_present", "positive_notional",
	"end_after_start", "valid_reporting_purpose", "known_counterparty", "rate_in_range",
	"no_duplicate_key", "amount_fits_type" };
static const char *const update_states[] = { "QUEUED", "CREATED", "WAITING_FOR_RESOURCES",
	"INITIALIZING", "SETTING_UP_TABLES", "RUNNING" };
static const char *const flow_states[] = { "QUEUED", "STARTING", "RUNNING" };

enum { STATES = 6, FLOW_STATES = 3, PER_FLOW = FLOW_STATES + BATCHES + 1 };
/* create_update, states, definitions, flows, the end */
enum { STEPS = 1 + STATES + FLOWS + FLOWS * PER_FLOW + 1 };

static void add_uuid(struct buf *out, const uint64_t id[2])
{
	(void)buf_addf(out, "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64,
		id[0] >> 32, (id[0] >> 16) & 0xffff, (id[0] & 0xfff) | 0x1000,
		(id[1] >> 48 & 0x3fff) | 0x8000, id[1] & 0xffffffffffff);
}

static void add_dataset(struct buf *out, const struct pipeline *pipeline, unsigned flow)
{
	(void)buf_addf(out, "main.%s.%s_%s_%u", pipeline->name,
		domains[flow % ARRAY_LEN(domains)], layers[flow / 2 % ARRAY_LEN(layers)], flow);
}

static void begin_update(struct pipeline *pipeline)
{
	pipeline->update[0] = next_random();
	pipeline->update[1] = next_random();
	pipeline->step = 0;
	pipeline->batch_base = (int64_t)pipeline->updates++ * BATCHES;
	pipeline->fails = below(20) == 0;
	for (unsigned i = 0; i < FLOWS; i++) {
		pipeline->from[i] = below(RULES);
		pipeline->reported[i] = below(REPORTED) + (below(4) == 0);
	}
}

static void begin_pipelines(void)
{
	for (unsigned i = 0; i < PIPELINES; i++) {
		struct pipeline *pipeline = &pipelines[i];

		pipeline->number = i;
		pipeline->id[0] = next_random();
		pipeline->id[1] = next_random();
		(void)snprintf(pipeline->name, sizeof pipeline->name, "regulatory_reporting_%03u", i);
		begin_update(pipeline);
		pipeline->step = below(STEPS); /* they are not in step with each other */
	}
}

/* 22 fields, as the table has them. */
static void add_origin(struct buf *out, const struct pipeline *pipeline, int flow, int64_t batch)
{
	(void)buf_addf(out, "\"origin\":{\"cloud\":\"AWS\",\"region\":\"us-west-2\","
		"\"org_id\":1234567890123456,\"user_id\":%u,\"pipeline_id\":\"",
		8000000 + pipeline->number);
	add_uuid(out, pipeline->id);
	(void)buf_addf(out, "\",\"pipeline_type\":\"WORKSPACE\",\"pipeline_name\":\"%s\","
		"\"cluster_id\":\"0302-0859%02u-k3x9p2qa\",\"update_id\":\"", pipeline->name,
		pipeline->number % 60);
	add_uuid(out, pipeline->update);
	(void)buf_add_str(out, "\",\"maintenance_id\":null,\"table_id\":null");
	if (flow >= 0) {
		const uint64_t id[2] = { pipeline->id[0] + (unsigned)flow, pipeline->id[1] };

		(void)buf_add_str(out, ",\"dataset_name\":\"");
		add_dataset(out, pipeline, (unsigned)flow);
		(void)buf_add_str(out, "\",\"sink_name\":null,\"flow_id\":\"");
		add_uuid(out, id);
		(void)buf_add_str(out, "\",\"flow_name\":\"");
		add_dataset(out, pipeline, (unsigned)flow);
		(void)buf_add_char(out, '"');
	} else {
		(void)buf_add_str(out, ",\"dataset_name\":null,\"sink_name\":null,"
			"\"flow_id\":null,\"flow_name\":null");
	}
	if (batch >= 0)
		(void)buf_addf(out, ",\"batch_id\":%" PRId64, batch);
	else
		(void)buf_add_str(out, ",\"batch_id\":null");
	(void)buf_addf(out, ",\"request_id\":\"start-%08" PRIx64 "\",\"uc_resource_id\":\"%016" PRIx64
		"\",\"catalog_name\":\"main\","
		"\"schema_name\":\"%s\",\"materialization_name\":null,\"host\":\"10.139.%u.%u\"},", pipeline->update[0] >> 32,
		pipeline->id[1] + (unsigned)flow, pipeline->name, pipeline->number % 16, pipeline->number);
}

/* The flow of the step and the place in its life: states, batches, the end. */
static void flow_of(unsigned step, unsigned *flow_out, unsigned *at_out)
{
	unsigned n = step - 1 - STATES - FLOWS;

	*flow_out = n % FLOWS;
	*at_out = n / FLOWS;
}

static void add_create_update(struct buf *out, const struct pipeline *pipeline)
{
	(void)buf_addf(out, "{\"create_update\":{\"cause\":\"%s\",\"run_as\":\"sp-%03u\","
		"\"full_refresh\":false,\"validate_only\":false,\"explore_only\":false,"
		"\"failed_attempts\":0,\"run_as_user_id\":%u,\"config\":{\"id\":\"",
		pipeline->number % 3 ? "JOB_TASK" : "USER_ACTION", pipeline->number,
		8000000 + pipeline->number);
	add_uuid(out, pipeline->id);
	(void)buf_addf(out, "\",\"name\":\"%s\",\"catalog\":\"main\",\"continuous\":false,"
		"\"channel\":\"CURRENT\",\"edition\":\"ADVANCED\",\"libraries\":[", pipeline->name);
	for (unsigned i = 0; i < 20 + pipeline->number % 20; i++) {
		(void)buf_addf(out, "%s{\"notebook\":{\"path\":\"/Repos/reporting/%s/%s_%u\"}}",
			i ? "," : "", pipeline->name, domains[i % ARRAY_LEN(domains)], i);
	}
	(void)buf_add_str(out, "],\"configuration\":{");
	for (unsigned i = 0; i < 14; i++) {
		(void)buf_addf(out, "%s\"pipelines.%s.%s\":\"%u\"", i ? "," : "",
			domains[i % ARRAY_LEN(domains)], rule_names[i % RULES], i * 37);
	}
	(void)buf_add_str(out, "},\"clusters\":[{\"label\":\"default\",\"autoscale\":"
		"{\"min_workers\":1,\"max_workers\":8,\"mode\":\"ENHANCED\"}}]}}}");
}

static void add_definition(struct buf *out, const struct pipeline *pipeline, unsigned flow)
{
	unsigned columns = 20 + flow * 2;

	(void)buf_add_str(out, "{\"flow_definition\":{\"output_dataset\":\"");
	add_dataset(out, pipeline, flow);
	(void)buf_add_str(out, "\",\"input_datasets\":[");
	for (unsigned i = 1; i <= 2 && i <= flow; i++) {
		(void)buf_add_str(out, i > 1 ? ",{\"name\":\"" : "{\"name\":\"");
		add_dataset(out, pipeline, flow - i);
		(void)buf_add_str(out, "\"}");
	}
	(void)buf_add_str(out, "],\"flow_type\":\"APPEND\",\"schema\":[");
	for (unsigned i = 0; i < columns; i++) {
		(void)buf_addf(out, "%s{\"name\":\"%s_%u\",\"data_type\":\"%s\",\"path\":[]}",
			i ? "," : "", domains[i % ARRAY_LEN(domains)], i,
			i % 3 ? "STRING" : "DECIMAL(18,2)");
	}
	(void)buf_add_str(out, "],\"explain_text\":\"== Physical Plan ==\\n*(1) Project [");
	for (unsigned i = 0; i < columns; i++)
		(void)buf_addf(out, "%s_%u#%u, ", domains[i % ARRAY_LEN(domains)], i, 400 + i);
	(void)buf_add_str(out, "]\\n+- *(1) Filter isnotnull(id#400)\\n   +- StreamingRelation\","
		"\"spark_conf\":[{\"key\":\"spark.sql.shuffle.partitions\",\"value\":\"64\"}],"
		"\"language\":\"PYTHON\",\"once\":false}}");
}

static void add_rules(struct buf *out, const struct pipeline *pipeline, unsigned flow,
	uint64_t rows, uint64_t *dropped_out)
{
	for (unsigned i = 0; i < pipeline->reported[flow]; i++) {
		uint64_t failed = below(4) == 0 ? below(50) : 0;

		(void)buf_addf(out, "%s{\"name\":\"%s\",\"dataset\":\"", i ? "," : "",
			rule_names[(pipeline->from[flow] + i) % RULES]);
		add_dataset(out, pipeline, flow);
		(void)buf_addf(out, "\",\"passed_records\":%" PRIu64 ",\"failed_records\":%" PRIu64
			",\"action\":\"%s\"}", rows, failed, i % 2 ? "DROP" : "ALLOW");
		*dropped_out += i % 2 ? failed : 0;
	}
}

static void add_batch(struct buf *out, const struct pipeline *pipeline, unsigned flow)
{
	uint64_t rows = 500 + below(20000);
	uint64_t dropped = 0;
	struct buf rules;

	(void)buf_addf(out, "{\"flow_progress\":{\"status\":\"RUNNING\",\"metrics\":{"
		"\"num_output_rows\":%" PRIu64 ",\"num_upserted_rows\":null,\"num_deleted_rows\":null,"
		"\"num_output_bytes\":%" PRIu64 ",\"backlog_bytes\":%u,\"backlog_records\":%u,"
		"\"executor_time_ms\":%u,\"executor_cpu_time_ms\":%u,\"source_metrics\":[", rows,
		rows * 143, below(1 << 24), below(4000), below(90000), below(60000));
	for (unsigned i = 0; i < 1 + flow % 3; i++) {
		(void)buf_addf(out, "%s{\"source_name\":\"", i ? "," : "");
		add_dataset(out, pipeline, (flow + i + 1) % FLOWS);
		(void)buf_addf(out, "\",\"backlog_bytes\":%u,\"backlog_records\":%u,"
			"\"backlog_files\":%u}", below(1 << 20), below(2000), below(9));
	}
	(void)buf_add_str(out, "]},\"streaming_metrics\":{\"event_time\":{\"min\":"
		"\"2026-03-02T08:55:00.000Z\",\"max\":\"2026-03-02T09:00:00.000Z\"},"
		"\"batch_processing_time_ms\":1830},");
	buf_init(&rules, LINE_MAX_BYTES);
	add_rules(&rules, pipeline, flow, rows, &dropped);
	(void)buf_addf(out, "\"data_quality\":{\"dropped_records\":%" PRIu64
		",\"expectations\":[%s]}}}", dropped, rules.bytes);
	buf_done(&rules);
}

static void add_error(struct buf *out, const struct pipeline *pipeline, unsigned flow)
{
	(void)buf_add_str(out, ",\"error\":{\"fatal\":true,\"exceptions\":[{\"class_name\":"
		"\"org.apache.spark.SparkRuntimeException\",\"error_class\":\"EXPECTATION_VIOLATION\","
		"\"message\":\"[EXPECTATION_VIOLATION.VERBOSITY_ALL] Flow '");
	add_dataset(out, pipeline, flow);
	(void)buf_addf(out, "' failed to meet the expectation. Violated expectations: '%s'. Input "
		"data: '{\\\"id\\\":\\\"%u\\\",\\\"balance\\\":-%u}'. Missing input data: false\","
		"\"stack\":[", rule_names[flow % RULES], below(100000), below(5000));
	for (unsigned i = 0; i < 12; i++) {
		(void)buf_addf(out, "%s{\"declaring_class\":\"org.example.stage.Step%u\","
			"\"method_name\":\"run\",\"file_name\":\"Step.scala\",\"line_number\":%u}",
			i ? "," : "", i, 10 + i * 7);
	}
	(void)buf_add_str(out, "]}]}");
}

/* What the step says: details' JSON, message, type, level. */
struct said {
	struct buf details, message;
	const char *type, *level;
	int flow;
	int64_t batch;
	bool error;
};

static void say_flow(struct said *said, const struct pipeline *pipeline)
{
	unsigned flow;
	unsigned at;

	flow_of(pipeline->step, &flow, &at);
	said->flow = (int)flow;
	said->type = "flow_progress";
	if (at >= FLOW_STATES && at < FLOW_STATES + BATCHES) {
		said->batch = pipeline->batch_base + (at - FLOW_STATES);
		said->level = "METRICS";
		add_batch(&said->details, pipeline, flow);
		(void)buf_add_str(&said->message, "Completed a streaming update of '");
		add_dataset(&said->message, pipeline, flow);
		(void)buf_add_str(&said->message, "'.");
		return;
	}
	said->error = at >= FLOW_STATES && pipeline->fails && flow == 5;
	if (said->error)
		said->level = "ERROR";
	(void)buf_add_str(&said->message, "Flow '");
	add_dataset(&said->message, pipeline, flow);
	(void)buf_addf(&said->message, "' %s %s.", at < FLOW_STATES ? "is" : "has",
		at < FLOW_STATES ? flow_states[at] : said->error ? "FAILED" : "COMPLETED");
	(void)buf_addf(&said->details, "{\"flow_progress\":{\"status\":\"%s\"}}",
		at < FLOW_STATES ? flow_states[at] : said->error ? "FAILED" : "COMPLETED");
}

static void say(struct said *said, const struct pipeline *pipeline)
{
	unsigned step = pipeline->step;
	unsigned short_id = (unsigned)(pipeline->update[0] >> 40);
	const char *state;

	said->level = "INFO";
	said->flow = -1;
	said->batch = -1;
	said->error = false;
	buf_reset(&said->details);
	buf_reset(&said->message);
	if (step == 0) {
		said->type = "create_update";
		add_create_update(&said->details, pipeline);
		(void)buf_addf(&said->message, "Update %06x started by %s.", short_id,
			pipeline->number % 3 ? "JOB_TASK" : "USER_ACTION");
	} else if (step > STATES && step <= STATES + FLOWS) {
		said->type = "flow_definition";
		said->flow = (int)(step - STATES - 1);
		add_definition(&said->details, pipeline, step - STATES - 1);
		(void)buf_add_str(&said->message, "Flow '");
		add_dataset(&said->message, pipeline, step - STATES - 1);
		(void)buf_add_str(&said->message, "' defined as APPEND.");
	} else if (step > STATES && step < STEPS - 1) {
		say_flow(said, pipeline);
	} else {
		state = step <= STATES ? update_states[step - 1]
			: pipeline->fails ? "FAILED" : "COMPLETED";
		if (step > STATES && pipeline->fails)
			said->level = "ERROR";
		said->type = "update_progress";
		(void)buf_addf(&said->details, "{\"update_progress\":{\"state\":\"%s\"}}", state);
		(void)buf_addf(&said->message, "Update %06x is %s.", short_id, state);
	}
}

static void add_quoted(struct buf *out, struct text json)
{
	(void)buf_add_char(out, '"');
	for (size_t i = 0; i < json.len; i++) {
		if (json.bytes[i] == '"' || json.bytes[i] == '\\')
			(void)buf_add_char(out, '\\');
		(void)buf_add_char(out, json.bytes[i]);
	}
	(void)buf_add_char(out, '"');
}

static void add_event(struct buf *out, const struct said *said, const struct pipeline *pipeline,
	int64_t now_ms, uint64_t sequence, bool as_string)
{
	const uint64_t id[2] = { next_random(), next_random() };

	(void)buf_add_str(out, "{\"id\":\"");
	add_uuid(out, id);
	(void)buf_addf(out, "\",\"sequence\":{\"data_plane_id\":{\"instance\":\"execution-%u\","
		"\"seq_no\":%" PRIu64 "},\"control_plane_seq_no\":%" PRIu64 "},", pipeline->number,
		1730000000000000u + sequence, 1730000100000000u + sequence);
	add_origin(out, pipeline, said->flow, said->batch);
	(void)buf_add_str(out, "\"timestamp\":\"");
	time_format_utc(out, now_ms);
	(void)buf_addf(out, "\",\"message\":\"%s\",\"level\":\"%s\"", said->message.bytes,
		said->level);
	(void)buf_add_str(out, ",\"details\":");
	if (as_string)
		add_quoted(out, buf_text(&said->details));
	else
		(void)buf_add(out, buf_text(&said->details));
	(void)buf_addf(out, ",\"event_type\":\"%s\",\"maturity_level\":\"STABLE\"", said->type);
	if (said->error)
		add_error(out, pipeline, (unsigned)said->flow);
	(void)buf_add_str(out, "}\n");
}

int main(int argc, char **argv)
{
	struct said said;
	struct buf line;
	int64_t events = 500000;
	int64_t now_ms = 1772438400000;
	bool as_string = false;

	random_state = 1;
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (argv[i][0] >= '0' && argv[i][0] <= '9') {
			events = strtoll(argv[i], NULL, 10);
			continue;
		}
		if (strcmp(argv[i], "--seed") == 0)
			random_state = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--start") == 0)
			now_ms = strtoll(value, NULL, 10);
		else if (strcmp(argv[i], "--details") == 0)
			as_string = strcmp(value, "string") == 0;
		else
			return 2;
		i++;
	}
	begin_pipelines();
	buf_init(&line, LINE_MAX_BYTES);
	buf_init(&said.details, LINE_MAX_BYTES);
	buf_init(&said.message, LINE_MAX_BYTES);
	for (int64_t i = 0; i < events; i++) {
		struct pipeline *pipeline = &pipelines[below(PIPELINES)];

		say(&said, pipeline);
		buf_reset(&line);
		now_ms += below(20);
		add_event(&line, &said, pipeline, now_ms, (uint64_t)i, as_string);
		if (fwrite(line.bytes, 1, line.len, stdout) != line.len)
			return 1;
		if (++pipeline->step == STEPS)
			begin_update(pipeline);
	}
	buf_done(&line);
	buf_done(&said.details);
	buf_done(&said.message);
	return fflush(stdout) == 0 ? 0 : 1;
}
