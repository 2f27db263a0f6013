// SPDX-License-Identifier: GPL-2.0
/* xvti show: one device, or all of a namespace. */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "commands.h"
#include "counters.h"
#include "output.h"
#include "policy.h"
#include "show.h"
#include "show-sa.h"
#include "state.h"

/*
 * What xfrm has: policies in the namespace of the devices, to warn of, and SAs
 * there and in those that they are routed in.
 */
struct xfrm_view {
	struct policies policies;
	struct states_view sas;
};

/* Labels of one width, so that what they stand for is in one column. */
#define LABEL(name) "\n    " name

static void show_addr(const char *key, const char *lead,
		      const struct addr *addr)
{
	char buf[INET6_ADDRSTRLEN];

	out_colored(key, lead,
		    addr->family == AF_INET6 ? COLOR_IPV6 : COLOR_IPV4,
		    addr_format(addr, buf, sizeof(buf)));
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

/* What is not the default; a module without modes sends none. */
static void show_mode(const struct dev *dev)
{
	if (dev_has(dev, XVTI_A_DEV_MODE))
		out_str("mode", dev->mode == XVTI_MODE_DIRECT ? NULL : " mode ",
			mode_name(dev->mode));
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

static void show_flags(const struct dev *dev, const struct link *link)
{
	out_colored("ifname", "", COLOR_NAME, dev->name);
	out_uint("ifindex", NULL, dev->ifindex);
	if (!link)
		return;
	out_bool("up", link->up);
	out_text(": ");
	if (!link->up) {
		out_colored(NULL, "", COLOR_BAD, "down");
		return;
	}
	out_text("up, ");
	if (dev->running)
		out_colored(NULL, "", COLOR_GOOD, "running");
	else
		out_colored(NULL, "", COLOR_BAD, "no carrier");
}

/* Whether packets can get through, and if not what is the matter. */
static const struct verdict {
	const char *name;
	const char *text;
	bool good;
} verdicts[] = {
	{ "unconfigured", "not configured: see xvti set", false },
	{ "down", "set down: ip link set NAME up", false },
	{ "no-sa", "no SA in either direction: ask the IKE daemon", false },
	{ "no-sa-out", "no SA to send by: see xvti explain", false },
	{ "no-sa-in", "no SA to receive by: see xvti explain", false },
	{ "up", "an SA in each direction", true }
};

static const struct verdict *verdict_of(const struct dev *dev,
					const struct link *link)
{
	if (!dev->local.family)
		return &verdicts[0];
	if (link && !link->up)
		return &verdicts[1];
	if (!dev->sa_out)
		return dev->sa_in ? &verdicts[3] : &verdicts[2];
	return dev->sa_in ? &verdicts[5] : &verdicts[4];
}

/* What changes with time is in JSON only where statistics are asked for. */
static void show_state(const struct dev *dev, const struct link *link,
		       const struct options *opt)
{
	const struct verdict *verdict = verdict_of(dev, link);
	char text[64];

	out_str("state", NULL, verdict->name);
	out_colored(NULL, LABEL("state    "),
		    verdict->good ? COLOR_GOOD : COLOR_BAD, verdict->text);
	if (!dev->since)
		return;
	out_uint(opt->stats ? "since" : NULL, NULL, dev->since);
	if (dev->local.family)
		out_str(NULL, ", for ", age_text(dev->since, text, sizeof(text)));
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

static void show_mtu(const struct dev *dev, const struct options *opt)
{
	out_uint("mtu", LABEL("mtu      "), dev->mtu);
	out_str("mtu_source", NULL, mtu_source_name(dev->mtu_source));
	out_text(" (");
	out_text(mtu_source_text(dev->mtu_source));
	out_text(")");
	if (dev->lower_mtu)
		out_uint("lower_mtu", opt->details ? ", lower mtu " : NULL,
			 dev->lower_mtu);
}

static void show_queue(const struct dev *dev, const struct options *opt)
{
	bool text = opt->details || dev->queue != QUEUE_DEFAULT;

	if (dev_has(dev, XVTI_A_DEV_QUEUE))
		out_uint("queue", text ? ", queue " : NULL, dev->queue);
}

static void show_use(struct session *session, const struct dev *dev,
		     struct xfrm_view *xfrm, const struct options *opt)
{
	out_uint("sa_out", LABEL("sa       "), dev->sa_out);
	out_text(" out ");
	out_uint("sa_in", "", dev->sa_in);
	out_text(" in");
	show_peer(dev, opt);
	if (xfrm && (opt->stats || !opt->json))
		show_sas(session, dev, &xfrm->sas);
	show_mtu(dev, opt);
	out_str("carrier", LABEL("carrier  "), carrier_name(dev->carrier));
	out_bool("running", dev->running);
	show_queue(dev, opt);
	if (opt->details)
		out_uint(NULL, ", ifindex ", dev->ifindex);
}

static void show_traffic(const struct link *link)
{
	const struct rtnl_link_stats64 *s = &link->stats;

	out_uint("rx_bytes", LABEL("rx       "), s->rx_bytes);
	out_uint("rx_packets", " bytes ", s->rx_packets);
	out_uint("rx_errors", " packets ", s->rx_errors);
	out_uint("rx_dropped", " errors ", s->rx_dropped);
	out_uint("tx_bytes", " dropped" LABEL("tx       "), s->tx_bytes);
	out_uint("tx_packets", " bytes ", s->tx_packets);
	out_uint("tx_errors", " packets ", s->tx_errors);
	out_uint("tx_dropped", " errors ", s->tx_dropped);
	out_text(" dropped");
}

/* The last reason of a drop, which says most, before all of them. */
static void show_last_drop(const struct dev *dev)
{
	const char *meaning = stat_meaning(dev->drop_reason);
	char text[64];

	if (!dev->drop_reason)
		return;
	out_str("drop_reason", NULL, stat_name(dev->drop_reason));
	out_uint("drop_time", NULL, dev->drop_time);
	out_colored(NULL, LABEL("dropped  "), COLOR_BAD,
		    stat_name(dev->drop_reason));
	out_str(NULL, " was the last, ",
		age_text(dev->drop_time, text, sizeof(text)));
	out_text(" ago");
	if (meaning)
		out_str(NULL, ": ", meaning);
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

	if (opt->json && !opt->stats)
		return;
	out_object_open("stats");
	if (link)
		show_traffic(link);
	show_last_drop(dev);
	for (i = 1; opt->stats && i <= XVTI_A_STATS_MAX; i++)
		show_counter(i, dev->stats[i], opt->details || dev->stats[i]);
	out_object_close();
}

/* Policies of this namespace stand beside the device, without effect. */
static bool ignores_policies(const struct dev *dev)
{
	return dev->local.family && dev->mode == XVTI_MODE_DIRECT &&
	       !dev_has(dev, XVTI_A_DEV_UNDERLAY_NETNSID);
}

/* Each as a line of its own; the first one opens the list. */
static void show_warning(bool *any, const char *what, const char *why)
{
	char text[320];

	if (!*any)
		out_array_open("warnings");
	*any = true;
	snprintf(text, sizeof(text), "%s %s", what, why);
	out_item("\n    warning: ", text);
}

static void warn_policies(const struct dev *dev,
			  const struct policies *policies, bool *any)
{
	const struct policy *policy;
	char text[256];
	size_t i;

	for (i = 0; i < policies->count; i++) {
		policy = &policies->policy[i];
		if (!policy_is_narrow(policy) || !policy_of(policy, dev))
			continue;
		policy_format(policy, text, sizeof(text));
		show_warning(any, text,
			     "is narrower than any/any, direct mode does not enforce it");
	}
}

static void warn_states(const struct dev *dev, const struct states *states,
			bool *any)
{
	const struct state *state;
	char text[160], why[80];
	size_t i;

	for (i = 0; states && i < states->count; i++) {
		state = &states->state[i];
		if (!state_fault(state) || !state_of(state, dev))
			continue;
		state_format(state, text, sizeof(text));
		snprintf(why, sizeof(why),
			 "%s, direct mode uses ESP in tunnel mode",
			 state_fault(state));
		show_warning(any, text, why);
	}
}

/* A device without any has no list of them. */
static void show_warnings(struct session *session, const struct dev *dev,
			  struct xfrm_view *xfrm)
{
	bool any = false;

	if (!xfrm || !ignores_policies(dev))
		return;
	warn_policies(dev, &xfrm->policies, &any);
	warn_states(dev, states_find(&xfrm->sas, &session->nl), &any);
	if (any)
		out_array_close();
}

/* What is known of a device, inside an object; @link and @xfrm may be NULL. */
void show_dev(struct session *session, const struct dev *dev,
	      const struct link *link, struct xfrm_view *xfrm,
	      const struct options *opt)
{
	out_start_color(opt->color);
	show_flags(dev, link);
	show_endpoints(dev);
	show_binding(dev);
	show_lower(session, dev);
	show_mode(dev);
	show_underlay(session, dev, opt);
	show_state(dev, link, opt);
	show_use(session, dev, xfrm, opt);
	show_stats(dev, link, opt);
	show_warnings(session, dev, xfrm);
}

/*
 * The policies of this namespace, if there is a device that does not obey them;
 * SAs are read when they are asked for. Who may not read them sees no warnings.
 */
static void xfrm_view_get(struct session *session, const struct view *view,
			  struct xfrm_view *xfrm)
{
	size_t i;

	memset(xfrm, 0, sizeof(*xfrm));
	for (i = 0; i < view->devs.count; i++) {
		if (ignores_policies(&view->devs.dev[i])) {
			policies_get(&session->nl, &xfrm->policies);
			return;
		}
	}
}

static void xfrm_view_free(struct xfrm_view *xfrm)
{
	policies_free(&xfrm->policies);
	states_view_free(&xfrm->sas);
}

static void show_one(struct session *session, const struct dev *dev,
		     const struct view *view, struct xfrm_view *xfrm,
		     const struct options *opt)
{
	out_object_open(NULL);
	show_dev(session, dev, view_link(view, dev->ifindex), xfrm, opt);
	out_object_close();
	out_text("\n");
}

static int show_view(struct session *session, const char *name,
		     const struct options *opt)
{
	struct xfrm_view xfrm;
	struct view view;
	size_t i;
	int ret;

	ret = view_get(session, name, &view);
	if (ret)
		return ret;
	xfrm_view_get(session, &view, &xfrm);
	out_start(opt->json, opt->pretty);
	out_array_open(NULL);
	for (i = 0; i < view.devs.count; i++)
		show_one(session, &view.devs.dev[i], &view, &xfrm, opt);
	out_array_close();
	xfrm_view_free(&xfrm);
	view_free(&view);
	return 0;
}

int cmd_show(struct args *args)
{
	struct session session;
	char *name;
	int ret;

	ret = name_only(args, &name);
	if (!ret)
		ret = session_open(&session, args->opt);
	if (ret)
		return ret;
	ret = show_view(&session, name, args->opt);
	session_close(&session);
	return ret;
}
