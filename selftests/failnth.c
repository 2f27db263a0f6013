// SPDX-License-Identifier: GPL-2.0
/*
 * failnth - for LD_PRELOAD: the kernel runs out of memory at the nth time
 *
 * Of what the kernel allocates while it serves the messages that a program
 * sends, the one with the number in FAIL_NTH fails, with the kernel's fault
 * injection. How many of that number are left at the end is in the file named by
 * FAIL_REPORT; 0 if one has failed.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int knob = -1;
static long left;

static void set_knob(long value)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%ld", value);

	if (pwrite(knob, text, len, 0) != len)
		_exit(99);
}

static __attribute__((constructor)) void begin(void)
{
	const char *nth = getenv("FAIL_NTH");

	left = nth ? atol(nth) : 0;
	if (!left)
		return;
	knob = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (knob < 0)
		_exit(99);
}

static __attribute__((destructor)) void report(void)
{
	const char *path = getenv("FAIL_REPORT");
	FILE *file;

	if (knob < 0)
		return;
	file = path ? fopen(path, "w") : NULL;
	if (!file || fprintf(file, "%ld\n", left) < 0 || fclose(file))
		_exit(99);
}

static void arm(void)
{
	if (left > 0)
		set_knob(left);
}

/* The kernel has counted down what it allocated. */
static void disarm(void)
{
	int saved = errno;
	char text[24] = "";

	if (left <= 0)
		return;
	if (pread(knob, text, sizeof(text) - 1, 0) <= 0)
		_exit(99);
	left = atol(text);
	set_knob(0);
	errno = saved;
}

ssize_t sendto(int fd, const void *data, size_t len, int flags,
	       const struct sockaddr *to, socklen_t to_len)
{
	static ssize_t (*next)(int, const void *, size_t, int,
			       const struct sockaddr *, socklen_t);
	ssize_t result;

	if (!next)
		next = dlsym(RTLD_NEXT, "sendto");
	arm();
	result = next(fd, data, len, flags, to, to_len);
	disarm();
	return result;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	static ssize_t (*next)(int, const struct msghdr *, int);
	ssize_t result;

	if (!next)
		next = dlsym(RTLD_NEXT, "sendmsg");
	arm();
	result = next(fd, msg, flags);
	disarm();
	return result;
}
