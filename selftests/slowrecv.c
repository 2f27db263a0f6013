// SPDX-License-Identifier: GPL-2.0
/*
 * slowrecv - for LD_PRELOAD: a program that is late at each recvmsg()
 *
 * A dump is asked for part by part. Whether others come between two parts is up
 * to the scheduler, and with one processor they hardly do; behind this they
 * always can.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/socket.h>
#include <time.h>

#define LATE_NS	5000000

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	static ssize_t (*next)(int fd, struct msghdr *msg, int flags);
	const struct timespec late = { .tv_nsec = LATE_NS };

	if (!next)
		next = dlsym(RTLD_NEXT, "recvmsg");
	nanosleep(&late, NULL);
	return next(fd, msg, flags);
}
