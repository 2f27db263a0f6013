// SPDX-License-Identifier: GPL-2.0
/*
 * Network namespaces by the names that ip netns gives them, by path, or by
 * the PID of a process in them; and the way back, from a namespace to a name.
 */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "netlink.h"
#include "netns.h"
#include "report.h"

#define NETNS_DIR "/var/run/netns"
#define SPEC_SIZE 512

static bool is_pid(const char *spec)
{
	return *spec && strspn(spec, "0123456789") == strlen(spec);
}

static int open_ro(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int spec_open(const char *spec)
{
	char path[SPEC_SIZE];
	int fd;

	if (strchr(spec, '/'))
		return open_ro(spec);
	if (!*spec || !strcmp(spec, ".") || !strcmp(spec, "..") ||
	    strlen(spec) > NAME_MAX) {
		errno = ENOENT;
		return -1;
	}
	snprintf(path, sizeof(path), NETNS_DIR "/%s", spec);
	fd = open_ro(path);
	if (fd >= 0 || errno != ENOENT || !is_pid(spec))
		return fd;
	snprintf(path, sizeof(path), "/proc/%s/ns/net", spec);
	return open_ro(path);
}

/* A descriptor, or -1 after an error message about @word. */
int netns_open(const char *word, const char *spec)
{
	int fd = spec_open(spec);

	if (fd < 0) {
		value_error(word, spec, "%s", errno == ENOENT ?
			    "no such network namespace" : strerror(errno));
		return -1;
	}
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET) {
		value_error(word, spec, "is not a network namespace");
		close(fd);
		return -1;
	}
	return fd;
}

/* Without a message: whether there is anything of that name. */
bool netns_there(const char *spec)
{
	int fd = spec_open(spec);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* How to run @command in the namespace @spec; NULL: in this one. */
void netns_command(const char *spec, const char *command, char *buf,
		   size_t size)
{
	char path[SPEC_SIZE] = "";

	if (spec && strlen(spec) <= NAME_MAX)
		snprintf(path, sizeof(path), NETNS_DIR "/%s", spec);
	if (!spec)
		snprintf(buf, size, "%s", command);
	else if (strchr(spec, '/'))
		snprintf(buf, size, "nsenter --net=%s %s", spec, command);
	else if (is_pid(spec) && access(path, F_OK))
		snprintf(buf, size, "nsenter -n -t %s %s", spec, command);
	else if (!strcmp(command, "ip"))
		snprintf(buf, size, "ip -n %s", spec);
	else
		snprintf(buf, size, "ip netns exec %s %s", spec, command);
}

/* Calls @match for each named namespace until it returns true. */
static bool names_search(bool (*match)(int fd, void *data), void *data,
			 char *spec, size_t size)
{
	DIR *dir = opendir(NETNS_DIR);
	struct dirent *entry;
	bool found = false;
	int fd;

	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || strlen(entry->d_name) >= size)
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		found = match(fd, data);
		close(fd);
		if (found)
			strcpy(spec, entry->d_name);
	}
	closedir(dir);
	return found;
}

struct by_id {
	struct nl *nl;
	int32_t id;
};

static bool match_id(int fd, void *data)
{
	struct by_id *want = data;
	int32_t id;

	return !netnsid_of_fd(want->nl, fd, &id) && id == want->id;
}

/* What names the namespace that @nl's own knows as @id. */
bool netns_find_id(struct nl *nl, int32_t id, char *spec, size_t size)
{
	struct by_id want = { .nl = nl, .id = id };
	int32_t init;

	if (id < 0)
		return false;
	if (names_search(match_id, &want, spec, size))
		return true;
	/* The first namespace has no name, but its first process. */
	if (netnsid_of_pid(nl, 1, &init) || init != id)
		return false;
	snprintf(spec, size, "1");
	return true;
}

static bool match_stat(int fd, void *data)
{
	const struct stat *self = data;
	struct stat st;

	return !fstat(fd, &st) && st.st_ino == self->st_ino &&
	       st.st_dev == self->st_dev;
}

/* What names the namespace of this process. */
bool netns_find_self(char *spec, size_t size)
{
	struct stat self, init;

	if (stat("/proc/self/ns/net", &self))
		return false;
	if (names_search(match_stat, &self, spec, size))
		return true;
	if (stat("/proc/1/ns/net", &init) || init.st_ino != self.st_ino ||
	    init.st_dev != self.st_dev)
		return false;
	snprintf(spec, size, "1");
	return true;
}
