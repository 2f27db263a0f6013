// SPDX-License-Identifier: GPL-2.0
/*
 * The rest of the world as a fuzzer plays it: namespaces, settings, the record
 * of load, files and output. Nothing is read but what the fuzzer gives, and
 * nothing is written but to memory.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../load.h"
#include "../netns.h"
#include "../report.h"
#include "../sysctl.h"
#include "fuzz.h"

#define SAID_SIZE (1u << 20)
#define ARGS_MAX 8

/* Namespaces */

int netns_open(const char *word, const char *spec)
{
	if (netns_there(spec))
		return open(*spec == 'o' ? "/proc/self" : "/proc/self/ns/net",
			    O_RDONLY | O_CLOEXEC);
	value_error(word, spec, "no such network namespace");
	return -1;
}

bool netns_there(const char *spec)
{
	return *spec && *spec != 'x';
}

/* Names that a file may have, and that a line has to quote. */
bool netns_find_id(struct nl *nl, int32_t id, char *spec, size_t size)
{
	static const char *const names[] = {
		NULL, "blue", "a b", "o'n\"e#\\", "-n", "*", "two\nlines", "\\"
	};
	const char *name = names[(uint32_t)id % 8];

	if (name)
		snprintf(spec, size, "%s", name);
	return name;
}

bool netns_find_self(char *spec, size_t size)
{
	return netns_find_id(NULL, 3, spec, size);
}

void netns_command(const char *spec, const char *command, char *buf,
		   size_t size)
{
	snprintf(buf, size, "in %s %s", spec ? spec : "this", command);
}

int fuzz_setns(int fd, int type)
{
	must_be(fd >= 0);
	return 0;
}

/* Settings and files */

int sysctl_conf(const struct nl *nl, int family, const char *ifname,
		const char *name)
{
	return (int)(strlen(ifname) + strlen(name)) % 4 - 1;
}

void sysctl_conf_key(int family, const char *ifname, const char *name,
		     char *buf, size_t size)
{
	snprintf(buf, size, "%d.%s.%s", family, ifname, name);
}

int record_open(struct load *load, int *lock)
{
	*lock = -1;
	return 0;
}

int record_write(struct load *load)
{
	return 0;
}

int fuzz_stat(const char *path, struct stat *st)
{
	errno = ENOENT;
	return -1;
}

int fuzz_access(const char *path, int mode)
{
	errno = ENOENT;
	return -1;
}

/* Output */

static char said[SAID_SIZE];
static size_t said_len;
static FILE *kept, *dropped, *real_stdin, *real_stdout, *real_stderr;
static const char *to_read;
static size_t to_read_len;
unsigned int usage_errors;

int __wrap_usage_error(const char *fmt, ...)
{
	va_list ap;

	usage_errors++;
	fputs("Error: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	return XVTI_USAGE;
}

static ssize_t keep(void *cookie, const char *buf, size_t size)
{
	size_t room = SAID_SIZE - said_len;

	memcpy(said + said_len, buf, size < room ? size : room);
	said_len += size < room ? size : room;
	return (ssize_t)size;
}

static ssize_t drop(void *cookie, const char *buf, size_t size)
{
	return (ssize_t)size;
}

static ssize_t feed(void *cookie, char *buf, size_t size)
{
	if (size > to_read_len)
		size = to_read_len;
	memcpy(buf, to_read, size);
	to_read += size;
	to_read_len -= size;
	return (ssize_t)size;
}

static void world_make(void)
{
	kept = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = keep });
	dropped = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = drop });
	real_stdin = stdin;
	real_stdout = stdout;
	real_stderr = stderr;
	must_be(kept && dropped);
}

/* @input is what is read from standard input. */
void world_start(const void *input, size_t size)
{
	if (!kept)
		world_make();
	said_len = 0;
	usage_errors = 0;
	to_read = size ? input : "";
	to_read_len = size;
	/* fmemopen() of older C libraries takes nothing for a mistake */
	stdin = fopencookie(NULL, "r", (cookie_io_functions_t){ .read = feed });
	must_be(stdin);
	stdout = kept;
	stderr = dropped;
}

/* Nothing may be left open. */
void world_end(void)
{
	fflush(kept);
	fclose(stdin);
	stdin = real_stdin;
	stdout = real_stdout;
	stderr = real_stderr;
	must_be(!kernel_sockets());
}

const char *world_said(size_t *len)
{
	*len = said_len;
	/* What did not fit cannot be judged. */
	return said_len < SAID_SIZE ? said : NULL;
}

/* xvti with these words; those that are NULL are left out. */
int run_tool(int argc, ...)
{
	char *argv[ARGS_MAX + 2] = { (char *)"xvti" };
	int i, count = 1;
	va_list ap;

	must_be(argc <= ARGS_MAX);
	va_start(ap, argc);
	for (i = 0; i < argc; i++) {
		argv[count] = va_arg(ap, char *);
		if (argv[count])
			count++;
	}
	va_end(ap);
	argv[count] = NULL;
	return xvti_main(count, argv);
}

void must_fail(const char *what, const char *file, int line)
{
	if (real_stderr)
		stderr = real_stderr;
	fprintf(stderr, "%s:%d: %s is not so\n", file, line, what);
	if (said_len)
		fprintf(stderr, "%.*s\n", (int)said_len, said);
	abort();
}
