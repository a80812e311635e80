/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the simulated pipelines do. fire_reporting: a regulatory feed in batches with rules and
 * quarantine. hinge_cdc: change capture, upserts and deletes. retail: a stream that never ends.
 * claims: fails and is retried. pos_inventory: was lively, then went quiet.
 */
#include <string.h>

#include "base/mem.h"
#include "tests/estate/estate.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
enum { FIRE, HINGE, RETAIL, CLAIMS, POS };

static bool is_live(const struct estate *estate, int64_t when_ms)
{
	return when_ms >= estate->past_end_ms;
}

/* The start of the next update; the first one after the past ends comes as soon as live ones do. */
static int64_t next_run(const struct estate *estate, int64_t when_ms, int64_t past, int64_t live)
{
	if (is_live(estate, when_ms))
		return when_ms + live;
	if (when_ms + past >= estate->past_end_ms)
		return estate->past_end_ms + (live < 20 * SECOND ? live : 20 * SECOND);
	return when_ms + past;
}

static void begin(struct estate *estate, size_t pipeline, int64_t when_ms, const char *cause,
	char update_id[37])
{
	static const char *const states[] = { "QUEUED", "WAITING_FOR_RESOURCES", "INITIALIZING",
		"SETTING_UP_TABLES", "RUNNING" };
	static const int64_t steps[] = { 200, 300, 900, 1500, 2600 };

	estate_uuid(estate, when_ms, update_id);
	estate_create_update(estate, pipeline, when_ms, update_id, cause);
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		estate_update_state(estate, pipeline, when_ms + steps[i], update_id, states[i]);
}

static void definition(struct estate *estate, size_t pipeline, int64_t when_ms,
	const char *update_id, const char *flow, const char *type, const char *inputs)
{
	char details[600];
	char message[200];

	(void)snprintf(message, sizeof message, "Flow '%s' defined as %s.", flow, type);
	(void)snprintf(details, sizeof details,
		"{\"output_dataset\": \"%s\", \"input_datasets\": [%s], \"flow_type\": \"%s\", "
		"\"schema\": [], \"explain_text\": \"\"}",
		flow, inputs, type);
	estate_event(estate, &(struct event){ .pipeline = pipeline, .when_ms = when_ms,
				     .update_id = update_id, .type = "flow_definition",
				     .level = "INFO", .message = message, .flow = flow,
				     .batch_id = -1, .details = details });
}

static void progress(struct estate *estate, size_t pipeline, int64_t when_ms, const char *update_id,
	const char *flow, int64_t batch_id, const char *status, const char *body)
{
	char message[200];
	char details[8192];

	(void)snprintf(message, sizeof message, "Completed a streaming update of '%s'.", flow);
	(void)snprintf(details, sizeof details, "{\"status\": \"%s\"%s%s}", status, body[0] ? ", " : "",
		body);
	estate_event(estate, &(struct event){ .pipeline = pipeline, .when_ms = when_ms,
				     .update_id = update_id, .type = "flow_progress",
				     .level = "METRICS", .message = message, .flow = flow,
				     .batch_id = batch_id, .details = details });
}

static void flow_begins(struct estate *estate, size_t pipeline, int64_t when_ms,
	const char *update_id, const char *flow)
{
	estate_flow_state(estate, pipeline, when_ms, update_id, flow, "QUEUED");
	estate_flow_state(estate, pipeline, when_ms + 150, update_id, flow, "PLANNING");
	estate_flow_state(estate, pipeline, when_ms + 420, update_id, flow, "STARTING");
	estate_flow_state(estate, pipeline, when_ms + 800, update_id, flow, "RUNNING");
}

/* ---- fire_reporting ---- */

enum { COLLATERAL_BATCHES = 10, BATCH_ROWS = COLLATERAL_ROWS / COLLATERAL_BATCHES };

/* One micro-batch of the collateral feed, every row judged. Returns the rows published. */
static int64_t collateral_batch(struct estate *estate, int64_t when_ms, const char *update_id,
	int64_t batch, bool worst)
{
	int64_t failed[COLLATERAL_RULES] = { 0 };
	int64_t published = 0;
	struct buf body;

	for (int64_t i = 0; i < BATCH_ROWS; i++) {
		unsigned broken = collateral_broken((uint32_t)(batch * BATCH_ROWS + i), worst);

		published += broken == 0;
		for (size_t rule = 0; rule < COLLATERAL_RULES; rule++)
			failed[rule] += broken >> rule & 1u;
	}
	buf_init(&body, 8000);
	(void)buf_addf(&body,
		"\"metrics\": {\"num_output_rows\": %lld, \"num_output_bytes\": %lld}, "
		"\"data_quality\": {\"dropped_records\": %lld, \"expectations\": [",
		(long long)published, (long long)published * 212,
		(long long)(BATCH_ROWS - published));
	for (size_t rule = 0; rule < COLLATERAL_RULES; rule++) {
		(void)buf_addf(&body,
			"%s{\"name\": \"%s\", \"dataset\": \"main.fire.collateral_silver\", "
			"\"action\": \"DROP\", \"passed_records\": %lld, \"failed_records\": %lld}",
			rule ? ", " : "", collateral_rules[rule],
			(long long)(BATCH_ROWS - failed[rule]), (long long)failed[rule]);
	}
	(void)buf_add_str(&body, "]}");
	progress(estate, FIRE, when_ms, update_id, "main.fire.collateral_silver", batch, "RUNNING",
		body.bytes);
	buf_done(&body);
	return published;
}

struct entity {
	const char *name;
	int64_t rows, dropped;
	const char *rule;
};

static const struct entity entities[] = {
	{ "loan", 48200, 41, "[currency_code] not allowed value" },
	{ "security", 15320, 0, "[id] is mandatory" },
	{ "derivative", 9100, 12, "[mtm_dirty] is mandatory" },
};

static void entity_flow(struct estate *estate, int64_t when_ms, const char *update_id,
	const struct entity *entity)
{
	char flow[80];
	char body[600];

	(void)snprintf(flow, sizeof flow, "main.fire.%s_silver", entity->name);
	flow_begins(estate, FIRE, when_ms, update_id, flow);
	(void)snprintf(body, sizeof body,
		"\"metrics\": {\"num_output_rows\": %lld}, \"data_quality\": {\"dropped_records\": %lld, "
		"\"expectations\": [{\"name\": \"%s\", \"dataset\": \"%s\", \"action\": \"DROP\", "
		"\"passed_records\": %lld, \"failed_records\": %lld}]}",
		(long long)(entity->rows - entity->dropped), (long long)entity->dropped, entity->rule,
		flow, (long long)(entity->rows - entity->dropped), (long long)entity->dropped);
	progress(estate, FIRE, when_ms + 4000, update_id, flow, 0, "RUNNING", body);
	estate_flow_state(estate, FIRE, when_ms + 5000, update_id, flow, "COMPLETED");
}

static void rows_only(struct estate *estate, size_t pipeline, int64_t when_ms,
	const char *update_id, const char *flow, int64_t rows)
{
	char body[120];

	(void)snprintf(body, sizeof body, "\"metrics\": {\"num_output_rows\": %lld}",
		(long long)rows);
	progress(estate, pipeline, when_ms, update_id, flow, 0, "RUNNING", body);
}

static int64_t run_fire(struct estate *estate, size_t pipeline, int64_t when_ms)
{
	/* The feed turned bad a little over four hours before the past ends. */
	bool worst = when_ms >= estate->past_end_ms - (4 * HOUR + 15 * MINUTE);
	int64_t at = when_ms + 3000;
	int64_t published = 0;
	char update_id[37];

	begin(estate, pipeline, when_ms, "JOB_TASK", update_id);
	definition(estate, FIRE, at - 200, update_id, "main.fire.collateral_silver", "APPEND",
		"{\"name\": \"main.fire.collateral_bronze\"}");
	definition(estate, FIRE, at - 190, update_id, "main.fire.collateral_quarantine", "APPEND",
		"{\"name\": \"main.fire.collateral_bronze\"}");
	definition(estate, FIRE, at - 180, update_id, "main.fire.collateral_gold",
		"MATERIALIZED_VIEW", "{\"name\": \"main.fire.collateral_silver\"}");
	flow_begins(estate, FIRE, at, update_id, "main.fire.collateral_bronze");
	rows_only(estate, FIRE, at + 2500, update_id, "main.fire.collateral_bronze", COLLATERAL_ROWS);
	estate_flow_state(estate, FIRE, at + 3000, update_id, "main.fire.collateral_bronze",
		"COMPLETED");
	flow_begins(estate, FIRE, at + 1000, update_id, "main.fire.collateral_silver");
	flow_begins(estate, FIRE, at + 1000, update_id, "main.fire.collateral_quarantine");
	for (int64_t batch = 0; batch < COLLATERAL_BATCHES; batch++)
		published += collateral_batch(estate, at + 3500 + batch * 1500, update_id, batch, worst);
	rows_only(estate, FIRE, at + 19200, update_id, "main.fire.collateral_quarantine",
		COLLATERAL_ROWS - published);
	for (size_t i = 0; i < ARRAY_LEN(entities); i++)
		entity_flow(estate, at + 1200 + (int64_t)i * 700, update_id, &entities[i]);
	estate_flow_state(estate, FIRE, at + 19500, update_id, "main.fire.collateral_silver",
		"COMPLETED");
	estate_flow_state(estate, FIRE, at + 19600, update_id, "main.fire.collateral_quarantine",
		"COMPLETED");
	flow_begins(estate, FIRE, at + 19700, update_id, "main.fire.collateral_gold");
	rows_only(estate, FIRE, at + 22000, update_id, "main.fire.collateral_gold", published);
	estate_flow_state(estate, FIRE, at + 22400, update_id, "main.fire.collateral_gold",
		"COMPLETED");
	estate_update_state(estate, FIRE, at + 23000, update_id, "COMPLETED");
	{
		struct commit commit = { .table = "fire/collateral_silver",
			.operation = "STREAMING UPDATE", .epoch = 0, .rows = published,
			.overwrite = true, .worst = worst, .pipeline = FIRE };

		memcpy(commit.update_id, update_id, sizeof update_id);
		estate_commit(estate, at + 19400, &commit);
		commit.table = "fire/collateral_quarantine";
		commit.rows = COLLATERAL_ROWS - published;
		estate_commit(estate, at + 19450, &commit);
	}
	return next_run(estate, when_ms, 2 * HOUR, 90 * SECOND);
}

/* ---- hinge_cdc ---- */

static int64_t run_hinge(struct estate *estate, size_t pipeline, int64_t when_ms)
{
	static const char *const tables[] = { "members", "accounts", "transfers", "devices" };
	char update_id[37];

	begin(estate, pipeline, when_ms, "JOB_TASK", update_id);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		int64_t at = when_ms + 3000 + (int64_t)i * 400;
		char flow[80];
		char body[300];

		(void)snprintf(flow, sizeof flow, "main.hinge.%s", tables[i]);
		definition(estate, pipeline, at - 100, update_id, flow, "CHANGE",
			"\"cdc.shared.07\"");
		flow_begins(estate, pipeline, at, update_id, flow);
		for (int batch = 0; batch < 4; batch++) {
			/* Change capture reports upserts and deletes, never output rows. */
			(void)snprintf(body, sizeof body,
				"\"metrics\": {\"num_upserted_rows\": %lld, \"num_deleted_rows\": %lld, "
				"\"backlog_records\": %lld, \"backlog_bytes\": %lld}",
				(long long)estate_between(estate, 200, 4000),
				(long long)estate_between(estate, 0, 60),
				(long long)estate_between(estate, 0, 900),
				(long long)estate_between(estate, 0, 400000));
			progress(estate, pipeline, at + 1500 + batch * 2500, update_id, flow,
				estate->batch_id[pipeline] + batch, "RUNNING", body);
		}
		estate_flow_state(estate, pipeline, at + 12000, update_id, flow, "COMPLETED");
	}
	estate_update_state(estate, pipeline, when_ms + 17000, update_id, "COMPLETED");
	estate->batch_id[pipeline] += 4;
	{
		struct commit commit = { .table = "hinge/members", .operation = "MERGE",
			.epoch = estate->batch_id[pipeline], .rows = 400, .pipeline = HINGE };

		memcpy(commit.update_id, update_id, sizeof update_id);
		estate_commit(estate, when_ms + 14000, &commit);
	}
	return next_run(estate, when_ms, 30 * MINUTE, 40 * SECOND);
}

/* ---- retail: one continuous update ---- */

static int64_t run_retail(struct estate *estate, size_t pipeline, int64_t when_ms)
{
	static const char *const flows[] = { "main.retail.orders_bronze", "main.retail.orders_silver",
		"main.retail.sessions" };
	char *update_id = estate->chain_update[pipeline];
	int64_t batch = estate->batch_id[pipeline]++;

	if (batch == 0) {
		begin(estate, pipeline, when_ms, "USER_ACTION", update_id);
		for (size_t i = 0; i < ARRAY_LEN(flows); i++)
			flow_begins(estate, pipeline, when_ms + 3000, update_id, flows[i]);
		return when_ms + 10 * SECOND;
	}
	for (size_t i = 0; i < ARRAY_LEN(flows); i++) {
		int64_t rows = estate_between(estate, 300, 2600);
		int64_t dropped = estate_between(estate, 0, 3);
		char body[700];

		if (i == 1)
			(void)snprintf(body, sizeof body,
				"\"metrics\": {\"num_output_rows\": %lld, \"backlog_bytes\": %lld}, "
				"\"data_quality\": {\"dropped_records\": %lld, \"expectations\": "
				"[{\"name\": \"positive_amount\", \"dataset\": \"%s\", "
				"\"passed_records\": %lld, \"failed_records\": %lld}, "
				"{\"name\": \"known_store\", \"dataset\": \"%s\", "
				"\"passed_records\": %lld, \"failed_records\": %lld}]}",
				(long long)rows, (long long)estate_between(estate, 0, 90000),
				(long long)dropped, flows[i], (long long)rows, (long long)dropped,
				flows[i], (long long)(rows + dropped - 1), 1LL);
		else
			(void)snprintf(body, sizeof body,
				"\"metrics\": {\"num_output_rows\": %lld, \"backlog_bytes\": %lld, "
				"\"backlog_files\": %lld}",
				(long long)rows, (long long)estate_between(estate, 0, 90000),
				(long long)estate_between(estate, 0, 4));
		progress(estate, pipeline, when_ms + (int64_t)i * 350, update_id, flows[i], batch,
			"RUNNING", body);
	}
	if (batch % 30 == 0 || is_live(estate, when_ms)) {
		struct commit commit = { .table = "retail/orders_silver",
			.operation = "STREAMING UPDATE", .epoch = batch, .rows = 250,
			.pipeline = RETAIL };

		memcpy(commit.update_id, update_id, 37);
		if (batch % 15 == 0)
			estate_commit(estate, when_ms + 900, &commit);
	}
	return next_run(estate, when_ms, 60 * SECOND, 2 * SECOND);
}

/* ---- claims: fails, is retried, fails again ---- */

enum { CLAIMS_ATTEMPTS = 4 };

static int64_t run_claims(struct estate *estate, size_t pipeline, int64_t when_ms)
{
	static const char *const flow = "main.claims.claims_silver";
	bool fails = when_ms >= estate->past_end_ms - 25 * MINUTE;
	char update_id[37];
	int *attempts = &estate->attempts[pipeline];

	begin(estate, pipeline, when_ms, *attempts ? "RETRY_ON_FAILURE" : "JOB_TASK", update_id);
	flow_begins(estate, pipeline, when_ms + 3000, update_id, flow);
	if (!fails) {
		rows_only(estate, pipeline, when_ms + 6000, update_id, flow, 5200);
		estate_flow_state(estate, pipeline, when_ms + 7000, update_id, flow, "COMPLETED");
		estate_update_state(estate, pipeline, when_ms + 8000, update_id, "COMPLETED");
		return when_ms + 20 * MINUTE;
	}
	estate_event(estate,
		&(struct event){ .pipeline = pipeline, .when_ms = when_ms + 6000,
			.update_id = update_id, .type = "flow_progress", .level = "WARN",
			.message = "Flow 'main.claims.claims_silver' found new columns and will restart.",
			.flow = flow, .batch_id = -1, .details = "{\"status\": \"STARTING\"}" });
	estate_event(estate,
		&(struct event){ .pipeline = pipeline, .when_ms = when_ms + 9000,
			.update_id = update_id, .type = "flow_progress", .level = "ERROR",
			.message = "Flow 'main.claims.claims_silver' has FAILED.", .flow = flow,
			.batch_id = -1, .details = "{\"status\": \"FAILED\"}",
			.error_class = "DELTA_SCHEMA_CHANGE",
			.error_message = "[DELTA_SCHEMA_CHANGE] Detected schema change: column plan_tier "
					 "added. Failed to meet the expectation. Violated expectations: "
					 "'known_plan'. Input data: '{\"member\":\"4711\",\"plan_tier\":\"gold\"}'." });
	estate_event(estate,
		&(struct event){ .pipeline = pipeline, .when_ms = when_ms + 9200,
			.update_id = update_id, .type = "flow_progress", .level = "WARN",
			.message = "Flow 'main.claims.claims_gold' is SKIPPED due to upstream failure(s).",
			.flow = "main.claims.claims_gold", .batch_id = -1,
			.details = "{\"status\": \"SKIPPED\"}" });
	estate_update_state(estate, pipeline, when_ms + 9500, update_id, "FAILED");
	*attempts = (*attempts + 1) % CLAIMS_ATTEMPTS;
	if (*attempts != 0)
		return when_ms + 2 * MINUTE + *attempts * 30 * SECOND;
	return when_ms + 15 * MINUTE;
}

/* ---- pos_inventory: every five minutes, until 41 minutes before the past ends ---- */

static int64_t run_pos(struct estate *estate, size_t pipeline, int64_t when_ms)
{
	char update_id[37];

	if (when_ms > estate->past_end_ms - 41 * MINUTE)
		return 0;
	begin(estate, pipeline, when_ms, "JOB_TASK", update_id);
	flow_begins(estate, pipeline, when_ms + 3000, update_id, "main.pos.inventory_gold");
	rows_only(estate, pipeline, when_ms + 5000, update_id, "main.pos.inventory_gold",
		estate_between(estate, 100, 900));
	estate_flow_state(estate, pipeline, when_ms + 5600, update_id, "main.pos.inventory_gold",
		"COMPLETED");
	estate_update_state(estate, pipeline, when_ms + 6000, update_id, "COMPLETED");
	return when_ms + 5 * MINUTE;
}

const struct pipeline pipelines[PIPELINE_COUNT] = {
	[FIRE] = { "3f0c1a52-7a0e-4d1b-9a55-0c9d2b6f1e10", "fire_reporting", true, run_fire,
		24 * HOUR - 5 * MINUTE },
	[HINGE] = { "6a1d2b33-1c5e-4f7a-8d21-5b0f4e9c7a22", "hinge_cdc", false, run_hinge,
		24 * HOUR - 9 * MINUTE },
	[RETAIL] = { "9b2e3c44-2d6f-4a8b-9e32-6c1a5f0d8b33", "retail", false, run_retail,
		24 * HOUR - 2 * MINUTE },
	[CLAIMS] = { "c43f4d55-3e70-4b9c-8f43-7d2b6a1e9c44", "claims", false, run_claims,
		24 * HOUR - 12 * MINUTE },
	[POS] = { "d5405e66-4f81-4cad-9054-8e3c7b2fad55", "pos_inventory", false, run_pos,
		24 * HOUR - 3 * MINUTE },
};
