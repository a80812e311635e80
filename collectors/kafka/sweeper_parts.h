/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECTORS_KAFKA_SWEEPER_PARTS_H
#define COLLECTORS_KAFKA_SWEEPER_PARTS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "collectors/kafka/plan.h"

/*
 * The inside of sweeper*.c: one cluster, one thread. What librdkafka (2.0.2 and most later ones) must
 * never be asked is written where it is avoided; the list:
 *   C1  ListConsumerGroupOffsets on a client without group.id: crash   -> group.id is always set
 *   C2  an admin request that times out, then the broker returns: abort -> it never times out in the
 *       library; our own deadline gives up on the answer, which may come later
 *   C3  DescribeConsumerGroups where brokers do not know it: hangs      -> only after ListGroups worked
 *   C4  query_watermark_offsets with its broker down: never returns     -> not used
 *   C5  "all partitions" of a group at an old broker: empty, no error   -> asked again by name
 *   C6  offsets_for_times fails as a whole, results then are our input  -> code first, then halves
 *   C7  leaders stay stale                                              -> metadata first, one retry
 */
enum {
	REQUEST_TIMEOUT_MS = 3600000, /* C2: the longest there is */
	LIST_TIMEOUT_MS = 4000,       /* not sent to a coordinator: may time out */
	METADATA_TIMEOUT_MS = 5000,
	WINDOW = 64,          /* requests under way */
	WHOLE_MAX = 1000,     /* partitions of a group asked for at once: parsing is quadratic */
	COMMIT_SLICE = 200,
	ENDS_SLICE = 200,
	BEAT_MS = 1000,
	STUCK_MS = 120000,    /* requests unanswered for so long: a new client */
	CONFIG_EVERY_MS = 300000,
	DESCRIBE_EVERY_MS = 60000,
	LOW_EVERY_MS = 60000,
	LOW_ALWAYS_MAX = 5000 /* up to so many partitions the low marks are read at every sweep */
};

struct mark {
	int32_t leader;
	int64_t low, high; /* FACT_UNKNOWN */
	bool near;         /* a reader is near to what retention takes: low is read at every sweep */
};

struct topic {
	char *name;
	struct mark *marks; /* by partition id */
	int32_t nmarks;
	int64_t retention_ms, retention_bytes;
	int8_t compacted;
};

struct commit {
	uint32_t topic;
	int32_t partition;
	int64_t offset; /* FACT_UNKNOWN: none */
};

struct group {
	char *name;
	const char *state; /* librdkafka's constant; NULL = not told */
	bool listed, live, described;
	int64_t members; /* FACT_UNKNOWN */
	char **topics;   /* that it has commits in, as known last */
	size_t ntopics;
	struct commit *assigned; /* of topics_generation */
	size_t nassigned;
	int64_t last_count; /* partitions in its last whole answer; -1 = none yet */
	uint32_t whole_sweep; /* when that was */
	size_t waiting;       /* requests without an answer, of any sweep */
	int64_t waiting_since_ms; /* mono */
	/* of this sweep */
	struct commit *commits;
	size_t ncommits, commits_room;
	bool asked, whole;  /* whole: asked for all partitions at once */
	bool failed;        /* a request failed or is late: what is missing is unknown */
	bool retry;         /* failed, but may do better at once */
	bool named;         /* asked by name after an empty whole answer (C5) */
};

struct request { /* an admin call's opaque; gone with its answer, or with the client */
	struct request *next, *before;
	uint32_t sweep;
	uint32_t group; /* index */
	bool whole;
};

struct sweeper {
	int fd;
	const struct clock *clock;
	struct plan plan;
	struct buf in, out;
	size_t in_used; /* bytes of in that the order under way takes */
	bool ended; /* the collector is gone or wants no more */
	/* the client */
	rd_kafka_t *client;
	rd_kafka_queue_t *answers;
	char fault[256];  /* what librdkafka complained of last; clean */
	int fault_code;   /* librdkafka's */
	bool fault_final; /* it will not get better by itself: login refused */
	struct request *requests; /* without an answer yet */
	size_t outstanding;
	/* what is known */
	struct topic *topics; /* by name */
	size_t ntopics;
	uint32_t topics_generation; /* moves when a topic comes or goes: indices are others then */
	struct group *groups;
	size_t ngroups, groups_room;
	uint32_t *group_slots; /* by name: place in groups + 1; a power of two of them, half free */
	size_t group_slots_room;
	uint32_t sweep;
	bool groups_unsupported; /* brokers that cannot list groups: describing them would hang (C3) */
	bool fetch_old, fetch_new; /* C5: whole answers are empty here; or one was not */
	size_t brokers, brokers_down;
	char silence[256]; /* why no broker answered the last sweep; "" = one did */
	int silence_code;
	int64_t configs_at_ms, described_at_ms, low_at_ms, list_failed_at_ms; /* mono; 0 = never */
	uint32_t described_generation;
	/* of this sweep */
	bool groups_complete; /* all groups there are were listed */
	int64_t unread;
	char problem[256];
	int64_t beat_at_ms;
	int64_t ends_at_ms; /* wall */
	struct sampler *sampler; /* NULL = no topic is looked into */
};

/* sweeper_io.c: the socket. */
void sweeper_send(struct sweeper *sweeper); /* all of out; sets ended when nobody listens */
void sweeper_log(struct sweeper *sweeper, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void sweeper_problem(struct sweeper *sweeper, const char *fmt, ...)
	__attribute__((format(printf, 2, 3))); /* the first of a sweep is kept */
void sweeper_beat(struct sweeper *sweeper);    /* tells that we live, when it is time to */
void sweeper_breathe(struct sweeper *sweeper); /* between calls that block: beat, sample, callbacks */
int64_t sweeper_now(const struct sweeper *sweeper); /* monotonic */
/* Waits up to ms for orders; false when there is none. */
bool sweeper_order(struct sweeper *sweeper, int64_t ms, enum wire_kind *kind_out,
	struct wire_in *body_out);

/* sweeper_client.c: making and losing clients. */
bool client_open(struct sweeper *sweeper);  /* problem says why not */
void client_close(struct sweeper *sweeper); /* safe while requests are unanswered */
/* A handle with the plan's properties and own ones; what it says goes to the sweeper. */
rd_kafka_t *client_new(struct sweeper *sweeper, const char *const *own, char *why, size_t why_size);
void client_poll(struct sweeper *sweeper, int ms);
rd_kafka_AdminOptions_t *client_options(struct sweeper *sweeper, rd_kafka_admin_op_t what,
	int timeout_ms, struct request *opaque);
/* What is to be done about an error, for people: "" = nothing special. */
const char *client_advice(rd_kafka_resp_err_t code);

/* sweeper_token.c: OAUTHBEARER. */
void token_refresh(rd_kafka_t *client, const char *config, void *sweeper);

/* sweeper_topics.c */
bool topics_load(struct sweeper *sweeper); /* metadata of all */
struct topic *topics_find(const struct sweeper *sweeper, const char *name);
void topics_configs(struct sweeper *sweeper);
void topics_free(struct topic *topics, size_t count);
void topics_send(struct sweeper *sweeper);
bool topics_wanted(const struct sweeper *sweeper, const char *name);

/* sweeper_groups.c */
bool groups_list(struct sweeper *sweeper);
void groups_describe(struct sweeper *sweeper);
void groups_take_list(struct sweeper *sweeper, rd_kafka_event_t *event);
void groups_take_descriptions(struct sweeper *sweeper, rd_kafka_event_t *event);
void groups_free(struct sweeper *sweeper);
bool groups_hidden(const struct sweeper *sweeper, const char *name);

/* sweeper_requests.c: answers come in any order, some in a later sweep. */
struct request *request_new(struct sweeper *sweeper, uint32_t group);
/* Waits until ms are over, or nothing is outstanding, or one answer of this type came (then true). */
bool requests_wait(struct sweeper *sweeper, int ms, rd_kafka_event_type_t until);
void requests_forget(struct sweeper *sweeper); /* they went with the client */

/* sweeper_commits.c */
void commits_read(struct sweeper *sweeper);
void commits_take(struct sweeper *sweeper, const struct request *request, rd_kafka_event_t *event);
void commits_send(struct sweeper *sweeper);

/* sweeper_marks.c */
void marks_read(struct sweeper *sweeper);

/* sweeper_sweep.c: one sweep; sends it. */
void sweep_run(struct sweeper *sweeper);
/*
 * sweeper_sample.c: a second client reads the topics that carry many tables and counts by table. It
 * belongs to no group in earnest: it is assigned what it reads, and commits nothing.
 */
void sampler_open(struct sweeper *sweeper, struct text places); /* where it left off */
void sampler_assign(struct sweeper *sweeper);                   /* topics as they are now */
void sampler_run(struct sweeper *sweeper, int ms);              /* reads what is there, at most ms */
void sampler_close(struct sweeper *sweeper);

/* sweeper_doctor.c */
void doctor_run(struct sweeper *sweeper);

#endif
