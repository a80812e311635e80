/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/small_log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD                                                                                       \
	"{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"                         \
	"{\"metaData\":{\"id\":\"i\",\"format\":{\"provider\":\"parquet\",\"options\":{}},"        \
	"\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}\","                    \
	"\"partitionColumns\":[],\"configuration\":{%s}}}\n"

char log_folder[64];

const char *log_path(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof path, "%s/%s", log_folder, name);
	return path;
}

static int make_log(const char *below)
{
	(void)snprintf(log_folder, sizeof log_folder, "%s/weir-log.XXXXXX", below);
	assert_non_null(mkdtemp(log_folder));
	return mkdir(log_path("_delta_log"), 0777);
}

int log_set_up(void **unused)
{
	(void)unused;
	return make_log("/tmp");
}

int log_set_up_in_memory(void **unused)
{
	(void)unused;
	return make_log(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
}

int log_tear_down(void **unused)
{
	char command[128];

	(void)unused;
	(void)snprintf(command, sizeof command, "rm -rf %s", log_folder);
	return system(command);
}

void log_write(const char *name, const char *text, int64_t modified_ms)
{
	struct timespec times[2] = { { .tv_sec = modified_ms / 1000 },
		{ .tv_sec = modified_ms / 1000 } };
	FILE *file = fopen(log_path(name), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(utimensat(AT_FDCWD, log_path(name), times, 0), 0);
}

void log_commit(int version, int64_t at_ms, const char *head, const char *files)
{
	char text[4096];
	char name[64];
	size_t len = 0;
	char word[64];
	int used;

	if (head)
		len = (size_t)snprintf(text, sizeof text, HEAD, head);
	for (; sscanf(files, "%63s%n", word, &used) == 1; files += used) {
		len += (size_t)snprintf(text + len, sizeof text - len, word[0] == '+'
			? "{\"add\":{\"path\":\"%s\",\"partitionValues\":{},\"size\":10,"
			  "\"modificationTime\":%lld,\"dataChange\":true,"
			  "\"stats\":\"{\\\"numRecords\\\":5}\"}}\n"
			: "{\"remove\":{\"path\":\"%s\",\"deletionTimestamp\":%lld,"
			  "\"dataChange\":true}}\n", word + 1, (long long)at_ms);
		if (word[0] == '+')
			log_write(word + 1, "x", at_ms);
	}
	(void)snprintf(name, sizeof name, "_delta_log/%020d.json", version);
	log_write(name, text, at_ms);
}

void log_checkpoint(int version, int64_t at_ms, const char *files)
{
	char from[256];
	char to[256];

	log_commit(version, at_ms, "", files);
	(void)snprintf(from, sizeof from, "%s/_delta_log/%020d.json", log_folder, version);
	(void)snprintf(to, sizeof to, "%s/_delta_log/%020d.checkpoint.a-b.json", log_folder, version);
	assert_int_equal(rename(from, to), 0);
}

struct delta_snapshot *log_open(bool lifetimes)
{
	struct delta_at at = DELTA_NEWEST;
	struct delta_snapshot *snapshot = NULL;
	struct err err = ERR_INIT;

	at.lifetimes = lifetimes;
	if (!delta_snapshot_open(log_folder, &at, &snapshot, &err))
		fail_msg("%s", err.text);
	return snapshot;
}
