// SPDX-License-Identifier: GPL-2.0
/*
 * pmtu - one UDP datagram that may not be fragmented
 *
 * usage: pmtu ADDRESS SIZE [DEVICE]
 *
 * Sends a packet of SIZE octets, headers included, by DEVICE if it is given, and
 * prints "sent", or "refused" and the path MTU that the sender is told.
 */

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* of Linux, where the C library's headers do not have them */
#ifndef IPV6_DONTFRAG
#define IPV6_DONTFRAG	62
#endif

static union {
	struct sockaddr sa;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
} to;
static socklen_t to_len;

static void parse(const char *address)
{
	if (inet_pton(AF_INET, address, &to.in4.sin_addr) == 1) {
		to.sa.sa_family = AF_INET;
		to.in4.sin_port = htons(9);
		to_len = sizeof(to.in4);
	} else if (inet_pton(AF_INET6, address, &to.in6.sin6_addr) == 1) {
		to.sa.sa_family = AF_INET6;
		to.in6.sin6_port = htons(9);
		to_len = sizeof(to.in6);
	} else {
		errx(2, "not an address: %s", address);
	}
}

static void set(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		err(1, "option %d of %d", option, level);
}

/* The error of sending. It may be an ICMP error, which comes a little later. */
static int send_one(int fd, size_t len)
{
	static char data[65536];
	int code = 0, tries;
	socklen_t size = sizeof(code);

	if (send(fd, data, len, 0) < 0)
		return errno;
	for (tries = 0; !code && tries < 20; tries++) {
		if (tries)
			usleep(50000);
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size))
			err(1, "SO_ERROR");
	}
	return code;
}

static int open_socket(const char *device)
{
	int fd = socket(to.sa.sa_family, SOCK_DGRAM, 0);

	if (fd < 0)
		err(1, "socket");
	if (device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
				 strlen(device) + 1))
		err(1, "%s", device);
	if (to.sa.sa_family == AF_INET6) {
		set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO);
		set(fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
	} else {
		set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
	}
	return fd;
}

/* Older kernels tell by the route that the socket had before. */
static int path_mtu(int fd)
{
	int v6 = to.sa.sa_family == AF_INET6, told;
	socklen_t len = sizeof(told);

	if (connect(fd, &to.sa, to_len) ||
	    getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		       v6 ? IPV6_MTU : IP_MTU, &told, &len))
		err(1, "path MTU");
	return told;
}

int main(int argc, char **argv)
{
	int fd, size, headers, code;

	if (argc < 3 || argc > 4)
		errx(2, "usage: pmtu ADDRESS SIZE [DEVICE]");
	parse(argv[1]);
	headers = to.sa.sa_family == AF_INET6 ? 48 : 28;
	size = atoi(argv[2]);
	if (size < headers || size > 65535)
		errx(2, "not a size: %s", argv[2]);

	fd = open_socket(argv[3]);
	if (connect(fd, &to.sa, to_len))
		err(1, "%s", argv[1]);
	code = send_one(fd, size - headers);
	if (code && code != EMSGSIZE)
		errx(1, "%s", strerror(code));
	if (code)
		printf("refused %d\n", path_mtu(fd));
	else
		puts("sent");
	return 0;
}
