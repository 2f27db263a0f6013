/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_SHOW_H
#define XVTI_SHOW_H

#include "session.h"

struct options;
struct xfrm_view;

/* What a command is about: all devices, or one. */
struct view {
	struct devs devs;
	struct links links;	/* sorted by ifindex */
};

int view_get(struct session *session, const char *name, struct view *view);
void view_free(struct view *view);
const struct link *view_link(const struct view *view, uint32_t ifindex);

void show_dev(struct session *session, const struct dev *dev,
	      const struct link *link, struct xfrm_view *xfrm,
	      const struct options *opt);

#endif
