// SPDX-License-Identifier: GPL-2.0
/*
 * xvti monitor: devices as they come, change and go. rtnetlink repeats a link
 * for many reasons, most of which our own family tells better; so the names
 * are kept, and what they say of a link is told when it is news.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "commands.h"
#include "exchange.h"
#include "output.h"
#include "show.h"

struct monitor {
	struct session session;		/* for questions */
	const struct options *opt;
	struct links known;
	int failed;			/* exit code, or 0 */
};

static struct link *known_find(struct monitor *monitor, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < monitor->known.count; i++)
		if (monitor->known.link[i].ifindex == ifindex)
			return &monitor->known.link[i];
	return NULL;
}

static struct link *known_add(struct monitor *monitor, const struct link *link)
{
	struct links *known = &monitor->known;
	struct link *more = array_grow(known->link, known->count, sizeof(*more));

	if (!more)
		return NULL;
	known->link = more;
	more[known->count] = *link;
	return &more[known->count++];
}

static void known_remove(struct monitor *monitor, struct link *link)
{
	*link = monitor->known.link[--monitor->known.count];
}

/* A link as it is now, or was when it went. */
static void show_link(struct monitor *monitor, const struct link *link)
{
	struct nl_error error;
	struct dev dev;

	if (!dev_get(&monitor->session.nl, link->name, &dev, &error) &&
	    dev.ifindex == link->ifindex) {
		show_dev(&monitor->session, &dev, link, NULL, monitor->opt);
		return;
	}
	out_str("ifname", "", link->name);
	out_uint("ifindex", NULL, link->ifindex);
}

static void link_event(struct monitor *monitor, const struct link *link)
{
	struct link *known = known_find(monitor, link->ifindex);

	if (known && known->up == link->up && !strcmp(known->name, link->name))
		return;
	out_object_open(NULL);
	if (!known) {
		out_bool("created", true);
		out_text("Created ");
		known_add(monitor, link);
	} else if (strcmp(known->name, link->name)) {
		out_str("renamed_from", "Renamed ", known->name);
		out_text(" ");
	}
	if (known)
		*known = *link;
	show_link(monitor, link);
	out_object_close();
	out_text("\n");
}

static void gone_event(struct monitor *monitor, const struct link *link)
{
	struct link *known = known_find(monitor, link->ifindex);

	if (known)
		known_remove(monitor, known);
	out_object_open(NULL);
	out_bool("deleted", true);
	out_str("ifname", "Deleted ", link->name);
	out_uint("ifindex", NULL, link->ifindex);
	out_object_close();
	out_text("\n");
}

/* What is told of a device that has gone since is not news any more. */
static void dev_event(struct monitor *monitor, const struct dev *dev)
{
	struct nl_error error;
	struct link link;

	if (!known_find(monitor, dev->ifindex))
		return;
	out_object_open(NULL);
	if (link_get(&monitor->session.nl, dev->ifindex, &link, &error))
		show_dev(&monitor->session, dev, NULL, NULL, monitor->opt);
	else
		show_dev(&monitor->session, dev, &link, NULL, monitor->opt);
	out_object_close();
	out_text("\n");
}

static bool known_fill(struct monitor *monitor, struct nl_error *error)
{
	free(monitor->known.link);
	return !link_dump(&monitor->session.nl, &monitor->known, error);
}

/* What went by unseen may have been the end of a device, or a new one. */
static bool lost_event(struct monitor *monitor)
{
	struct nl_error error;

	fputs("Warning: events were lost, more than could be read in time.\n",
	      stderr);
	out_object_open(NULL);
	out_bool("lost", true);
	out_object_close();
	if (known_fill(monitor, &error))
		return true;
	monitor->failed = refused(&error, NULL, NULL, W_NONE);
	return false;
}

static bool monitor_event(const struct event *event, void *data)
{
	struct monitor *monitor = data;
	bool more = true;

	/* One object a line: pretty would spread it. */
	out_start(monitor->opt->json, false);
	switch (event->type) {
	case EVENT_DEV:
		dev_event(monitor, event->dev);
		break;
	case EVENT_LINK:
		link_event(monitor, event->link);
		break;
	case EVENT_LINK_GONE:
		gone_event(monitor, event->link);
		break;
	case EVENT_LOST:
		more = lost_event(monitor);
		break;
	}
	session_forget(&monitor->session);
	return !fflush(stdout) && more;
}

/* Answers to questions would mix with events on one socket. */
static int monitor_run(struct monitor *monitor)
{
	struct session events;
	struct nl_error error;
	int ret;

	ret = session_open(&events, monitor->opt);
	if (ret)
		return ret;
	if (events_join(&events.nl, &error) || !known_fill(monitor, &error) ||
	    events_run(&events.nl, monitor_event, monitor, &error))
		ret = refused(&error, NULL, NULL, W_NONE);
	session_close(&events);
	return ret ? ret : monitor->failed;
}

int cmd_monitor(struct args *args)
{
	struct monitor monitor = { .opt = args->opt };
	int ret;

	ret = args_end(args);
	if (!ret)
		ret = session_open(&monitor.session, args->opt);
	if (ret)
		return ret;
	ret = monitor_run(&monitor);
	free(monitor.known.link);
	session_close(&monitor.session);
	return ret;
}
