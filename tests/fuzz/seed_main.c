/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over files: every file given, and every file below a folder given. So seeds
 * are a test under any compiler. A name that is not there is said and counts for nothing.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_MAX_BYTES = 4 << 20, DEPTH_MAX = 8 };

static int run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	size_t size;

	if (!file)
		return 0;
	data = mem_alloc(FILE_MAX_BYTES);
	size = fread(data, 1, FILE_MAX_BYTES, file);
	(void)fclose(file);
	/* An allocation of exactly the size, so that a sanitizer sees a read past the end. */
	data = mem_resize(data, size ? size : 1, 1);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 1;
}

static int run_path(const char *path, int depth)
{
	struct stat status;
	struct dirent *entry;
	DIR *dir;
	int count = 0;

	if (stat(path, &status) != 0) {
		(void)printf("not there: %s\n", path);
		return 0;
	}
	if (!S_ISDIR(status.st_mode))
		return S_ISREG(status.st_mode) ? run_file(path) : 0;
	dir = depth < DEPTH_MAX ? opendir(path) : NULL;
	if (!dir)
		return 0;
	while ((entry = readdir(dir)) != NULL) {
		char inner[4096];
		int n = snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (n > 0 && (size_t)n < sizeof inner)
			count += run_path(inner, depth + 1);
	}
	(void)closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	int count = 0;

	(void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		count += run_path(argv[i], 0);
	(void)printf("%d seeds\n", count);
	return 0;
}
