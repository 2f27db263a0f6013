// SPDX-License-Identifier: GPL-2.0
/*
 * Does what a plan says, in an order in which each step can be taken, and
 * where the kernel refuses one undoes the others.
 */

#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "load.h"
#include "session.h"
#include "steps.h"

static struct former former_of_item(struct item *item)
{
	return (struct former) {
		.dev = &item->old,
		.over = item->over,
		.up = item->up,
		.ifindex = &item->ifindex
	};
}

static struct former former_of_loaded(struct loaded *old)
{
	return (struct former) {
		.dev = &old->old,
		.over = old->over,
		.up = old->up,
		.ifindex = &old->ifindex
	};
}

static bool former_in_the_way(const struct former *former,
			      const struct item *item)
{
	struct conf conf;

	conf_of_dev(&conf, former->dev, NULL);
	if (former->over == item->over && !strcmp(conf.name, item->conf.name) &&
	    item->todo == ITEM_ADD)
		return true;
	return binding_same(&conf, &item->conf) &&
	       space_routes(item->under, former->over, former->dev);
}

static int loaded_delete(struct load *load, struct loaded *old,
			 struct steps *steps)
{
	const struct former former = former_of_loaded(old);

	return step_delete(load, &former, steps);
}

/* A device that is to live elsewhere is made in its underlay, by its name. */
static bool loaded_in_the_way(struct loaded *old, const struct item *item)
{
	const struct former former = former_of_loaded(old);

	return former_in_the_way(&former, item) ||
	       (item->todo == ITEM_ADD && old->over == item->under &&
		!strcmp(old->name, item->conf.name));
}

/* Deletes what is not wanted any more, if it has what @item is to have. */
static int make_room(struct load *load, const struct item *item,
		     struct steps *steps)
{
	int ret = 0;
	size_t i;

	for (i = 0; !ret && i < load->loadeds; i++) {
		struct loaded *old = &load->loaded[i];

		if (loaded_is_left(old) && loaded_in_the_way(old, item))
			ret = loaded_delete(load, old, steps);
	}
	return ret;
}

/* A device of another line that has not made room yet. */
static struct item *item_in_the_way(struct load *load, const struct item *item)
{
	size_t i;

	for (i = 0; i < load->items; i++) {
		struct item *other = &load->item[i];
		const struct former former = former_of_item(other);

		if (other != item && other->todo == ITEM_SET && !other->done &&
		    former_in_the_way(&former, item))
			return other;
	}
	return NULL;
}

static int item_apply(struct load *load, struct item *item,
		      struct steps *steps)
{
	int ret = make_room(load, item, steps);

	if (!ret)
		ret = item->todo == ITEM_SET ? step_set(load, item, steps) :
					       step_add(load, item, steps);
	item->done = true;
	if (ret) {
		item_failed(item, ret);
		item->todo = ITEM_BAD;
	}
	return ret;
}

static bool item_waits(const struct item *item)
{
	return !item->done &&
	       (item->todo == ITEM_SET || item->todo == ITEM_ADD);
}

/* Two that are to change places cannot: one is made anew. */
static int break_circle(struct load *load, struct item *item,
			struct steps *steps)
{
	struct item *other = item_in_the_way(load, item);
	const struct former former = former_of_item(other);

	other->todo = ITEM_ADD;
	return step_delete(load, &former, steps);
}

/* The worst exit code; without -force the first failure ends it. */
static int items_apply(struct load *load, struct steps *steps)
{
	struct item *waits;
	int worst = 0, ret;
	bool moved;
	size_t i;

	do {
		waits = NULL;
		moved = false;
		for (i = 0; i < load->items; i++) {
			struct item *item = &load->item[i];

			if (!item_waits(item))
				continue;
			if (item_in_the_way(load, item)) {
				waits = item;
				continue;
			}
			ret = item_apply(load, item, steps);
			if (ret > worst)
				worst = ret;
			if (ret && !load->opt->force)
				return ret;
			moved = true;
		}
		if (waits && !moved) {
			ret = break_circle(load, waits, steps);
			if (ret)
				return ret;
		}
	} while (waits);
	return worst;
}

static int rest_delete(struct load *load, struct steps *steps)
{
	int ret = 0;
	size_t i;

	for (i = 0; !ret && i < load->loadeds; i++)
		if (loaded_is_left(&load->loaded[i]))
			ret = loaded_delete(load, &load->loaded[i], steps);
	return ret;
}

/* What cannot be set up stays: it is what the configuration says, but down. */
static int items_up(struct load *load)
{
	int worst = 0, ret;
	size_t i;

	for (i = 0; i < load->items; i++) {
		struct item *item = &load->item[i];
		struct nl_error error;

		if (item->todo == ITEM_BAD)
			continue;
		item->ours = true;
		if (!item->conf.given[W_UP] ||
		    (item->up && item->todo != ITEM_ADD) ||
		    !link_up(&item->over->nl, item->ifindex, &error))
			continue;
		ret = item_failed(item, refused(&error, item->conf.name,
						&item->conf, W_UP));
		if (ret > worst)
			worst = ret;
	}
	return worst;
}

int plan_apply(struct load *load)
{
	struct steps steps = { 0 };
	int ret = items_apply(load, &steps), up;

	/* What a bad line was about is not known, it may be one of these. */
	if (!ret && !load->bad)
		ret = rest_delete(load, &steps);
	if (ret && !load->opt->force) {
		steps_undo(load, &steps);
	} else {
		up = items_up(load);
		if (up > ret)
			ret = up;
	}
	free(steps.step);
	return ret;
}
