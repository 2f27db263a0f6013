// SPDX-License-Identifier: GPL-2.0
/* Devices, with what xvti and what rtnetlink know of them. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "report.h"
#include "show.h"

static int compare(uint32_t x, uint32_t y)
{
	return x < y ? -1 : x > y;
}

static int compare_devs(const void *a, const void *b)
{
	return compare(((const struct dev *)a)->ifindex,
		       ((const struct dev *)b)->ifindex);
}

static int compare_links(const void *a, const void *b)
{
	return compare(((const struct link *)a)->ifindex,
		       ((const struct link *)b)->ifindex);
}

/* Among the first @count, which are sorted. */
static const struct link *links_find(const struct links *links, size_t count,
				     uint32_t ifindex)
{
	struct link key = { .ifindex = ifindex };

	return count ? bsearch(&key, links->link, count, sizeof(key),
			       compare_links) : NULL;
}

static void links_sort(struct links *links)
{
	if (links->count)
		qsort(links->link, links->count, sizeof(struct link),
		      compare_links);
}

/*
 * rtnetlink goes by the places of devices in a list, and while others come
 * and go it may leave one out: that one is asked for.
 */
static void links_complete(struct nl *nl, struct view *view)
{
	struct links *links = &view->links;
	size_t i, told = links->count;
	struct nl_error error;
	struct link link, *room;

	for (i = 0; i < view->devs.count; i++) {
		uint32_t ifindex = view->devs.dev[i].ifindex;

		if (links_find(links, told, ifindex) ||
		    link_get(nl, ifindex, &link, &error))
			continue;
		room = array_grow(links->link, links->count, sizeof(*room));
		if (!room)
			break;
		links->link = room;
		room[links->count++] = link;
	}
	links_sort(links);
}

/* In the order of their creation, whatever order the kernel tells them in. */
static int view_all(struct nl *nl, struct view *view)
{
	struct nl_error error;

	if (dev_dump(nl, &view->devs, &error) ||
	    link_dump(nl, &view->links, &error))
		return refused(&error, NULL, NULL, W_NONE);
	if (view->devs.count)
		qsort(view->devs.dev, view->devs.count, sizeof(struct dev),
		      compare_devs);
	links_sort(&view->links);
	links_complete(nl, view);
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
	return links_find(&view->links, view->links.count, ifindex);
}
