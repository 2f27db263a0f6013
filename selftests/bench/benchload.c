// SPDX-License-Identifier: GPL-2.0
/*
 * benchload - send a counted load and say what it cost
 *
 *   benchload pktgen NETNS DEV MAC SRC DST SIZE SINK-NETNS SINK-DEV COUNT...
 *   benchload udp NETNS DST SIZE SINK-NETNS SINK-DEV COUNT...
 *   benchload tcp NETNS DST SERVER-NETNS KIB...
 *   benchload time COMMAND...
 *
 * The last runs a command and prints the milliseconds that the processor was
 * busy with it, and how long it took; it ends as the command does.
 *
 * For each COUNT a line is printed: the count, how many packets left by the
 * sink (for tcp: how many KiB the server has read), the time in nanoseconds
 * that the processor was busy, and the time that the sender itself reports.
 * pktgen's DST may be a range, FIRST-LAST, which the packets go through in turn.
 * Its COUNT may be COUNTxBURSTS, with a pause after each burst.
 * SIZE is that of the frame, with its Ethernet header of 14 octets, as in
 * pktgen. Where the guest's clock counts instructions, so does this program.
 *
 * With BENCHLOAD_PROFILE=TTY the last run of all is announced there, and an
 * answer awaited, so that the machine's instructions can be traced from
 * outside.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT		9
#define KIB		1024
#define CHUNK		(64 * KIB)

/* What is still on its way when the sender ends gets a moment; what new devices
 * have to tell their neighbours gets longer, before anything is counted. On an
 * idle processor both pass at once.
 */
#define SETTLE_MS	100
#define SILENCE_MS	20000

struct sink {
	const char	*netns;
	const char	*dev;
};

static void enter(const char *netns)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(2, "%s", path);
	close(fd);
}

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* How long the processors have slept by the count of ticks, which is all that
 * kernels of 7.x have, and those that tick while idle: it takes many packets to
 * see a difference in it.
 */
static uint64_t idle_ticks(void)
{
	FILE *f = fopen("/proc/stat", "re");
	uint64_t idle, iowait;

	if (!f || fscanf(f, "cpu %*u %*u %*u %" SCNu64 " %" SCNu64, &idle,
			 &iowait) != 2)
		err(2, "/proc/stat");
	fclose(f);
	return (idle + iowait) * (1000000000 / sysconf(_SC_CLK_TCK));
}

/* How long the processors have slept. */
static uint64_t idle_ns(void)
{
	FILE *f = fopen("/proc/timer_list", "re");
	uint64_t one, sum = 0;
	char line[256];

	if (!f)
		err(2, "/proc/timer_list");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " .idle_sleeptime : %" SCNu64, &one) == 1)
			sum += one;
	fclose(f);
	return sum ? sum : idle_ticks();
}

static uint64_t busy_ns(void)
{
	uint64_t idle = idle_ns();

	return clock_ns() - idle;
}

static void pass(unsigned int ms)
{
	struct timespec ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000,
	};

	nanosleep(&ts, NULL);
}

/* Tell whoever traces the machine from outside, and wait until it is ready. */
static void announce(const char *what)
{
	const char *path = getenv("BENCHLOAD_PROFILE");
	char answer;
	int fd;

	if (!path)
		return;
	fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || dprintf(fd, "%s\n", what) < 0 ||
	    read(fd, &answer, 1) != 1)
		err(2, "%s", path);
	close(fd);
}

/* When a run starts and ends; the last one of all is followed by no other. */
static uint64_t run_begin(bool last)
{
	uint64_t begin;

	pass(SETTLE_MS);
	begin = busy_ns();
	if (last)
		announce("start");
	return begin;
}

static uint64_t run_end(uint64_t begin, bool last)
{
	pass(SETTLE_MS);
	if (last)
		announce("stop");
	return busy_ns() - begin;
}

/* Packets that a device has sent. */
static uint64_t sent_by(const struct sink *sink)
{
	FILE *f;
	uint64_t value[10];
	char line[512], *name, *rest;

	enter(sink->netns);
	f = fopen("/proc/net/dev", "re");
	if (!f)
		err(2, "/proc/net/dev");
	while (fgets(line, sizeof(line), f)) {
		unsigned int i;

		rest = strchr(line, ':');
		if (!rest)
			continue;
		*rest++ = '\0';
		name = line + strspn(line, " ");
		if (strcmp(name, sink->dev))
			continue;
		for (i = 0; i < 10; i++)
			value[i] = strtoull(rest, &rest, 10);
		fclose(f);
		return value[9];
	}
	errx(2, "no device %s in %s", sink->dev, sink->netns);
}

static void put(const char *path, const char *format, ...)
{
	char text[256];
	va_list args;
	int fd, len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, len) != len)
		err(2, "%s: %s", path, text);
	close(fd);
}

/* pktgen's own report, in nanoseconds. */
static uint64_t pktgen_result(const char *path)
{
	FILE *f = fopen(path, "re");
	uint64_t usec = 0;
	char line[256];

	if (!f)
		err(2, "%s", path);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Result: OK: %" SCNu64, &usec) == 1)
			break;
	fclose(f);
	if (!usec)
		errx(2, "%s has no result", path);
	return usec * 1000;
}

/* Addresses: one, or the first and last of a range. */
static void pktgen_dst(const char *path, char *dst)
{
	char *last = strchr(dst, '-');

	if (strchr(dst, ':')) {
		put(path, "dst6 %s\n", dst);
		return;
	}
	if (last)
		*last++ = '\0';
	put(path, "dst_min %s\n", dst);
	put(path, "dst_max %s\n", last ? last : dst);
}

static int run_pktgen(char **argv)
{
	const char *netns = argv[0], *dev = argv[1];
	struct sink sink = { argv[6], argv[7] };
	char path[128];

	enter(netns);
	put("/proc/net/pktgen/kpktgend_0", "rem_device_all\n");
	put("/proc/net/pktgen/kpktgend_0", "add_device %s\n", dev);
	snprintf(path, sizeof(path), "/proc/net/pktgen/%s", dev);
	put(path, "dst_mac %s\n", argv[2]);
	put(path, strchr(argv[3], ':') ? "src6 %s\n" : "src_min %s\n",
	    argv[3]);
	pktgen_dst(path, argv[4]);
	put(path, "pkt_size %s\n", argv[5]);
	put(path, "udp_dst_min %d\n", PORT);
	put(path, "udp_dst_max %d\n", PORT);

	for (argv += 8; *argv; argv++) {
		uint64_t before = sent_by(&sink), busy;
		unsigned int count, bursts = 1, i;

		if (sscanf(*argv, "%ux%u", &count, &bursts) < 1)
			errx(2, "no count: %s", *argv);
		enter(netns);
		put(path, "count %u\n", count);
		busy = run_begin(!argv[1]);
		for (i = 0; i < bursts; i++) {
			put("/proc/net/pktgen/pgctrl", "start\n");
			if (i + 1 < bursts)
				pass(SETTLE_MS);
		}
		busy = run_end(busy, !argv[1]);
		printf("%u", count * bursts);
		printf(" %" PRIu64, sent_by(&sink) - before);
		enter(netns);
		printf(" %" PRIu64 " %" PRIu64 "\n", busy, pktgen_result(path));
	}
	return 0;
}

static int connected(int type, const char *address, uint16_t port)
{
	struct sockaddr_in6 a6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
	};
	struct sockaddr_in a4 = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};
	struct sockaddr *sa;
	socklen_t len;
	int fd;

	if (inet_pton(AF_INET6, address, &a6.sin6_addr) == 1) {
		sa = (struct sockaddr *)&a6;
		len = sizeof(a6);
	} else if (inet_pton(AF_INET, address, &a4.sin_addr) == 1) {
		sa = (struct sockaddr *)&a4;
		len = sizeof(a4);
	} else {
		errx(2, "no address: %s", address);
	}
	fd = socket(sa->sa_family, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, sa, len))
		err(2, "connection to %s", address);
	return fd;
}

static int run_udp(char **argv)
{
	struct sink sink = { argv[3], argv[4] };
	const char *netns = argv[0], *dst = argv[1];
	int overhead = 14 + (strchr(dst, ':') ? 40 : 20) + 8;
	int size = atoi(argv[2]) - overhead, fd;
	static char payload[65536];

	if (size < 0 || size > (int)sizeof(payload))
		errx(2, "cannot send %s octets", argv[2]);
	enter(netns);
	fd = connected(SOCK_DGRAM, dst, PORT);
	for (argv += 5; *argv; argv++) {
		uint64_t before = sent_by(&sink), busy, own;
		long i, count = atol(*argv);

		enter(netns);
		busy = run_begin(!argv[1]);
		own = clock_ns();
		for (i = 0; i < count; i++)
			if (send(fd, payload, size, 0) != size)
				err(2, "send to %s", dst);
		own = clock_ns() - own;
		busy = run_end(busy, !argv[1]);
		printf("%ld %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", count,
		       sent_by(&sink) - before, busy, own);
	}
	return 0;
}

/* Reads all that comes, without looking at it, and says so after each KiB
 * count that it is told of.
 */
static void serve(int listener, char **counts)
{
	static char buffer[CHUNK];
	int fd = accept(listener, NULL, NULL);
	ssize_t n;

	if (fd < 0)
		err(2, "accept");
	for (; *counts; counts++) {
		uint64_t left = strtoull(*counts, NULL, 10) * KIB;

		while (left) {
			size_t want = left < CHUNK ? left : CHUNK;

			n = recv(fd, buffer, want, MSG_TRUNC);
			if (n <= 0)
				err(2, "recv");
			left -= n;
		}
		if (write(fd, "", 1) != 1)
			err(2, "write");
	}
	_exit(0);
}

static int run_tcp(char **argv)
{
	const char *netns = argv[0], *dst = argv[1], *server = argv[2];
	struct sockaddr_in6 any = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(PORT),
	};
	static char payload[CHUNK];
	int listener, fd, status;
	pid_t child;

	argv += 3;
	enter(server);
	listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 ||
	    bind(listener, (struct sockaddr *)&any, sizeof(any)) ||
	    listen(listener, 1))
		err(2, "listener");
	child = fork();
	if (child < 0)
		err(2, "fork");
	if (!child)
		serve(listener, argv);
	close(listener);

	enter(netns);
	fd = connected(SOCK_STREAM, dst, PORT);
	for (; *argv; argv++) {
		uint64_t left = strtoull(*argv, NULL, 10) * KIB;
		uint64_t busy, own;
		char byte;

		busy = run_begin(!argv[1]);
		own = clock_ns();
		while (left) {
			size_t want = left < CHUNK ? left : CHUNK;
			ssize_t n = write(fd, payload, want);

			if (n <= 0)
				err(2, "write");
			left -= n;
		}
		if (read(fd, &byte, 1) != 1)
			err(2, "read");
		own = clock_ns() - own;
		busy = run_end(busy, !argv[1]);
		printf("%s %s %" PRIu64 " %" PRIu64 "\n", *argv, *argv, busy,
		       own);
	}
	if (waitpid(child, &status, 0) != child || status)
		errx(2, "the server failed");
	return 0;
}

/* Where a guest's idle time passes at once, waiting for its host's disk takes
 * until the next timer, whenever that is: let there be one soon.
 */
static pid_t start_ticking(void)
{
	pid_t child = fork();

	if (child < 0)
		err(2, "fork");
	while (!child)
		pass(1);
	return child;
}

static int run_time(char **argv)
{
	pid_t ticker = start_ticking(), child;
	uint64_t busy, taken;
	int status;

	busy = busy_ns();
	taken = clock_ns();
	child = fork();
	if (child < 0)
		err(2, "fork");
	if (!child) {
		/* standard output is for the result */
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(argv[0], argv);
		err(2, "%s", argv[0]);
	}
	if (waitpid(child, &status, 0) != child)
		err(2, "waitpid");
	taken = clock_ns() - taken;
	busy = busy_ns() - busy;
	kill(ticker, SIGKILL);
	waitpid(ticker, NULL, 0);
	printf("%" PRIu64 " %" PRIu64 "\n", busy / 1000000, taken / 1000000);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

int main(int argc, char **argv)
{
	static const struct {
		const char	*name;
		int		(*run)(char **argv);
		int		args;
	} loads[] = {
		{ "pktgen", run_pktgen, 9 },
		{ "udp", run_udp, 6 },
		{ "tcp", run_tcp, 4 },
		{ "time", run_time, 1 },
	};
	unsigned int i;

	for (i = 0; argc > 2 && i < sizeof(loads) / sizeof(loads[0]); i++)
		if (!strcmp(argv[1], loads[i].name) &&
		    argc - 2 >= loads[i].args) {
			if (loads[i].run != run_time)
				pass(SILENCE_MS);
			return loads[i].run(argv + 2);
		}
	fprintf(stderr, "usage: benchload pktgen|udp|tcp|time ...\n");
	return 2;
}
