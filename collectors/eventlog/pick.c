/* SPDX-License-Identifier: Apache-2.0 */
#include "collectors/eventlog/pick.h"

#include "base/mem.h"

/*
 * One row a key: what it is called, what it is, where it goes. Rows stand in the order in which
 * writers put the keys; the ones that are not kept are there because the scanner is fastest when
 * the next key is the next row.
 */
#define ROW(name, pick_kind)                                                                       \
	.key = "\"" name "\":", .mask = ((uint32_t)4 << sizeof(name)) - 1,                         \
	.len = sizeof(name) - 1, .kind = (pick_kind)
#define FIELD(name, pick_kind, member) { ROW(name, pick_kind), .at = offsetof(struct pick, member) }
#define OBJECT(name, pick_kind, shape) { ROW(name, pick_kind), .child = (shape) }
#define SKIPPED(name)                  { ROW(name, PICK_SKIP), .child = NULL }
/* Behind the last row: no key begins with its first byte, so the scanner needs no other bound. */
#define END_ROW                        { .key = "", .mask = 1 }
#define SHAPE(table)                   { .fields = (table), .n = ARRAY_LEN(table) - 1 }

static const struct pick_field data_plane_fields[] = {
	SKIPPED("instance"),
	FIELD("seq_no", PICK_NUMBER, data_seq),
	END_ROW,
};
static const struct pick_shape data_plane = SHAPE(data_plane_fields);

static const struct pick_field sequence_fields[] = {
	OBJECT("data_plane_id", PICK_OBJECT, &data_plane),
	FIELD("control_plane_seq_no", PICK_NUMBER, control_seq),
	END_ROW,
};
static const struct pick_shape sequence = SHAPE(sequence_fields);

static const struct pick_field origin_fields[] = {
	SKIPPED("cloud"),
	SKIPPED("region"),
	SKIPPED("org_id"),
	SKIPPED("user_id"),
	FIELD("pipeline_id", PICK_TEXT, pipeline_id),
	SKIPPED("pipeline_type"),
	FIELD("pipeline_name", PICK_TEXT, pipeline_name),
	SKIPPED("cluster_id"),
	FIELD("update_id", PICK_TEXT, update_id),
	FIELD("maintenance_id", PICK_TEXT, maintenance),
	SKIPPED("table_id"),
	SKIPPED("table_name"),
	FIELD("dataset_name", PICK_TEXT, dataset),
	FIELD("sink_name", PICK_TEXT, sink),
	SKIPPED("flow_id"),
	FIELD("flow_name", PICK_TEXT, flow),
	FIELD("flow_attempt_id", PICK_TEXT, flow_attempt),
	FIELD("batch_id", PICK_COUNT, batch_id),
	SKIPPED("request_id"),
	SKIPPED("uc_resource_id"),
	SKIPPED("uc_table_id"),
	SKIPPED("uc_parent_table_id"),
	SKIPPED("catalog_name"),
	SKIPPED("schema_name"),
	SKIPPED("materialization_name"),
	SKIPPED("operation_id"),
	SKIPPED("source_name"),
	SKIPPED("ingestion_source_type"),
	SKIPPED("host"),
	SKIPPED("graph_id"),
	END_ROW,
};
static const struct pick_shape origin = SHAPE(origin_fields);

static const struct pick_field exception_fields[] = {
	FIELD("class_name", PICK_TEXT, error_class),
	FIELD("error_class", PICK_TEXT, error_code),
	FIELD("message", PICK_TEXT, error_message),
	SKIPPED("stack"),
	END_ROW,
};
const struct pick_shape pick_exception = SHAPE(exception_fields);

static const struct pick_field error_fields[] = {
	FIELD("fatal", PICK_FLAG, fatal),
	OBJECT("exceptions", PICK_EXCEPTIONS, &pick_exception),
	END_ROW,
};
static const struct pick_shape error = SHAPE(error_fields);

#define RULE(name, pick_kind, member)                                                              \
	{ ROW(name, pick_kind), .at = offsetof(struct pick_rule, member) }
static const struct pick_field rule_fields[] = {
	RULE("name", PICK_TEXT, name),
	RULE("dataset", PICK_TEXT, dataset),
	RULE("passed_records", PICK_COUNT, passed),
	RULE("failed_records", PICK_COUNT, failed),
	RULE("action", PICK_TEXT, action),
	END_ROW,
};
const struct pick_shape pick_rule_shape = SHAPE(rule_fields);

#define INPUT(name, member) { ROW(name, PICK_TEXT), .at = offsetof(struct pick_input, member) }
static const struct pick_field input_fields[] = {
	INPUT("name", name),
	INPUT("dataset_name", dataset_name),
	INPUT("table_name", table_name),
	END_ROW,
};
const struct pick_shape pick_input_shape = SHAPE(input_fields);

/* details, one shape an event type */

static const struct pick_field create_update_fields[] = {
	FIELD("cause", PICK_TEXT, cause),
	FIELD("run_as", PICK_TEXT, run_as),
	FIELD("full_refresh", PICK_FLAG, full_refresh),
	FIELD("validate_only", PICK_FLAG, validate_only),
	FIELD("explore_only", PICK_FLAG, explore_only),
	FIELD("failed_attempts", PICK_COUNT, failed_attempts),
	SKIPPED("run_as_user_id"),
	SKIPPED("config"),
	END_ROW,
};
static const struct pick_shape create_update = SHAPE(create_update_fields);

static const struct pick_field user_action_fields[] = {
	FIELD("user_name", PICK_TEXT, user),
	END_ROW,
};
static const struct pick_shape user_action = SHAPE(user_action_fields);

static const struct pick_field state_fields[] = {
	FIELD("state", PICK_TEXT, state),
	END_ROW,
};
static const struct pick_shape update_progress = SHAPE(state_fields);

static const struct pick_field status_fields[] = {
	FIELD("status", PICK_TEXT, state),
	END_ROW,
};
static const struct pick_shape status = SHAPE(status_fields);

static const struct pick_field metrics_fields[] = {
	FIELD("num_output_rows", PICK_COUNT, output_rows),
	FIELD("num_upserted_rows", PICK_COUNT, upserted_rows),
	FIELD("num_deleted_rows", PICK_COUNT, deleted_rows),
	FIELD("num_output_bytes", PICK_COUNT, output_bytes),
	FIELD("backlog_bytes", PICK_COUNT, backlog_bytes),
	FIELD("backlog_records", PICK_COUNT, backlog_records),
	FIELD("backlog_files", PICK_COUNT, backlog_files),
	FIELD("backlog_seconds", PICK_COUNT, backlog_seconds),
	SKIPPED("executor_time_ms"),
	SKIPPED("executor_cpu_time_ms"),
	SKIPPED("source_metrics"),
	END_ROW,
};
static const struct pick_shape metrics = SHAPE(metrics_fields);

static const struct pick_field quality_fields[] = {
	FIELD("dropped_records", PICK_COUNT, dropped_records),
	OBJECT("expectations", PICK_RULES, &pick_rule_shape),
	END_ROW,
};
static const struct pick_shape quality = SHAPE(quality_fields);

static const struct pick_field flow_progress_fields[] = {
	FIELD("status", PICK_TEXT, state),
	OBJECT("metrics", PICK_OBJECT, &metrics),
	SKIPPED("streaming_metrics"),
	OBJECT("data_quality", PICK_QUALITY, &quality),
	END_ROW,
};
static const struct pick_shape flow_progress = SHAPE(flow_progress_fields);

static const struct pick_field flow_definition_fields[] = {
	FIELD("output_dataset", PICK_TEXT, output_dataset),
	FIELD("output_sink", PICK_TEXT, output_sink),
	OBJECT("input_datasets", PICK_INPUTS, &pick_input_shape),
	FIELD("flow_type", PICK_TEXT, flow_type),
	SKIPPED("schema"),
	SKIPPED("schema_json"),
	SKIPPED("explain_text"),
	END_ROW,
};
static const struct pick_shape flow_definition = SHAPE(flow_definition_fields);

static const struct pick_field dataset_definition_fields[] = {
	FIELD("dataset_type", PICK_TEXT, flow_type),
	OBJECT("expectations", PICK_RULES, &pick_rule_shape),
	END_ROW,
};
static const struct pick_shape dataset_definition = SHAPE(dataset_definition_fields);

static const struct pick_field nothing_fields[] = {
	SKIPPED("status"),
	END_ROW,
};
static const struct pick_shape nothing = SHAPE(nothing_fields);

static const struct pick_field stream_progress_fields[] = {
	FIELD("progress_json", PICK_JSON, progress),
	END_ROW,
};
static const struct pick_shape stream_progress = SHAPE(stream_progress_fields);

#define DETAILS(name, type, shape) { ROW(name, PICK_OBJECT), .at = (type), .child = (shape) }
/* The frequent ones first: the tables are searched in order. */
static const struct pick_field details_fields[] = {
	DETAILS("flow_progress", EVENT_FLOW_PROGRESS, &flow_progress),
	DETAILS("update_progress", EVENT_UPDATE_PROGRESS, &update_progress),
	DETAILS("flow_definition", EVENT_FLOW_DEFINITION, &flow_definition),
	DETAILS("create_update", EVENT_CREATE_UPDATE, &create_update),
	DETAILS("user_action", EVENT_USER_ACTION, &user_action),
	DETAILS("dataset_definition", EVENT_DATASET_DEFINITION, &dataset_definition),
	DETAILS("operation_progress", EVENT_OPERATION_PROGRESS, &status),
	DETAILS("hook_progress", EVENT_HOOK_PROGRESS, &status),
	DETAILS("autoscale", EVENT_AUTOSCALE, &status),
	DETAILS("runtime_details", EVENT_RUNTIME_DETAILS, &nothing),
	DETAILS("sink_definition", EVENT_SINK_DEFINITION, &nothing),
	DETAILS("deprecation", EVENT_DEPRECATION, &nothing),
	DETAILS("cluster_resources", EVENT_CLUSTER_RESOURCES, &nothing),
	DETAILS("planning_information", EVENT_PLANNING_INFORMATION, &nothing),
	DETAILS("stream_progress", EVENT_STREAM_PROGRESS, &stream_progress),
	DETAILS("advisory", EVENT_ADVISORY, &nothing),
	END_ROW,
};
const struct pick_shape pick_details = SHAPE(details_fields);

static const struct pick_field event_fields[] = {
	FIELD("id", PICK_TEXT, id),
	OBJECT("sequence", PICK_OBJECT, &sequence),
	OBJECT("origin", PICK_OBJECT, &origin),
	FIELD("timestamp", PICK_TEXT, timestamp),
	FIELD("message", PICK_TEXT, message),
	FIELD("level", PICK_TEXT, level),
	OBJECT("details", PICK_DETAILS, &pick_details),
	FIELD("event_type", PICK_TEXT, type),
	FIELD("maturity_level", PICK_TEXT, maturity),
	OBJECT("error", PICK_ERROR, &error),
	FIELD("event_time", PICK_TEXT, timestamp_alt),
	FIELD("pipeline_event_id", PICK_TEXT, id_alt),
	FIELD("pipeline_id", PICK_TEXT, pipeline_alt),
	FIELD("update_id", PICK_TEXT, update_alt),
	OBJECT("events", PICK_CONTAINER, NULL),
	OBJECT("events_json", PICK_CONTAINER, NULL),
	OBJECT("result", PICK_CONTAINER, NULL),
	OBJECT("manifest", PICK_CONTAINER, NULL),
	END_ROW,
};
const struct pick_shape pick_event = SHAPE(event_fields);

void pick_rule_init(struct pick_rule *rule)
{
	*rule = (struct pick_rule){ .passed = FACT_UNKNOWN, .failed = FACT_UNKNOWN };
}

void pick_init(struct pick *pick)
{
	*pick = (struct pick){
		.control_seq = FACT_UNKNOWN,
		.data_seq = FACT_UNKNOWN,
		.batch_id = FACT_UNKNOWN,
		.full_refresh = -1,
		.validate_only = -1,
		.explore_only = -1,
		.failed_attempts = FACT_UNKNOWN,
		.output_rows = FACT_UNKNOWN,
		.upserted_rows = FACT_UNKNOWN,
		.deleted_rows = FACT_UNKNOWN,
		.output_bytes = FACT_UNKNOWN,
		.dropped_records = FACT_UNKNOWN,
		.backlog_bytes = FACT_UNKNOWN,
		.backlog_records = FACT_UNKNOWN,
		.backlog_files = FACT_UNKNOWN,
		.backlog_seconds = FACT_UNKNOWN,
		.fatal = -1,
	};
}
