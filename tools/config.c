// SPDX-License-Identifier: GPL-2.0
/* xvti add, set and del */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "commands.h"
#include "config.h"
#include "netns.h"
#include "report.h"
#include "session.h"

static int target_open(struct target *target, const struct conf *conf)
{
	const char *spec = conf->given[W_NETNS];
	int ret;

	memset(target, 0, sizeof(*target));
	target->fd = -1;
	if (!spec)
		return 0;
	target->fd = netns_open("netns", spec);
	if (target->fd < 0)
		return XVTI_USAGE;
	/* To move a device there takes less privilege than to enter. */
	if (!conf->given[W_UP])
		return 0;
	ret = nl_open(&target->own, target->fd);
	if (ret) {
		value_error("netns", spec, "cannot be entered for up: %s",
			    strerror(-ret));
		close(target->fd);
		return XVTI_REFUSED;
	}
	target->nl = &target->own;
	return 0;
}

static void target_close(struct target *target)
{
	if (target->nl)
		nl_close(target->nl);
	if (target->fd >= 0)
		close(target->fd);
}

/* dev IFNAME, in the namespace @under that the device is routed in. */
int config_lower(struct nl *under, const struct conf *conf, uint32_t *ifindex)
{
	struct nl_error error;
	struct link link;

	*ifindex = 0;
	if (!conf->dev[0])
		return 0;
	if (!link_find(under, conf->dev, &link, &error)) {
		*ifindex = link.ifindex;
		return 0;
	}
	if (error.err == ENODEV)
		return value_error("dev", conf->dev,
				   "no such device in the underlay namespace");
	return refused(&error, conf->name, conf, W_DEV);
}

static int place_up(struct place *place, const struct conf *conf)
{
	struct nl_error error;

	if (conf->given[W_UP] && link_up(place->nl, place->ifindex, &error))
		return refused(&error, conf->name, conf, W_UP);
	return 0;
}

static int place_move(struct place *place, const struct conf *conf,
		      struct target *target)
{
	struct nl_error error;
	struct link link;

	if (target->fd < 0)
		return 0;
	if (link_move(place->nl, place->ifindex, target->fd, &error))
		return refused(&error, conf->name, conf, W_NETNS);
	if (!target->nl)
		return 0;
	/* The index may be another one there. */
	place->nl = target->nl;
	if (link_find(place->nl, conf->name, &link, &error)) {
		place->ifindex = 0;
		return refused(&error, conf->name, conf, W_NETNS);
	}
	place->ifindex = link.ifindex;
	return 0;
}

/* By its name where its index could not be found out. */
static void place_undo(struct place *place, const struct conf *conf)
{
	struct nl_error error;

	if (!(place->ifindex ?
	      link_delete(place->nl, place->ifindex, &error) :
	      link_delete_name(place->nl, conf->name, &error)))
		return;
	fprintf(stderr, "Warning: %s could not be deleted again.\n",
		conf->name);
}

static int place_create(struct place *place, const struct conf *conf)
{
	struct nl_error error;
	struct link link;
	int ret;

	if (link_create(place->nl, conf->name, &error))
		return refused(&error, conf->name, NULL, W_NONE);
	if (!link_find(place->nl, conf->name, &link, &error)) {
		place->ifindex = link.ifindex;
		return 0;
	}
	ret = refused(&error, conf->name, NULL, W_NONE);
	place_undo(place, conf);
	return ret;
}

static int place_configure(struct place *place, const struct conf *conf,
			   uint32_t dev_ifindex)
{
	struct nl_error error;

	if (dev_set(place->nl, place->ifindex, conf, dev_ifindex, &error))
		return refused(&error, conf->name, conf, W_NONE);
	return 0;
}

/*
 * Creates a device and deletes it again if a step fails. @place is then where
 * it can be reached.
 */
int config_create(struct place *place, const struct conf *conf,
		  uint32_t dev_ifindex, struct target *target)
{
	int ret = place_create(place, conf);

	if (ret)
		return ret;
	ret = place_configure(place, conf, dev_ifindex);
	if (!ret)
		ret = place_move(place, conf, target);
	if (!ret)
		ret = place_up(place, conf);
	if (ret)
		place_undo(place, conf);
	return ret;
}

static int add_device(struct nl *nl, const struct conf *conf,
		      struct target *target)
{
	struct place place = { .nl = nl };
	uint32_t dev_ifindex;
	int ret = config_lower(nl, conf, &dev_ifindex);

	return ret ? ret : config_create(&place, conf, dev_ifindex, target);
}

typedef int (*config_fn)(struct session *session, struct conf *conf,
			 struct target *target);

static int config_run(struct args *args, struct conf *conf, config_fn run)
{
	struct session session;
	struct target target;
	int ret;

	ret = target_open(&target, conf);
	if (ret)
		return ret;
	ret = session_open(&session, args->opt);
	if (!ret) {
		ret = run(&session, conf, &target);
		session_close(&session);
	}
	target_close(&target);
	return ret;
}

static int add_run(struct session *session, struct conf *conf,
		   struct target *target)
{
	return add_device(&session->nl, conf, target);
}

int cmd_add(struct args *args)
{
	struct conf conf;
	int ret = conf_parse_add(args, &conf);

	return ret ? ret : config_run(args, &conf, add_run);
}

/* An xvti device by name; rtnetlink would delete or move any other as well. */
static int find_xvti(struct nl *nl, const char *name, struct link *link)
{
	struct nl_error error;

	if (link_find(nl, name, link, &error))
		return refused(&error, name, NULL, W_NONE);
	if (!strcmp(link->kind, XVTI_FAMILY_NAME))
		return 0;
	usage_error("%s: is not an xvti device", name);
	return XVTI_REFUSED;
}

/* "remote any" alone takes the family of the local address in place. */
static int set_remote_any(struct conf *conf, const struct dev *dev)
{
	if (!conf->remote_any || conf->remote.family)
		return 0;
	if (!dev->local.family)
		return value_error("remote", "any",
				   "needs a local address, %s has none",
				   conf->name);
	conf->remote.family = dev->local.family;
	return 0;
}

static int set_dev(struct session *session, struct conf *conf,
		   const struct dev *dev, uint32_t *dev_ifindex)
{
	struct nl *under = &session->nl;

	if (conf->dev[0])
		under = session_underlay_of(session, dev);
	if (!under)
		return value_error("dev", conf->dev,
				   "cannot be looked up: the underlay namespace of %s has no name here (netnsid %d)",
				   conf->name, dev->underlay);
	return config_lower(under, conf, dev_ifindex);
}

static bool conf_has_attrs(const struct conf *conf)
{
	enum word w;

	for (w = 0; w < W_COUNT; w++)
		if (conf->given[w] && w != W_NETNS && w != W_UP)
			return true;
	return false;
}

static int set_attrs(struct session *session, struct conf *conf,
		     struct place *place)
{
	struct nl_error error;
	uint32_t dev_ifindex;
	struct dev dev;
	int ret;

	if (!conf_has_attrs(conf))
		return 0;
	if (dev_get(place->nl, conf->name, &dev, &error))
		return refused(&error, conf->name, NULL, W_NONE);
	ret = set_remote_any(conf, &dev);
	if (!ret)
		ret = set_dev(session, conf, &dev, &dev_ifindex);
	return ret ? ret : place_configure(place, conf, dev_ifindex);
}

static int set_run(struct session *session, struct conf *conf,
		   struct target *target)
{
	struct place place = { .nl = &session->nl };
	struct link link;
	int ret;

	ret = find_xvti(place.nl, conf->name, &link);
	if (ret)
		return ret;
	place.ifindex = link.ifindex;
	ret = set_attrs(session, conf, &place);
	if (!ret)
		ret = place_move(&place, conf, target);
	return ret ? ret : place_up(&place, conf);
}

int cmd_set(struct args *args)
{
	struct conf conf;
	int ret = conf_parse_set(args, &conf);

	return ret ? ret : config_run(args, &conf, set_run);
}

static int delete_one(struct nl *nl, const char *name)
{
	struct nl_error error;
	struct link link;
	int ret;

	ret = find_xvti(nl, name, &link);
	if (ret)
		return ret;
	if (link_delete(nl, link.ifindex, &error))
		return refused(&error, name, NULL, W_NONE);
	return 0;
}

/* Options may follow the names, and -n among them says where to look. What is no
 * name is wrong before anything is deleted.
 */
static int read_ahead(const struct args *args)
{
	struct args ahead = *args;
	char *word;
	int ret;

	do {
		ret = args_word(&ahead, &word);
		if (!ret && word)
			ret = name_check("name", word);
	} while (!ret && word);
	return ret;
}

/* Tries every name; the exit code is that of the worst failure. */
int cmd_delete(struct args *args)
{
	struct session session;
	int worst = 0, ret;
	char *name;

	ret = read_ahead(args);
	if (!ret)
		ret = args_word(args, &name);
	if (ret)
		return ret;
	if (!name)
		return usage_error("del: missing device name");
	ret = session_open(&session, args->opt);
	if (ret)
		return ret;
	do {
		ret = delete_one(&session.nl, name);
		if (ret > worst)
			worst = ret;
		args_word(args, &name);
	} while (name);
	session_close(&session);
	return worst;
}
