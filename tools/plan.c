// SPDX-License-Identifier: GPL-2.0
/*
 * From what is there to what the configuration says. A device whose words have
 * changed is set, all at once, and keeps its addresses, routes and SAs; one
 * that stands as it should is not touched. What is deleted is deleted last,
 * unless another device is to have its endpoints and binding.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "config.h"
#include "load.h"
#include "netns.h"
#include "report.h"
#include "session.h"

int item_failed(const struct item *item, int ret)
{
	if (ret)
		fprintf(stderr, "Command failed %s:%u\n", item->file,
			item->line);
	return ret;
}

static bool mtu_differs(const struct conf *conf, const struct dev *dev)
{
	if (dev->mtu_source != XVTI_MTU_SOURCE_USER)
		return conf->mtu;
	return conf->mtu != dev->mtu;
}

/* Sets item->changed and returns whether there is any. */
static bool item_compare(struct item *item)
{
	const struct conf *conf = &item->conf;
	const struct dev *dev = &item->old;
	bool *changed = item->changed;
	enum word w;

	/* What a line does not say is what a new device has. */
	changed[W_LOCAL] = !addr_equal(&conf->local, &dev->local);
	changed[W_REMOTE] = !addr_equal(&conf->remote, &dev->remote);
	changed[W_REQID] = conf->reqid != dev->reqid;
	changed[W_MARK] = conf->mark != dev->mark ||
			  conf->mark_mask != dev->mark_mask;
	changed[W_IF_ID] = conf->if_id != dev->if_id;
	changed[W_DEV] = item->lower != dev->link;
	changed[W_MODE] = conf->mode != dev->mode;
	changed[W_CARRIER] = conf->carrier != dev->carrier;
	changed[W_MTU] = mtu_differs(conf, dev);
	changed[W_QUEUE] = conf->queue != dev->queue;
	for (w = 0; w < W_COUNT; w++)
		if (changed[w])
			return true;
	return false;
}

/* As the kernel judges, which allows one device only. */
bool binding_same(const struct conf *a, const struct conf *b)
{
	return addr_equal(&a->local, &b->local) &&
	       addr_equal(&a->remote, &b->remote) && a->reqid == b->reqid &&
	       a->if_id == b->if_id &&
	       (a->reqid || (a->mark == b->mark &&
			     a->mark_mask == b->mark_mask));
}

/* What two lines cannot both have. */
static int item_unique(const struct load *load, const struct item *item)
{
	const struct item *other;
	char where[512];

	for (other = load->item; other < item; other++) {
		if (other->todo == ITEM_BAD)
			continue;
		snprintf(where, sizeof(where), "%s:%u", other->file,
			 other->line);
		if (other->over == item->over &&
		    !strcmp(other->conf.name, item->conf.name))
			return value_error("name", item->conf.name,
					   "is given to another device at %s",
					   where);
		if (other->under == item->under &&
		    binding_same(&item->conf, &other->conf))
			return value_error("name", item->conf.name,
					   "has the endpoints and binding of \"%s\" at %s",
					   other->conf.name, where);
	}
	return 0;
}

static struct loaded *loaded_find(struct load *load, const struct item *item)
{
	size_t i;

	for (i = 0; i < load->loadeds; i++) {
		struct loaded *old = &load->loaded[i];

		if (old->over == item->over && old->ifindex == item->ifindex &&
		    !strcmp(old->name, item->conf.name))
			return old;
	}
	return NULL;
}

/* A device that has the name already, and whether it can be made to fit. */
static int item_meet(struct load *load, struct item *item,
		     const struct link *link)
{
	struct loaded *old;
	struct nl_error error;

	if (strcmp(link->kind, XVTI_FAMILY_NAME))
		return value_error("name", item->conf.name,
				   "is the name of a device that is not of kind xvti");
	if (dev_get(&item->over->nl, item->conf.name, &item->old, &error))
		return refused(&error, item->conf.name, NULL, W_NONE);
	item->ifindex = link->ifindex;
	item->up = link->up;
	old = loaded_find(load, item);
	if (space_routes(item->under, item->over, &item->old)) {
		item->ours = old;
		if (old)
			old->wanted = true;
		item->todo = item_compare(item) ? ITEM_SET : ITEM_KEEP;
		return 0;
	}
	/* An underlay is for life. Ours makes room for the new one. */
	if (!old)
		return value_error("name", item->conf.name,
				   "is the name of a device with another underlay, which load has not made");
	item->ifindex = 0;
	item->up = false;
	item->todo = ITEM_ADD;
	return 0;
}

static int item_look(struct load *load, struct item *item)
{
	struct nl_error error;
	struct link link;
	int ret;

	if (!item->conf.given[W_QUEUE])
		item->conf.queue = QUEUE_DEFAULT;
	ret = item_unique(load, item);
	if (!ret)
		ret = config_lower(&item->under->nl, &item->conf, &item->lower);
	if (ret)
		return ret;
	if (!link_find(&item->over->nl, item->conf.name, &link, &error))
		return item_meet(load, item, &link);
	if (error.err != ENODEV)
		return refused(&error, item->conf.name, NULL, W_NONE);
	item->todo = ITEM_ADD;
	return 0;
}

/* A namespace by what the record says of it, if it is still that one. */
static struct space *loaded_space(struct load *load, const struct loaded *old)
{
	struct spaces *spaces = &load->spaces;
	size_t i;

	for (i = 0; i < spaces->count; i++)
		if (spaces->space[i]->ino == old->ino &&
		    spaces->space[i]->dev == old->dev)
			return spaces->space[i];
	return NULL;
}

/* Whether a recorded device is still there, and where. */
static void loaded_look(struct load *load, struct loaded *old)
{
	struct nl_error error;
	struct space *space;
	struct link link;

	old->over = loaded_space(load, old);
	/* Only one that this configuration does not name. */
	if (!old->over && *old->spec && netns_there(old->spec) &&
	    !spaces_get(&load->spaces, "netns", old->spec, &space))
		old->over = loaded_space(load, old);
	old->gone = !old->over ||
		    link_get(&old->over->nl, old->ifindex, &link, &error) ||
		    strcmp(link.name, old->name) ||
		    strcmp(link.kind, XVTI_FAMILY_NAME) ||
		    dev_get(&old->over->nl, old->name, &old->old, &error);
	if (!old->gone)
		old->up = link.up;
}

/* Compares what is there with what is to be; the worst of the exit codes. */
int plan_make(struct load *load)
{
	int worst = 0, ret;
	size_t i;

	for (i = 0; i < load->loadeds; i++)
		loaded_look(load, &load->loaded[i]);
	for (i = 0; i < load->items; i++) {
		struct item *item = &load->item[i];

		if (item->todo == ITEM_BAD)
			continue;
		ret = item_failed(item, item_look(load, item));
		if (ret > worst)
			worst = ret;
		if (ret)
			item->todo = ITEM_BAD;
	}
	return worst;
}
