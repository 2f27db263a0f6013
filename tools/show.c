// SPDX-License-Identifier: GPL-2.0
/* xvti show and monitor */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "commands.h"
#include "output.h"
#include "report.h"
#include "show.h"

static void show_addr(const char *key, const char *lead,
		      const struct addr *addr)
{
	char buf[INET6_ADDRSTRLEN];

	out_str(key, lead, addr_format(addr, buf, sizeof(buf)));
}

static void show_endpoints(const struct dev *dev)
{
	if (!dev->local.family) {
		out_text(", not configured");
		return;
	}
	show_addr("local", ", local ", &dev->local);
	if (addr_is_any(&dev->remote))
		out_str("remote", " remote ", "any");
	else
		show_addr("remote", " remote ", &dev->remote);
}

static void show_binding(const struct dev *dev)
{
	if (dev->reqid)
		out_uint("reqid", " reqid ", dev->reqid);
	if (dev->mark_mask) {
		out_hex("mark", " mark ", dev->mark);
		/* A full mask is what "mark V" means. */
		out_hex("mark_mask", dev->mark_mask == UINT32_MAX ? NULL : "/",
			dev->mark_mask);
	}
	if (dev->if_id)
		out_hex("if_id", " if_id ", dev->if_id);
}

/* The lower device by name, or as ip does for one out of sight, by number. */
static void show_lower(struct session *session, const struct dev *dev)
{
	struct nl *under = session_underlay_of(session, dev);
	struct nl_error error;
	struct link link;

	if (!dev->link)
		return;
	if (!under || link_get(under, dev->link, &link, &error))
		snprintf(link.name, sizeof(link.name), "if%u", dev->link);
	out_str("dev", " dev ", link.name);
	out_uint("dev_ifindex", NULL, dev->link);
}

static void show_underlay(struct session *session, const struct dev *dev,
			  const struct options *opt)
{
	struct underlay *under;

	if (!dev_has(dev, XVTI_A_DEV_UNDERLAY_NETNSID))
		return;
	out_int("underlay_netnsid", " underlay netnsid ", dev->underlay);
	if (!opt->details)
		return;
	under = session_underlay(session, dev->underlay);
	if (under && under->named) {
		out_str("underlay_netns", " (", under->spec);
		out_text(")");
	}
}

static void show_state(const struct dev *dev, const struct link *link)
{
	out_str("ifname", "", dev->name);
	out_uint("ifindex", NULL, dev->ifindex);
	if (!link)
		return;
	out_bool("up", link->up);
	out_text(!link->up ? ": down" :
		 dev->running ? ": up, running" : ": up, no carrier");
}

/* The peer and reqid in use, where the configuration does not say them. */
static void show_peer(const struct dev *dev, const struct options *opt)
{
	bool learned = !addr_equal(&dev->peer, &dev->remote);

	if (dev->peer.family)
		show_addr("peer", opt->details || learned ? ", peer " : NULL,
			  &dev->peer);
	learned = dev->peer_reqid != dev->reqid;
	if (dev->peer_reqid)
		out_uint("peer_reqid",
			 opt->details || learned ? ", peer reqid " : NULL,
			 dev->peer_reqid);
}

static void show_use(const struct dev *dev, const struct options *opt)
{
	out_uint("sa_out", "\n    sa ", dev->sa_out);
	out_text(" out");
	out_uint("sa_in", " ", dev->sa_in);
	out_text(" in");
	show_peer(dev, opt);
	out_uint("mtu", ", mtu ", dev->mtu);
	out_str("mtu_source", NULL, mtu_source_name(dev->mtu_source));
	out_text(" (");
	out_text(mtu_source_text(dev->mtu_source));
	out_text(")");
	out_str("carrier", ", carrier ", carrier_name(dev->carrier));
	out_bool("running", dev->running);
	if (opt->details)
		out_uint(NULL, ", ifindex ", dev->ifindex);
}

static void show_traffic(const struct link *link)
{
	const struct rtnl_link_stats64 *s = &link->stats;

	out_uint("rx_bytes", "\n    rx ", s->rx_bytes);
	out_uint("rx_packets", " bytes ", s->rx_packets);
	out_uint("rx_errors", " packets ", s->rx_errors);
	out_uint("rx_dropped", " errors ", s->rx_dropped);
	out_uint("tx_bytes", " dropped\n    tx ", s->tx_bytes);
	out_uint("tx_packets", " bytes ", s->tx_packets);
	out_uint("tx_errors", " packets ", s->tx_errors);
	out_uint("tx_dropped", " errors ", s->tx_dropped);
	out_text(" dropped");
}

/* "tx-no-sa" is tx_no_sa in JSON, where every key has underscores. */
static void show_counter(unsigned int stat, uint64_t value, bool text)
{
	const char *name = stat_name(stat);
	char key[32], lead[40];
	char *p;

	snprintf(key, sizeof(key), "%s", name);
	for (p = key; *p; p++)
		if (*p == '-')
			*p = '_';
	snprintf(lead, sizeof(lead), "\n    %s ", name);
	out_uint(key, text ? lead : NULL, value);
}

static void show_stats(const struct dev *dev, const struct link *link,
		       const struct options *opt)
{
	unsigned int i;

	if (!opt->stats)
		return;
	out_object_open("stats");
	if (link)
		show_traffic(link);
	for (i = 1; i <= XVTI_A_STATS_MAX; i++)
		show_counter(i, dev->stats[i], opt->details || dev->stats[i]);
	out_object_close();
}

static void show_dev(struct session *session, const struct dev *dev,
		     const struct link *link, const struct options *opt)
{
	out_object_open(NULL);
	show_state(dev, link);
	show_endpoints(dev);
	show_binding(dev);
	show_lower(session, dev);
	show_underlay(session, dev, opt);
	show_use(dev, opt);
	show_stats(dev, link, opt);
	out_object_close();
	out_text("\n");
}

static int show_view(struct session *session, const char *name,
		     const struct options *opt)
{
	struct view view;
	size_t i;
	int ret;

	ret = view_get(session, name, &view);
	if (ret)
		return ret;
	out_start(opt->json, opt->pretty);
	out_array_open(NULL);
	for (i = 0; i < view.devs.count; i++) {
		const struct dev *dev = &view.devs.dev[i];

		show_dev(session, dev, view_link(&view, dev->ifindex), opt);
	}
	out_array_close();
	view_free(&view);
	return 0;
}

int cmd_show(struct args *args)
{
	struct session session;
	char *name;
	int ret;

	ret = args_word(args, &name);
	if (!ret && name)
		ret = name_check("name", name);
	if (!ret)
		ret = args_end(args);
	if (!ret)
		ret = session_open(&session, args->opt);
	if (ret)
		return ret;
	ret = show_view(&session, name, args->opt);
	session_close(&session);
	return ret;
}

struct monitor {
	struct session session;
	const struct options *opt;
};

static void show_lost(void)
{
	out_object_open(NULL);
	out_bool("lost", true);
	out_object_close();
}

/* The link may be gone by now; the event stands for itself then. */
static bool monitor_event(const struct dev *dev, void *data)
{
	struct monitor *monitor = data;
	struct nl_error error;
	struct link link;

	/* One object a line: pretty would spread it. */
	out_start(monitor->opt->json, false);
	if (!dev) {
		fputs("Warning: events were lost, more than could be read in time.\n",
		      stderr);
		show_lost();
	} else if (link_get(&monitor->session.nl, dev->ifindex, &link,
			    &error)) {
		show_dev(&monitor->session, dev, NULL, monitor->opt);
	} else {
		show_dev(&monitor->session, dev, &link, monitor->opt);
	}
	return !fflush(stdout);
}

int cmd_monitor(struct args *args)
{
	struct monitor monitor = { .opt = args->opt };
	struct session events;
	struct nl_error error;
	int ret;

	ret = args_end(args);
	if (!ret)
		ret = session_open(&monitor.session, args->opt);
	if (ret)
		return ret;
	/* Answers to questions would mix with events on one socket. */
	ret = session_open(&events, args->opt);
	if (!ret) {
		if (dev_monitor(&events.nl, monitor_event, &monitor, &error))
			ret = refused(&error, NULL, NULL, W_NONE);
		session_close(&events);
	}
	session_close(&monitor.session);
	return ret;
}
