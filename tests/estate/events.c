/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/estate/estate.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum { LINE_MAX_BYTES = 1 << 20 };

static void add_json_text(struct buf *buf, const char *text)
{
	(void)buf_add_char(buf, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			(void)buf_add_char(buf, '\\');
		if (*text == '\n')
			(void)buf_add_str(buf, "\\n");
		else
			(void)buf_add_char(buf, *text);
	}
	(void)buf_add_char(buf, '"');
}

static void add_key(struct buf *buf, const char *key, const char *text)
{
	if (!text)
		return;
	(void)buf_addf(buf, ", \"%s\": ", key);
	add_json_text(buf, text);
}

static void add_origin(struct buf *buf, const struct event *event, const char *flow_id)
{
	const struct pipeline *pipeline = &pipelines[event->pipeline];

	(void)buf_addf(buf,
		"{\"cloud\": \"AWS\", \"region\": \"eu-west-1\", \"org_id\": 1234567890123456, "
		"\"pipeline_id\": \"%s\", \"pipeline_type\": \"WORKSPACE\", \"pipeline_name\": \"%s\"",
		pipeline->id, pipeline->name);
	add_key(buf, "update_id", event->update_id);
	add_key(buf, "dataset_name", event->dataset);
	if (event->flow)
		add_key(buf, "flow_id", flow_id);
	add_key(buf, "flow_name", event->flow);
	if (event->batch_id >= 0)
		(void)buf_addf(buf, ", \"batch_id\": %lld", (long long)event->batch_id);
	(void)buf_add_char(buf, '}');
}

static void add_error(struct buf *buf, const struct event *event)
{
	if (!event->error_message)
		return;
	(void)buf_add_str(buf, ", \"error\": {\"fatal\": true, \"exceptions\": [{\"class_name\": "
			       "\"com.databricks.pipelines.common.errors.DLTSparkException\"");
	add_key(buf, "error_class", event->error_class);
	add_key(buf, "message", event->error_message);
	(void)buf_add_str(buf,
		", \"stack\": [{\"declaring_class\": \"org.example.Runner\", \"method_name\": "
		"\"run\", \"file_name\": \"Runner.scala\", \"line_number\": 88}]}]}");
}

void estate_event(struct estate *estate, const struct event *event)
{
	struct buf line;
	struct buf details;
	struct job job = { .when_ms = event->when_ms, .kind = JOB_LINE, .pipeline = event->pipeline };
	char id[37];
	char flow_id[24];

	buf_init(&line, LINE_MAX_BYTES);
	buf_init(&details, LINE_MAX_BYTES);
	estate_uuid(estate, event->when_ms, id);
	(void)snprintf(flow_id, sizeof flow_id, "f-%08x",
		event->flow ? (unsigned)text_hash(text_of(event->flow)) : 0u);
	(void)buf_addf(&details, "{\"%s\": %s}", event->type, event->details);
	(void)buf_addf(&line,
		"{\"id\": \"%s\", \"sequence\": {\"data_plane_id\": {\"instance\": \"exec-1\", "
		"\"seq_no\": %lld}, \"control_plane_seq_no\": %lld}, \"origin\": ",
		id, (long long)(1700000000000000 + estate->sequence),
		(long long)(1700000000100000 + estate->sequence));
	estate->sequence++;
	add_origin(&line, event, flow_id);
	(void)buf_add_str(&line, ", \"timestamp\": \"");
	time_format_utc(&line, event->when_ms);
	(void)buf_add_str(&line, "\"");
	add_key(&line, "message", event->message);
	add_key(&line, "level", event->level);
	(void)buf_add_str(&line, ", \"details\": ");
	if (pipelines[event->pipeline].details_as_text)
		add_json_text(&line, details.bytes);
	else
		(void)buf_add(&line, buf_text(&details));
	add_key(&line, "event_type", event->type);
	(void)buf_add_str(&line, ", \"maturity_level\": \"STABLE\"");
	add_error(&line, event);
	(void)buf_add_str(&line, "}\n");
	job.line = buf_take(&line);
	buf_done(&details);
	estate_plan(estate, &job);
}

void estate_update_state(struct estate *estate, size_t pipeline, int64_t when_ms,
	const char *update_id, const char *state)
{
	char message[80];
	char details[80];

	(void)snprintf(message, sizeof message, "Update %.6s is %s.", update_id, state);
	(void)snprintf(details, sizeof details, "{\"state\": \"%s\"}", state);
	estate_event(estate, &(struct event){ .pipeline = pipeline, .when_ms = when_ms,
				     .update_id = update_id, .type = "update_progress",
				     .level = strcmp(state, "FAILED") == 0 ? "ERROR" : "INFO",
				     .message = message, .batch_id = -1, .details = details });
}

void estate_create_update(struct estate *estate, size_t pipeline, int64_t when_ms,
	const char *update_id, const char *cause)
{
	char message[80];
	char details[600];

	(void)snprintf(message, sizeof message, "Update %.6s started by %s.", update_id, cause);
	(void)snprintf(details, sizeof details,
		"{\"cause\": \"%s\", \"run_as\": \"sp-%s\", \"full_refresh\": false, "
		"\"validate_only\": false, \"explore_only\": false, \"failed_attempts\": %d, "
		"\"config\": {\"id\": \"%s\", \"name\": \"%s\", \"catalog\": \"main\", "
		"\"serverless\": true, \"continuous\": false, \"channel\": \"CURRENT\"}}",
		cause, pipelines[pipeline].name, estate->attempts[pipeline], pipelines[pipeline].id,
		pipelines[pipeline].name);
	estate_event(estate, &(struct event){ .pipeline = pipeline, .when_ms = when_ms,
				     .update_id = update_id, .type = "create_update", .level = "INFO",
				     .message = message, .batch_id = -1, .details = details });
}

void estate_flow_state(struct estate *estate, size_t pipeline, int64_t when_ms,
	const char *update_id, const char *flow, const char *state)
{
	char message[160];
	char details[80];

	(void)snprintf(message, sizeof message,
		strcmp(state, "COMPLETED") == 0 ? "Flow '%s' has %s." : "Flow '%s' is %s.", flow,
		state);
	(void)snprintf(details, sizeof details, "{\"status\": \"%s\"}", state);
	estate_event(estate, &(struct event){ .pipeline = pipeline, .when_ms = when_ms,
				     .update_id = update_id, .type = "flow_progress", .level = "INFO",
				     .message = message, .flow = flow, .batch_id = -1,
				     .details = details });
}
