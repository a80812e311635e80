/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "collectors/kafka/sweeper_parts.h"

/* What Weir decides for itself, whatever the properties say. */
static const char *const always[] = {
	"enable.auto.commit", "false",
	"enable.auto.offset.store", "false",
	"allow.auto.create.topics", "false",
	"socket.nagle.disable", "true",
	"reconnect.backoff.max.ms", "2000",
	"log.connection.close", "false",
	"log.queue", "true", /* so that no thread but ours writes to the socket */
	"statistics.interval.ms", "0",
	NULL,
};

static void say_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
	struct sweeper *sweeper = rd_kafka_opaque(client);

	/*
	 * Each property of the other kind of client is told about: people share one file for both.
	 * What failed comes to say_fault as well.
	 */
	if (strcmp(facility, "CONFWARN") == 0 || strcmp(facility, "FAIL") == 0)
		return;
	sweeper_log(sweeper, level <= 3 ? LOG_WARN : level <= 5 ? LOG_INFO : LOG_DEBUG, "%s: %s",
		facility, text);
}

static void say_fault(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
	struct sweeper *sweeper = opaque;
	struct text words = text_of(reason);
	struct buf clean;

	(void)client;
	/* "All brokers are down" says less than what came before it. */
	if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && sweeper->fault[0] != '\0')
		return;
	/* Its own group is asked for at the start; without the right to it nothing is lost. */
	if (code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
		return;
	/* How long it took and how often it was so is another at every try, and no reason. */
	for (size_t at = 0; at < words.len; at++) {
		if (text_starts(text_sub(words, at, words.len), TEXT(" (after ")))
			words.len = at;
	}
	buf_init(&clean, sizeof sweeper->fault - 1);
	(void)utf8_clean(&clean, words, UTF8_ONE_LINE); /* cut is fine */
	(void)snprintf(sweeper->fault, sizeof sweeper->fault, "%s", clean.bytes);
	sweeper->fault_code = code;
	sweeper->fault_final = code == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
		code == RD_KAFKA_RESP_ERR__SSL || code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED;
	buf_done(&clean);
}

/* A property that librdkafka refuses: its text may quote the value, so only names are told. */
static void set_one(struct sweeper *sweeper, rd_kafka_conf_t *conf, const struct property *property,
	char *why, size_t why_size)
{
	char text[256];
	rd_kafka_conf_res_t said = rd_kafka_conf_set(
		conf, property->name.bytes, property->value.bytes, text, sizeof text);

	if (said == RD_KAFKA_CONF_UNKNOWN)
		sweeper_log(sweeper, LOG_WARN, "line %d: librdkafka knows no property %s: left out",
			property->line, property->name.bytes);
	else if (said == RD_KAFKA_CONF_INVALID && why[0] == '\0')
		(void)snprintf(why, why_size, "%s (line %d): %s", property->name.bytes, property->line,
			property->secret ? "its value is not accepted" : text);
}

rd_kafka_t *client_new(struct sweeper *sweeper, const char *const *own, char *why, size_t why_size)
{
	const struct properties *properties = &sweeper->plan.properties;
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t *client;
	char text[256];

	why[0] = '\0';
	(void)rd_kafka_conf_set(conf, "client.id", "weir", NULL, 0);
	for (size_t i = 0; i < properties->count; i++)
		set_one(sweeper, conf, &properties->list[i], why, why_size);
	for (size_t i = 0; always[i]; i += 2)
		(void)rd_kafka_conf_set(conf, always[i], always[i + 1], NULL, 0);
	(void)rd_kafka_conf_set(conf, "isolation.level",
		sweeper->plan.read_committed ? "read_committed" : "read_uncommitted", NULL, 0);
	for (size_t i = 0; own[i]; i += 2)
		(void)rd_kafka_conf_set(conf, own[i], own[i + 1], NULL, 0);
	rd_kafka_conf_set_opaque(conf, sweeper);
	rd_kafka_conf_set_log_cb(conf, say_log);
	rd_kafka_conf_set_error_cb(conf, say_fault);
	rd_kafka_conf_set_oauthbearer_token_refresh_cb(conf, token_refresh);
	if (why[0] != '\0') {
		rd_kafka_conf_destroy(conf);
		return NULL;
	}
	client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
	if (!client) {
		rd_kafka_conf_destroy(conf);
		(void)snprintf(why, why_size, "%s", text);
		return NULL;
	}
	(void)rd_kafka_set_log_queue(client, NULL); /* to the main queue, which client_poll serves */
	return client;
}

bool client_open(struct sweeper *sweeper)
{
	char why[256];
	/* C1: an answer "not coordinator" would crash a client without a group. */
	const char *own[] = { "group.id", sweeper->plan.group_id.bytes, NULL };

	if (sweeper->client)
		return true;
	sweeper->fault[0] = '\0';
	sweeper->fault_final = false;
	sweeper->client = client_new(sweeper, own, why, sizeof why);
	if (!sweeper->client) {
		sweeper_problem(sweeper, "%s", why);
		sweeper->fault_final = true;
		return false;
	}
	sweeper->answers = rd_kafka_queue_new(sweeper->client);
	client_poll(sweeper, 0); /* a token, if one is needed, before anything waits for it */
	return true;
}

void client_close(struct sweeper *sweeper)
{
	if (!sweeper->client)
		return;
	rd_kafka_queue_destroy(sweeper->answers);
	rd_kafka_destroy_flags(sweeper->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	sweeper->client = NULL;
	sweeper->answers = NULL;
	requests_forget(sweeper);
}

void client_poll(struct sweeper *sweeper, int ms)
{
	if (sweeper->client)
		(void)rd_kafka_poll(sweeper->client, ms);
}

rd_kafka_AdminOptions_t *client_options(struct sweeper *sweeper, rd_kafka_admin_op_t what,
	int timeout_ms, struct request *opaque)
{
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(sweeper->client, what);

	(void)rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, NULL, 0);
	rd_kafka_AdminOptions_set_opaque(options, opaque);
	return options;
}

const char *client_advice(rd_kafka_resp_err_t code)
{
	switch ((int)code) {
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
		return "; the account needs Describe on the group: kafka-acls --add --operation Describe "
		       "--group '*' --allow-principal User:NAME";
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		return "; the account needs Describe on the topic: kafka-acls --add --operation Describe "
		       "--topic '*' --allow-principal User:NAME";
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
		return "; the account needs Describe on the cluster: kafka-acls --add --operation "
		       "Describe --cluster --allow-principal User:NAME";
	default:
		return "";
	}
}
