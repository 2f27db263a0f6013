// SPDX-License-Identifier: GPL-2.0
/* Devices, with what xvti and what rtnetlink know of them. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "show.h"

static int compare(const void *a, const void *b)
{
	uint32_t x = ((const struct link *)a)->ifindex;
	uint32_t y = ((const struct link *)b)->ifindex;

	return x < y ? -1 : x > y;
}

static int view_all(struct nl *nl, struct view *view)
{
	struct nl_error error;

	if (dev_dump(nl, &view->devs, &error) ||
	    link_dump(nl, &view->links, &error))
		return refused(&error, NULL, NULL, W_NONE);
	if (view->links.count)
		qsort(view->links.link, view->links.count,
		      sizeof(struct link), compare);
	return 0;
}

static int view_one(struct nl *nl, const char *name, struct view *view)
{
	struct nl_error error;

	view->devs.dev = calloc(1, sizeof(struct dev));
	view->links.link = calloc(1, sizeof(struct link));
	if (!view->devs.dev || !view->links.link) {
		usage_error("%s", strerror(ENOMEM));
		return XVTI_REFUSED;
	}
	if (dev_get(nl, name, view->devs.dev, &error))
		return refused(&error, name, NULL, W_NONE);
	view->devs.count = 1;
	if (link_get(nl, view->devs.dev->ifindex, view->links.link, &error))
		return refused(&error, name, NULL, W_NONE);
	view->links.count = 1;
	return 0;
}

/* @name may be NULL: every device of the namespace. */
int view_get(struct session *session, const char *name, struct view *view)
{
	int ret;

	memset(view, 0, sizeof(*view));
	ret = name ? view_one(&session->nl, name, view) :
		     view_all(&session->nl, view);
	if (ret)
		view_free(view);
	return ret;
}

void view_free(struct view *view)
{
	free(view->devs.dev);
	free(view->links.link);
	memset(view, 0, sizeof(*view));
}

/* NULL if the device went away between the two questions. */
const struct link *view_link(const struct view *view, uint32_t ifindex)
{
	struct link key = { .ifindex = ifindex };

	if (!view->links.count)
		return NULL;
	return bsearch(&key, view->links.link, view->links.count, sizeof(key),
		       compare);
}
