/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_SPACE_H
#define XVTI_SPACE_H

#include <sys/types.h>

#include "netlink.h"

/* A network namespace, open. */
struct space {
	char *spec;		/* as -n takes it; NULL: where the command works */
	int fd;
	dev_t dev;
	ino_t ino;
	struct nl nl;
};

/* Each namespace once, by whatever names; the first is the command's own. */
struct spaces {
	struct space **space;
	size_t count;
};

int spaces_open(struct spaces *spaces, const char *self);
void spaces_close(struct spaces *spaces);
int spaces_get(struct spaces *spaces, const char *word, const char *spec,
	       struct space **space);

/* Whether @dev, which lives in @over, is routed in @under. */
bool space_routes(struct space *under, struct space *over,
		  const struct dev *dev);

#endif
