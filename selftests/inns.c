// SPDX-License-Identifier: GPL-2.0
/*
 * inns - what the tests do with network namespaces a thousand times
 *
 * usage: inns NETNS COMMAND [ARGUMENT...]	as ip netns exec
 *        inns -s NETNS...			no interface speaks by itself
 *
 * In an emulated guest most of what a test takes is starting programs, and most
 * of that is what ip is linked with. This is linked with nothing.
 */

#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

static void enter(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/var/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(255, "%s", path);
	if (setns(fd, CLONE_NEWNET))
		err(255, "setns %s", name);
	close(fd);
}

/* Those that ask nothing of /sys, which takes as long to mount as they do. */
static bool without_sys(const char *command)
{
	static const char * const commands[] = {
		"ethtool", "ip", "nft", "ping", "sysctl", "xvti",
	};
	unsigned int i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(command, commands[i]))
			return true;
	return false;
}

/* As ip does: what /sys says is of the namespace. */
static void mount_sys(const char *name)
{
	if (unshare(CLONE_NEWNS))
		err(255, "unshare");
	if (mount("", "/", "none", MS_SLAVE | MS_REC, NULL))
		err(255, "/");
	umount2("/sys", MNT_DETACH);
	if (mount(name, "/sys", "sysfs", 0, NULL))
		err(255, "/sys");
}

static void turn_off(const char *conf, const char *what)
{
	char path[256];
	int fd;

	/* with ipv6.disable=1 there is none */
	if (access("/proc/sys/net/ipv6", F_OK))
		return;
	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", conf, what);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1)
		err(255, "%s", path);
	close(fd);
}

/*
 * Addresses are there at once, and no router is looked for. The loopback device
 * is up.
 */
static void silence(void)
{
	static const char * const confs[] = { "all", "default" };
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	unsigned int i;
	int fd;

	for (i = 0; i < 2; i++) {
		turn_off(confs[i], "accept_dad");
		turn_off(confs[i], "accept_ra");
		turn_off(confs[i], "router_solicitations");
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr))
		err(255, "lo");
	close(fd);
}

/* As cat, without another program. */
static void print(char **paths)
{
	char buf[4096];
	ssize_t size;
	int fd;

	for (; *paths; paths++) {
		fd = open(*paths, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			err(1, "%s", *paths);
		while ((size = read(fd, buf, sizeof(buf))) > 0)
			if (write(STDOUT_FILENO, buf, size) != size)
				err(1, "write");
		if (size < 0)
			err(1, "%s", *paths);
		close(fd);
	}
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 3)
		errx(255, "usage: inns NETNS COMMAND [ARGUMENT...] | -s NETNS...");
	if (!strcmp(argv[1], "-s")) {
		for (i = 2; i < argc; i++) {
			enter(argv[i]);
			silence();
		}
		return 0;
	}
	enter(argv[1]);
	if (!without_sys(argv[2]))
		mount_sys(argv[1]);
	if (!strcmp(argv[2], "cat") && argc > 3) {
		print(argv + 3);
		return 0;
	}
	execvp(argv[2], argv + 2);
	err(errno == ENOENT ? 127 : 126, "%s", argv[2]);
}
