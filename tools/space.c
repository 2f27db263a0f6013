// SPDX-License-Identifier: GPL-2.0
/* The network namespaces of a command that works in several. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exchange.h"
#include "netns.h"
#include "report.h"
#include "space.h"

static void space_free(struct space *space)
{
	if (space->fd >= 0)
		close(space->fd);
	free(space->spec);
	free(space);
}

static int space_fd(const char *word, const char *spec)
{
	int fd;

	if (spec)
		return netns_open(word, spec);
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		usage_error("/proc/self/ns/net: %s", strerror(errno));
	return fd;
}

static struct space *space_new(const char *word, const char *spec)
{
	struct space *space = calloc(1, sizeof(*space));
	struct stat st;

	if (!space) {
		usage_error("%s", strerror(ENOMEM));
		return NULL;
	}
	space->fd = space_fd(word, spec);
	if (space->fd < 0 || fstat(space->fd, &st)) {
		space_free(space);
		return NULL;
	}
	space->dev = st.st_dev;
	space->ino = st.st_ino;
	if (spec)
		space->spec = strdup(spec);
	return space;
}

static struct space *spaces_find(const struct spaces *spaces,
				 const struct space *space)
{
	size_t i;

	for (i = 0; i < spaces->count; i++)
		if (spaces->space[i]->ino == space->ino &&
		    spaces->space[i]->dev == space->dev)
			return spaces->space[i];
	return NULL;
}

/* The namespace of @spec, named by @word where it cannot be opened. */
int spaces_get(struct spaces *spaces, const char *word, const char *spec,
	       struct space **space)
{
	struct space *new = space_new(word, spec), **more;
	int ret;

	if (!new)
		return XVTI_USAGE;
	*space = spaces_find(spaces, new);
	if (*space) {
		space_free(new);
		return 0;
	}
	more = array_grow(spaces->space, spaces->count, sizeof(*more));
	/* To enter one's own takes privilege as well. */
	ret = more ? nl_open(&new->nl, spec ? new->fd : -1) : -ENOMEM;
	if (more)
		spaces->space = more;
	if (ret) {
		value_error(word, spec ? spec : "", "cannot be entered: %s",
			    strerror(-ret));
		space_free(new);
		return XVTI_REFUSED;
	}
	more[spaces->count++] = new;
	*space = new;
	return 0;
}

int spaces_open(struct spaces *spaces, const char *self)
{
	struct space *space;

	memset(spaces, 0, sizeof(*spaces));
	return spaces_get(spaces, "-n", self, &space);
}

void spaces_close(struct spaces *spaces)
{
	size_t i;

	for (i = 0; i < spaces->count; i++) {
		nl_close(&spaces->space[i]->nl);
		space_free(spaces->space[i]);
	}
	free(spaces->space);
	memset(spaces, 0, sizeof(*spaces));
}

bool space_routes(struct space *under, struct space *over,
		  const struct dev *dev)
{
	int32_t id;

	if (!dev_has(dev, XVTI_A_DEV_UNDERLAY_NETNSID))
		return under == over;
	return under != over && !netnsid_of_fd(&over->nl, under->fd, &id) &&
	       id == dev->underlay;
}
