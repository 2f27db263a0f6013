// SPDX-License-Identifier: GPL-2.0
/*
 * In the place of libFuzzer, for compilers that have none: gives a target all
 * files of some directories, as they are and then changed at random, the same
 * at each run.
 *
 * usage: TARGET [-runs=N] [-seed=N] DIRECTORY...
 */

#include <dirent.h>
#include <sanitizer/common_interface_defs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#define INPUT_MAX 4096
#define INPUTS_MAX 1024
#define CHANGES_MAX 6

struct input {
	size_t len;
	uint8_t data[INPUT_MAX];
};

static struct input *inputs[INPUTS_MAX];
static size_t input_count;
static struct input now;
static uint64_t state;

const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "handle_abort=1";
}

/* splitmix64 */
static uint32_t any(uint32_t below)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (uint32_t)((z ^ (z >> 31)) >> 32) % below;
}

/* For one who looks into it. */
static void save(void)
{
	FILE *file = fopen("crash-driver", "we");

	if (!file)
		return;
	fwrite(now.data, 1, now.len, file);
	fclose(file);
}

static void input_read(const char *dir, const char *name)
{
	struct input *input = calloc(1, sizeof(*input));
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "re");
	if (!input || !file) {
		perror(path);
		exit(1);
	}
	input->len = fread(input->data, 1, INPUT_MAX, file);
	fclose(file);
	inputs[input_count++] = input;
}

static void inputs_read(const char *dir)
{
	struct dirent **entry;
	int i, n = scandir(dir, &entry, NULL, alphasort);

	if (n < 0) {
		perror(dir);
		exit(1);
	}
	for (i = 0; i < n; i++) {
		if (entry[i]->d_name[0] != '.' && input_count < INPUTS_MAX)
			input_read(dir, entry[i]->d_name);
		free(entry[i]);
	}
	free(entry);
}

static void insert(size_t at, const uint8_t *data, size_t len)
{
	if (now.len + len > INPUT_MAX)
		return;
	memmove(now.data + at + len, now.data + at, now.len - at);
	memcpy(now.data + at, data, len);
	now.len += len;
}

static void change(void)
{
	static const uint8_t odd[] = {
		0, 1, 4, 0x7f, 0x80, 0xff, '\n', '\\', '\'', '"', '#', ' ',
		'-', '/', ':', '0'
	};
	size_t at = any((uint32_t)now.len + 1), len = 1 + any(8);
	const struct input *other = inputs[any((uint32_t)input_count)];
	uint8_t copy[64];

	if (len > now.len - at)
		len = now.len - at;
	switch (any(6)) {
	case 0:
		if (len)
			now.data[at] ^= (uint8_t)(1 << any(8));
		break;
	case 1:
		if (len)
			now.data[at] = odd[any(sizeof(odd))];
		break;
	case 2:
		insert(at, &odd[any(sizeof(odd))], 1);
		break;
	case 3:
		memmove(now.data + at, now.data + at + len,
			now.len - at - len);
		now.len -= len;
		break;
	case 4:
		memcpy(copy, now.data + at, len);
		insert(any((uint32_t)now.len + 1), copy, len);
		break;
	case 5:
		at = any((uint32_t)other->len + 1);
		len = any(sizeof(copy));
		insert(any((uint32_t)now.len + 1), other->data + at,
		       len < other->len - at ? len : other->len - at);
		break;
	}
}

/* In memory of its own size, so that what is read beyond it is seen. */
static void run(void)
{
	uint8_t *exact = malloc(now.len ? now.len : 1);

	if (!exact)
		abort();
	memcpy(exact, now.data, now.len);
	LLVMFuzzerTestOneInput(exact, now.len);
	free(exact);
}

static void run_all(unsigned long runs)
{
	unsigned long i;
	uint32_t n;

	for (i = 0; i < input_count; i++) {
		now = *inputs[i];
		run();
	}
	for (i = 0; i < runs; i++) {
		now = *inputs[any((uint32_t)input_count)];
		for (n = 1 + any(CHANGES_MAX); n; n--)
			change();
		run();
	}
}

int main(int argc, char **argv)
{
	unsigned long runs = 0;
	int i;

	for (i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "-runs=", 6))
			runs = strtoul(argv[i] + 6, NULL, 10);
		else if (!strncmp(argv[i], "-seed=", 6))
			state = strtoul(argv[i] + 6, NULL, 10);
		else
			inputs_read(argv[i]);
	}
	if (!input_count) {
		fputs("no inputs\n", stderr);
		return 1;
	}
	__sanitizer_set_death_callback(save);
	run_all(runs);
	printf("%zu inputs, %lu changed\n", input_count, runs);
	return 0;
}
