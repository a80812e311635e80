/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a Delta log for benchmarks: gen_delta DIR COMMITS ADDS REMOVES. Each commit has a
 * commitInfo and ADDS files with statistics; REMOVES of all files, spread evenly, are removed again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static uint64_t mix(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdu;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53u;
	return h ^ (h >> 33);
}

static void put_path(FILE *file, uint64_t n)
{
	uint64_t a = mix(n + 1);
	uint64_t b = mix(n + 0x9e3779b97f4a7c15u);

	(void)fprintf(file, "date=2026-%02d-%02d/part-%05d-%08" PRIx32 "-%04x-4%03x-a%03x-%012" PRIx64
		"-c000.snappy.parquet", (int)(n % 12) + 1, (int)(n / 12 % 28) + 1, (int)(n % 200),
		(uint32_t)a, (unsigned)(a >> 32 & 0xffff), (unsigned)(a >> 48 & 0xfff),
		(unsigned)(b & 0xfff), b >> 16);
}

static void put_add(FILE *file, uint64_t n, int64_t ms)
{
	(void)fputs("{\"add\":{\"path\":\"", file);
	put_path(file, n);
	(void)fprintf(file, "\",\"partitionValues\":{\"date\":\"2026-%02d-%02d\"},\"size\":%" PRIu64
		",\"modificationTime\":%" PRId64 ",\"dataChange\":true,\"stats\":\"{\\\"numRecords\\\":%"
		PRIu64 ",\\\"minValues\\\":{\\\"id\\\":%" PRIu64 ",\\\"customer\\\":\\\"C-%08" PRIx32
		"\\\",\\\"amount\\\":%d.25,\\\"booked_at\\\":\\\"2026-01-01T00:00:00.000Z\\\",\\\"country"
		"\\\":\\\"AT\\\"},\\\"maxValues\\\":{\\\"id\\\":%" PRIu64 ",\\\"customer\\\":\\\"C-%08"
		PRIx32 "\\\",\\\"amount\\\":%d.75,\\\"booked_at\\\":\\\"2026-12-31T23:59:59.999Z\\\","
		"\\\"country\\\":\\\"US\\\"},\\\"nullCount\\\":{\\\"id\\\":0,\\\"customer\\\":0,"
		"\\\"amount\\\":3,\\\"booked_at\\\":0,\\\"country\\\":12,\\\"_rescued_data\\\":1000}}\","
		"\"tags\":{\"INSERTION_TIME\":\"%" PRId64 "\",\"OPTIMIZE_TARGET_SIZE\":\"268435456\"}}}\n",
		(int)(n % 12) + 1, (int)(n / 12 % 28) + 1, 1000000 + mix(n) % 100000000, ms,
		1000 + mix(n) % 100000, n, (uint32_t)mix(n), (int)(n % 1000), n + 1000,
		(uint32_t)mix(n + 7), (int)(n % 1000) + 1000, ms * 1000);
}

int main(int argc, char **argv)
{
	char path[4096];
	uint64_t commits = argc == 5 ? strtoull(argv[2], NULL, 10) : 0;
	uint64_t adds = argc == 5 ? strtoull(argv[3], NULL, 10) : 0;
	uint64_t removes = argc == 5 ? strtoull(argv[4], NULL, 10) : 0;
	uint64_t removed = 0;

	if (commits == 0)
		return fprintf(stderr, "usage: gen_delta DIR COMMITS ADDS REMOVES\n"), 2;
	(void)mkdir(argv[1], 0777);
	(void)snprintf(path, sizeof path, "%s/_delta_log", argv[1]);
	(void)mkdir(path, 0777);
	for (uint64_t v = 0; v < commits; v++) {
		int64_t ms = 1760000000000 + (int64_t)v * 60000;
		FILE *file;

		(void)snprintf(path, sizeof path, "%s/_delta_log/%020" PRIu64 ".json", argv[1], v);
		file = fopen(path, "w");
		if (!file)
			return perror(path), 1;
		(void)fprintf(file, "{\"commitInfo\":{\"timestamp\":%" PRId64 ",\"operation\":\"STREAMING "
			"UPDATE\",\"operationParameters\":{\"outputMode\":\"Append\",\"queryId\":\"%016" PRIx64
			"\",\"epochId\":\"%" PRIu64 "\"},\"readVersion\":%" PRId64 ",\"isolationLevel\":"
			"\"WriteSerializable\",\"isBlindAppend\":true,\"operationMetrics\":{\"numRemovedFiles\""
			":\"0\",\"numOutputRows\":\"1000\",\"numOutputBytes\":\"1000000\",\"numAddedFiles\":"
			"\"%" PRIu64 "\"},\"engineInfo\":\"Apache-Spark/3.5.0 Delta-Lake/3.2.0\",\"txnId\":"
			"\"%016" PRIx64 "\"}}\n", ms, mix(42), v, (int64_t)v - 1, adds, mix(v));
		if (v == 0)
			(void)fputs("{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
				"{\"metaData\":{\"id\":\"7a1b2c3d-0000-4000-8000-000000000001\",\"format\":"
				"{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":\"{\\\"type\\\":"
				"\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":\\\"id\\\",\\\"type\\\":\\\"long\\\","
				"\\\"nullable\\\":true,\\\"metadata\\\":{}},{\\\"name\\\":\\\"date\\\",\\\"type\\\""
				":\\\"string\\\",\\\"nullable\\\":true,\\\"metadata\\\":{}}]}\","
				"\"partitionColumns\":[\"date\"],\"configuration\":{},\"createdTime\":"
				"1760000000000}}\n", file);
		(void)fprintf(file, "{\"txn\":{\"appId\":\"%016" PRIx64 "\",\"version\":%" PRIu64
			",\"lastUpdated\":%" PRId64 "}}\n", mix(42), v, ms);
		for (uint64_t i = 0; i < adds; i++)
			put_add(file, v * adds + i, ms);
		for (; v > 0 && removed < removes * v / commits; removed++) {
			(void)fputs("{\"remove\":{\"path\":\"", file);
			put_path(file, removed * (adds * commits / (removes + 1)) / 2);
			(void)fprintf(file, "\",\"deletionTimestamp\":%" PRId64 ",\"dataChange\":true,"
				"\"extendedFileMetadata\":true,\"size\":1000000}}\n", ms);
		}
		if (fclose(file) != 0)
			return perror(path), 1;
	}
	return 0;
}
