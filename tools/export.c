// SPDX-License-Identifier: GPL-2.0
/*
 * xvti export: the commands that rebuild the devices of a namespace, as
 * "xvti -b" reads them, and a shell after "xvti " too.
 */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "commands.h"
#include "netns.h"
#include "report.h"
#include "show.h"

/* A line has no way to write one, and a terminal may obey it. */
static bool has_control(const char *s)
{
	while (*s && !is_control(*s))
		s++;
	return *s;
}

/* Quoted if it holds anything that splits a line or starts a comment. */
static void print_quoted(const char *s)
{
	if (*s && !strpbrk(s, " #'\"\\$`*?[](){}<>|&;~!")) {
		fputs(s, stdout);
		return;
	}
	putchar('\'');
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\"'\"'", stdout);
		else
			putchar(*s);
	}
	putchar('\'');
}

static void print_endpoints(const struct dev *dev)
{
	char buf[INET6_ADDRSTRLEN];

	printf(" local %s", addr_format(&dev->local, buf, sizeof(buf)));
	printf(" remote %s", addr_is_any(&dev->remote) ? "any" :
	       addr_format(&dev->remote, buf, sizeof(buf)));
}

static void print_binding(const struct dev *dev)
{
	if (dev->reqid)
		printf(" reqid %u", dev->reqid);
	if (dev->mark_mask)
		printf(" mark 0x%x/0x%x", dev->mark, dev->mark_mask);
	if (dev->if_id)
		printf(" if_id 0x%x", dev->if_id);
}

/* Where a device is routed and where it lives, by names that can be opened. */
struct whereabouts {
	const char *underlay;	/* NULL: where the command runs */
	const char *overlay;	/* NULL: same as underlay */
	char dev[IFNAMSIZ];	/* empty: none */
};

static void print_dev(const struct dev *dev, const struct link *link,
		      const struct whereabouts *where)
{
	if (where->underlay) {
		fputs("-n ", stdout);
		print_quoted(where->underlay);
		putchar(' ');
	}
	fputs("add ", stdout);
	print_quoted(dev->name);
	print_endpoints(dev);
	print_binding(dev);
	if (where->dev[0]) {
		fputs(" dev ", stdout);
		print_quoted(where->dev);
	}
	if (dev_has(dev, XVTI_A_DEV_MODE))
		printf(" mode %s", mode_name(dev->mode));
	printf(" carrier %s", carrier_name(dev->carrier));
	if (dev->mtu_source == XVTI_MTU_SOURCE_USER)
		printf(" mtu %u", dev->mtu);
	else
		fputs(" mtu auto", stdout);
	if (dev_has(dev, XVTI_A_DEV_QUEUE))
		printf(" queue %u", dev->queue);
	if (where->overlay) {
		fputs(" netns ", stdout);
		print_quoted(where->overlay);
	}
	puts(link && link->up ? " up" : "");
}

static int not_exported(const struct dev *dev, const char *why)
{
	usage_error("%s: not exported: %s", dev->name, why);
	fputs("# ", stdout);
	print_plain(stdout, dev->name);
	printf(": not exported: %s\n", why);
	return XVTI_REFUSED;
}

/* What can be written down of a device that others have named. */
static int check_names(const struct dev *dev, const struct whereabouts *where)
{
	if (has_control(dev->name) || has_control(where->dev))
		return not_exported(dev, "its name, or its lower device's, has control characters");
	if (dev->name[0] == '-')
		return not_exported(dev, "its name would be read as an option");
	if ((where->underlay && has_control(where->underlay)) ||
	    (where->overlay && has_control(where->overlay)))
		return not_exported(dev, "its namespace's name has control characters");
	return 0;
}

static int find_lower(struct session *session, const struct dev *dev,
		      struct whereabouts *where)
{
	struct nl *under = session_underlay_of(session, dev);
	struct nl_error error;
	struct link link;

	if (!dev->link)
		return 0;
	if (!under || link_get(under, dev->link, &link, &error))
		return not_exported(dev, "its lower device cannot be seen");
	strcpy(where->dev, link.name);
	return 0;
}

/*
 * A line runs in the namespace that export ran in (-n then being given
 * again), except that a device is created in its own underlay.
 */
static int find_namespaces(struct session *session, const struct dev *dev,
			   const char *self, struct whereabouts *where)
{
	struct underlay *under;

	if (!dev_has(dev, XVTI_A_DEV_UNDERLAY_NETNSID))
		return 0;
	under = session_underlay(session, dev->underlay);
	if (!under || !under->named)
		return not_exported(dev, "its underlay namespace has no name");
	if (!self)
		return not_exported(dev, "the namespace it is in has no name");
	where->underlay = under->spec;
	where->overlay = self;
	return 0;
}

static int export_dev(struct session *session, const struct dev *dev,
		      const struct link *link, const char *self)
{
	struct whereabouts where = { 0 };
	int ret;

	if (!dev->local.family) {
		fputs("# ", stdout);
		print_plain(stdout, dev->name);
		fputs(": not configured: ip link add ", stdout);
		print_plain(stdout, dev->name);
		puts(" type xvti");
		return 0;
	}
	ret = find_namespaces(session, dev, self, &where);
	if (!ret)
		ret = find_lower(session, dev, &where);
	if (!ret)
		ret = check_names(dev, &where);
	if (!ret)
		print_dev(dev, link, &where);
	return ret;
}

static int export_view(struct session *session, const char *name,
		       const struct options *opt)
{
	int worst = 0, ret;
	struct view view;
	const char *self = opt->netns;
	char spec[256];
	size_t i;

	ret = view_get(session, name, &view);
	if (ret)
		return ret;
	if (!self && netns_find_self(spec, sizeof(spec)))
		self = spec;
	for (i = 0; i < view.devs.count; i++) {
		const struct dev *dev = &view.devs.dev[i];

		ret = export_dev(session, dev, view_link(&view, dev->ifindex),
				 self);
		if (ret)
			worst = ret;
	}
	view_free(&view);
	return worst;
}

int cmd_export(struct args *args)
{
	struct session session;
	char *name;
	int ret;

	ret = name_only(args, &name);
	if (ret)
		return ret;
	if (args->opt->json)
		return usage_error("export prints commands, for JSON use show");
	ret = session_open(&session, args->opt);
	if (ret)
		return ret;
	ret = export_view(&session, name, args->opt);
	session_close(&session);
	return ret;
}
