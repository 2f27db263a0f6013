// SPDX-License-Identifier: GPL-2.0
/*
 * losenth - for LD_PRELOAD: the kernel had no memory for the nth answer
 *
 * Of what a program receives with recvmsg(), the message with the number in
 * LOSE_NTH is lost, as netlink tells it: ENOBUFS. How many of that number are left
 * at the end is in the file named by LOSE_REPORT; 0 if one was lost.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static long left;

static __attribute__((constructor)) void begin(void)
{
	const char *nth = getenv("LOSE_NTH");

	left = nth ? atol(nth) : 0;
}

static __attribute__((destructor)) void report(void)
{
	const char *path = getenv("LOSE_REPORT");
	FILE *file = path ? fopen(path, "w") : NULL;

	if (file && (fprintf(file, "%ld\n", left) < 0 || fclose(file)))
		_exit(99);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	static ssize_t (*next)(int fd, struct msghdr *msg, int flags);
	ssize_t len;

	if (!next)
		next = dlsym(RTLD_NEXT, "recvmsg");
	len = next(fd, msg, flags);
	if (len < 0 || left <= 0 || --left)
		return len;
	errno = ENOBUFS;
	return -1;
}
