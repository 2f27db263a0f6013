// SPDX-License-Identifier: GPL-2.0
/* Settings of a device under /proc/sys/net, which shows the namespace of its reader. */

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "netlink.h"
#include "sysctl.h"

#define PATH_SIZE 128

void sysctl_conf_key(int family, const char *ifname, const char *name,
		     char *buf, size_t size)
{
	snprintf(buf, size, "net/%s/conf/%s/%s",
		 family == AF_INET6 ? "ipv6" : "ipv4", ifname, name);
}

static int number_read(void *data)
{
	FILE *file = fopen(data, "re");
	int value;

	if (!file)
		return -errno;
	if (fscanf(file, "%d", &value) != 1 || value < 0)
		value = -EINVAL;
	fclose(file);
	return value;
}

int sysctl_conf(const struct nl *nl, int family, const char *ifname,
		const char *name)
{
	char key[PATH_SIZE], path[PATH_SIZE + 16];

	sysctl_conf_key(family, ifname, name, key, sizeof(key));
	snprintf(path, sizeof(path), "/proc/sys/%s", key);
	return nl_within(nl, number_read, path);
}
