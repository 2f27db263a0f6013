// SPDX-License-Identifier: GPL-2.0
/*
 * What is done to a device, one step after the other, with what it takes to
 * undo them in reverse order.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "config.h"
#include "exchange.h"
#include "load.h"
#include "report.h"
#include "session.h"
#include "steps.h"

static const char as_it_was[] = "as it was";

/* What a line means that does not say otherwise. */
static const char *const defaults[W_COUNT] = {
	[W_REQID] = "none",
	[W_MARK] = "none",
	[W_IF_ID] = "none",
	[W_DEV] = "none",
	[W_MODE] = "direct",
	[W_CARRIER] = "always",
	[W_MTU] = "auto",
	[W_QUEUE] = "16",
};

/* Without the memory to undo a step it is not taken. */
static struct step *step_new(struct steps *steps)
{
	struct step *more = array_grow(steps->step, steps->count, sizeof(*more));

	if (!more) {
		usage_error("%s", strerror(ENOMEM));
		return NULL;
	}
	steps->step = more;
	memset(&more[steps->count], 0, sizeof(*more));
	return &more[steps->count];
}

static void report(const struct load *load, const char *name,
		   const struct space *over, const char *what)
{
	if (over != load->spaces.space[0] && over->spec)
		printf("%s (netns %s): %s", name, over->spec, what);
	else
		printf("%s: %s", name, what);
}

static void report_changes(const struct load *load, const struct item *item)
{
	const char *lead = " ";
	enum word w;

	report(load, item->conf.name, item->over, "changed");
	for (w = 0; w < W_COUNT; w++) {
		if (!item->changed[w])
			continue;
		printf("%s%s", lead, word_name(w));
		lead = ", ";
	}
	putchar('\n');
}

/* The words of a device that was there; @only, or all. */
void conf_of_dev(struct conf *conf, const struct dev *dev, const bool *only)
{
	enum word w;

	memset(conf, 0, sizeof(*conf));
	strcpy(conf->name, dev->name);
	for (w = 0; w < W_NETNS; w++)
		if (!only || only[w])
			conf->given[w] = as_it_was;
	conf->local = dev->local;
	conf->remote = dev->remote;
	conf->reqid = dev->reqid;
	conf->mark = dev->mark;
	conf->mark_mask = dev->mark_mask;
	conf->if_id = dev->if_id;
	conf->mode = dev->mode;
	conf->carrier = dev->carrier;
	conf->mtu = dev->mtu_source == XVTI_MTU_SOURCE_USER ? dev->mtu : 0;
	conf->queue = dev->queue;
}

/* All that has changed goes in one message: together or not at all. */
int step_set(struct load *load, struct item *item, struct steps *steps)
{
	struct step *step = step_new(steps);
	struct conf conf = item->conf;
	struct nl_error error;
	enum word w;

	if (!step)
		return XVTI_REFUSED;
	for (w = 0; w < W_COUNT; w++) {
		if (!item->changed[w])
			conf.given[w] = NULL;
		else if (!conf.given[w])
			conf.given[w] = defaults[w];
	}
	if (dev_set(&item->over->nl, item->ifindex, &conf, item->lower, &error))
		return refused(&error, conf.name, &conf, W_NONE);
	step->what = STEP_SET;
	step->item = item;
	steps->count++;
	report_changes(load, item);
	return 0;
}

static int create(struct space *under, struct space *over,
		  const struct conf *conf, uint32_t lower, uint32_t *ifindex)
{
	struct target target = { .fd = -1 };
	struct place place = { .nl = &under->nl };
	int ret;

	if (over != under) {
		target.fd = over->fd;
		target.nl = &over->nl;
	}
	ret = config_create(&place, conf, lower, &target);
	if (!ret)
		*ifindex = place.ifindex;
	return ret;
}

int step_add(struct load *load, struct item *item, struct steps *steps)
{
	struct step *step = step_new(steps);
	struct conf conf = item->conf;
	int ret;

	if (!step)
		return XVTI_REFUSED;
	/* Nothing is to flow before all is in place. */
	conf.given[W_UP] = NULL;
	ret = create(item->under, item->over, &conf, item->lower,
		     &item->ifindex);
	if (ret)
		return ret;
	step->what = STEP_ADD;
	step->item = item;
	steps->count++;
	report(load, conf.name, item->over, "added\n");
	return 0;
}

int step_delete(struct load *load, const struct former *former,
		struct steps *steps)
{
	struct step *step = step_new(steps);
	struct nl_error error;

	if (!step)
		return XVTI_REFUSED;
	if (link_delete(&former->over->nl, *former->ifindex, &error))
		return refused(&error, former->dev->name, NULL, W_NONE);
	*former->ifindex = 0;
	step->what = STEP_DELETE;
	step->former = *former;
	steps->count++;
	report(load, former->dev->name, former->over, "deleted\n");
	return 0;
}

/* Undoing */

static int undo_set(const struct item *item)
{
	struct nl_error error;
	struct conf conf;

	conf_of_dev(&conf, &item->old, item->changed);
	if (dev_set(&item->over->nl, item->ifindex, &conf, item->old.link,
		    &error))
		return refused(&error, conf.name, &conf, W_NONE);
	return 0;
}

static int undo_add(struct item *item)
{
	struct nl_error error;

	if (link_delete(&item->over->nl, item->ifindex, &error))
		return refused(&error, item->conf.name, NULL, W_NONE);
	item->ifindex = 0;
	return 0;
}

/* What was on the device, addresses and routes, does not come back. */
static int undo_delete(struct load *load, const struct former *former)
{
	struct conf conf;
	size_t i;

	conf_of_dev(&conf, former->dev, NULL);
	if (former->up)
		conf.given[W_UP] = as_it_was;
	for (i = 0; i < load->spaces.count; i++) {
		struct space *under = load->spaces.space[i];

		if (space_routes(under, former->over, former->dev))
			return create(under, former->over, &conf,
				      former->dev->link, former->ifindex);
	}
	usage_error("%s: cannot be made again, its underlay is not known",
		    conf.name);
	return XVTI_REFUSED;
}

void steps_undo(struct load *load, struct steps *steps)
{
	int worst = 0, ret = 0;

	while (steps->count) {
		const struct step *step = &steps->step[--steps->count];

		switch (step->what) {
		case STEP_SET:
			ret = undo_set(step->item);
			break;
		case STEP_ADD:
			ret = undo_add(step->item);
			break;
		case STEP_DELETE:
			ret = undo_delete(load, &step->former);
			break;
		}
		if (ret)
			worst = ret;
	}
	fflush(stdout);
	fputs(worst ? "Not all that had been changed could be changed back.\n" :
		      "What had been changed was changed back.\n", stderr);
}
