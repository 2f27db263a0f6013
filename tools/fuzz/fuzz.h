/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_FUZZ_H
#define XVTI_FUZZ_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* The one function of a target, for libFuzzer or for driver.c. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* main() of xvti.c. */
int xvti_main(int argc, char **argv);

/* kernel.c: what the tool is answered; without records, as few as it takes. */
void kernel_start(const uint8_t *records, size_t size);
unsigned int kernel_sockets(void);

/* world.c: everything else that the tool would see or touch. */
extern unsigned int usage_errors;

void world_start(const void *input, size_t size);
void world_end(void);
const char *world_said(size_t *len);
int run_tool(int argc, ...);

/* What the objects of the tool call instead of these, see the Makefile. */
int fuzz_access(const char *path, int mode);
int fuzz_poll(struct pollfd *fds, nfds_t count, int timeout);
ssize_t fuzz_recvmsg(int fd, struct msghdr *msg, int flags);
int fuzz_setns(int fd, int type);
int fuzz_stat(const char *path, struct stat *st);
int __wrap_usage_error(const char *fmt, ...);

/* json.c */
bool json_valid(const char *s, size_t len, bool lines);

/* What must not be ends the run, as a memory error does. */
#define must_be(what) \
	do { \
		if (!(what)) \
			must_fail(#what, __FILE__, __LINE__); \
	} while (0)

void must_fail(const char *what, const char *file, int line)
	__attribute__((noreturn));

#endif
