// SPDX-License-Identifier: GPL-2.0
/*
 * xvti explain: why a packet does or does not get through. The command line,
 * and what the device itself says; explain-inner.c and explain-outer.c look
 * at the namespaces on its two sides, explain-sa.c and explain-policy.c at what
 * xfrm has there.
 */

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "counters.h"
#include "explain.h"
#include "netns.h"
#include "output.h"
#include "report.h"

#define MTU_MIN_IPV6 1280

static const char *const verdicts[] = {
	[V_OK] = "ok",
	[V_WARN] = "warn",
	[V_BAD] = "bad",
};

static void finding_write(const char *check, enum verdict verdict,
			  const char *text, const char *advice)
{
	char lead[48];

	snprintf(lead, sizeof(lead), "%-5s %-14s ", verdicts[verdict], check);
	out_object_open(NULL);
	out_str("check", NULL, check);
	out_str("verdict", NULL, verdicts[verdict]);
	out_str("text", lead, text);
	if (advice && *advice)
		out_str("advice", "\n                     > ", advice);
	out_object_close();
	out_text("\n");
}

void finding(struct explain *ex, const char *check, enum verdict verdict,
	     const char *advice, const char *fmt, ...)
{
	char text[TEXT_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (verdict == V_BAD && !ex->bad++)
		strcpy(ex->first_bad, text);
	finding_write(check, verdict, text, advice);
}

const char *explain_command(const struct explain *ex, const char *command,
			    char *buf, size_t size)
{
	netns_command(ex->opt->netns, command, buf, size);
	return buf;
}

const struct addr *explain_peer(const struct explain *ex)
{
	const struct dev *dev = &ex->dev;

	if (dev->peer.family && !addr_is_any(&dev->peer))
		return &dev->peer;
	return dev->remote.family && !addr_is_any(&dev->remote) ?
	       &dev->remote : NULL;
}

static void check_link(struct explain *ex)
{
	char advice[TEXT_SIZE], ip[TEXT_SIZE / 2];

	if (ex->link.up) {
		finding(ex, "device", V_OK, NULL, "%s is up", ex->name);
		return;
	}
	snprintf(advice, sizeof(advice), "%s link set dev %s up",
		 explain_command(ex, "ip", ip, sizeof(ip)), ex->name);
	finding(ex, "device", V_BAD, advice, "%s is down", ex->name);
}

static void format_binding(const struct dev *dev, char *buf, size_t size)
{
	size_t len = 0;

	*buf = '\0';
	if (dev->reqid)
		snprintf(buf, size, " reqid %u", dev->reqid);
	len = strlen(buf);
	if (dev->mark_mask)
		snprintf(buf + len, size - len, " mark 0x%x/0x%x", dev->mark,
			 dev->mark_mask);
	len = strlen(buf);
	if (dev->if_id)
		snprintf(buf + len, size - len, " if_id 0x%x", dev->if_id);
}

static bool check_config(struct explain *ex)
{
	char local[INET6_ADDRSTRLEN], remote[INET6_ADDRSTRLEN], binding[96];
	const struct dev *dev = &ex->dev;

	if (!dev->local.family) {
		finding(ex, "configuration", V_BAD,
			"give it what xvti set takes: local, remote and reqid, mark or if_id",
			"%s has no endpoints and no binding", ex->name);
		return false;
	}
	format_binding(dev, binding, sizeof(binding));
	finding(ex, "configuration", V_OK, NULL, "local %s remote %s%s",
		addr_format(&dev->local, local, sizeof(local)),
		addr_is_any(&dev->remote) ? "any" :
		addr_format(&dev->remote, remote, sizeof(remote)), binding);
	return true;
}

static void check_sa(struct explain *ex)
{
	const struct dev *dev = &ex->dev;
	char reqid[32] = "";

	if (dev->peer_reqid)
		snprintf(reqid, sizeof(reqid), ", reqid %u", dev->peer_reqid);
	if (!dev->sa_out)
		finding(ex, "sa", dev->mode == XVTI_MODE_POLICY ? V_WARN :
			V_BAD,
			"have the IKE daemon set up the tunnel, or look for SAs that differ from the configuration in ip xfrm state",
			"no usable outbound SA (%u inbound)", dev->sa_in);
	else if (!dev->sa_in)
		finding(ex, "sa", V_WARN,
			"look for an inbound SA that differs from the configuration in ip xfrm state",
			"%u outbound%s, but none inbound: no answer can come in",
			dev->sa_out, reqid);
	else
		finding(ex, "sa", V_OK, NULL, "%u outbound, %u inbound%s",
			dev->sa_out, dev->sa_in, reqid);
}

static void check_peer(struct explain *ex)
{
	const struct addr *peer = explain_peer(ex);
	char buf[INET6_ADDRSTRLEN];

	if (peer)
		finding(ex, "peer", V_OK, NULL, "%s%s",
			addr_format(peer, buf, sizeof(buf)),
			addr_is_any(&ex->dev.remote) ?
			", learned from its SA" : "");
	else
		finding(ex, "peer", V_BAD,
			"the peer has to open the tunnel, no packet of this end can",
			"remote any, and no peer is known yet");
}

static void check_carrier(struct explain *ex)
{
	if (ex->dev.running)
		finding(ex, "carrier", V_OK, NULL, "up, carrier %s",
			carrier_name(ex->dev.carrier));
	else if (!ex->link.up)
		finding(ex, "carrier", V_OK, NULL,
			"none while the device is down");
	else
		finding(ex, "carrier", V_BAD,
			"it comes back with a usable pair of SAs",
			"none, carrier %s", carrier_name(ex->dev.carrier));
}

static const char *mtu_advice(const struct dev *dev)
{
	if (dev->mtu_source == XVTI_MTU_SOURCE_FLOOR)
		return "larger packets leave in outer fragments; a larger MTU below avoids it";
	if (dev->mtu_source == XVTI_MTU_SOURCE_USER && dev->lower_mtu &&
	    dev->mtu >= dev->lower_mtu)
		return "mtu auto is exact; with this one, full packets are fragmented or refused";
	return NULL;
}

static void check_mtu(struct explain *ex)
{
	const struct dev *dev = &ex->dev;
	const char *advice = mtu_advice(dev);
	char lower[64] = "";

	if (ex->to.family == AF_INET6 && dev->mtu < MTU_MIN_IPV6) {
		finding(ex, "mtu", V_BAD, "give it mtu auto, or 1280",
			"%u, IPv6 needs 1280", dev->mtu);
		return;
	}
	if (dev->lower_mtu > dev->mtu)
		snprintf(lower, sizeof(lower), ", overhead %u of %u below",
			 dev->lower_mtu - dev->mtu, dev->lower_mtu);
	else if (dev->lower_mtu)
		snprintf(lower, sizeof(lower), ", %u below", dev->lower_mtu);
	finding(ex, "mtu", advice ? V_WARN : V_OK, advice, "%u (%s)%s",
		dev->mtu, mtu_source_text(dev->mtu_source), lower);
}

static void check_counters(struct explain *ex)
{
	const uint64_t *stats = ex->dev.stats;
	bool dropped = false;
	unsigned int i;

	for (i = 1; i <= XVTI_A_STATS_MAX; i++) {
		if (!stats[i] || !stat_meaning(i))
			continue;
		dropped = true;
		finding(ex, stat_name(i), V_WARN, stat_advice(i),
			"%llu dropped so far: %s", (unsigned long long)stats[i],
			stat_meaning(i));
	}
	if (!dropped)
		finding(ex, "counters", V_OK, NULL, "nothing was dropped");
}

static int verdict_write(struct explain *ex)
{
	char text[2 * TEXT_SIZE], peer[INET6_ADDRSTRLEN], more[32] = "";

	if (ex->bad) {
		if (ex->bad > 1)
			snprintf(more, sizeof(more), " (and %u more)",
				 ex->bad - 1);
		snprintf(text, sizeof(text),
			 "a packet to %s would not leave: %s%s", ex->to_text,
			 ex->first_bad, more);
		finding_write("verdict", V_BAD, text, NULL);
		return XVTI_REFUSED;
	}
	snprintf(text, sizeof(text), "a packet to %s leaves by %s, in ESP to %s",
		 ex->to_text, ex->name,
		 addr_format(explain_peer(ex), peer, sizeof(peer)));
	finding_write("verdict", V_OK, text, NULL);
	return 0;
}

static int explain_write(struct explain *ex)
{
	int ret;

	out_start(ex->opt->json, ex->opt->pretty);
	out_array_open(NULL);
	check_link(ex);
	if (check_config(ex)) {
		check_sa(ex);
		explain_sas(ex);
		check_peer(ex);
		check_carrier(ex);
		check_mtu(ex);
		explain_outer(ex);
	}
	explain_inner(ex);
	if (ex->dev.local.family)
		explain_policies(ex);
	check_counters(ex);
	ret = verdict_write(ex);
	out_array_close();
	return ret;
}

/* The VRF that a device is in or is, if any, decides the routing table. */
void find_vrf(struct nl *nl, const struct link *link, struct link *vrf)
{
	struct nl_error error;

	*vrf = *link;
	if (strcmp(link->kind, "vrf") &&
	    (!link->master || link_get(nl, link->master, vrf, &error) ||
	     strcmp(vrf->kind, "vrf")))
		memset(vrf, 0, sizeof(*vrf));
}

static int explain_run(struct explain *ex)
{
	struct nl *nl = &ex->session.nl;
	struct nl_error error;

	if (dev_get(nl, ex->name, &ex->dev, &error) ||
	    link_get(nl, ex->dev.ifindex, &ex->link, &error))
		return refused(&error, ex->name, NULL, W_NONE);
	if (ex->iif[0] && link_find(nl, ex->iif, &ex->in, &error))
		return value_error("iif", ex->iif, "no such device");
	find_vrf(nl, &ex->link, &ex->vrf);
	return explain_write(ex);
}

static int parse_addr(const char *word, const char *s, struct addr *addr,
		      char *text, size_t size)
{
	if (addr->family)
		return value_error(word, s, "given twice");
	if (strchr(s, '%'))
		return value_error(word, s, "takes no scope");
	if (!addr_parse(s, addr))
		return value_error(word, s, "is not an IPv4 or IPv6 address");
	if (addr_unfit(addr))
		return value_error(word, s, "%s", addr_unfit(addr));
	addr_format(addr, text, size);
	return 0;
}

static int parse_iif(struct explain *ex, const char *s)
{
	int ret;

	if (ex->iif[0])
		return value_error("iif", s, "given twice");
	ret = name_check("iif", s);
	if (!ret)
		strcpy(ex->iif, s);
	return ret;
}

/* The three words begin differently, so any beginning will do. */
static int parse_word(struct args *args, const char *s, struct explain *ex)
{
	static const char *const words[] = { "to", "from", "iif" };
	char *value = NULL;
	size_t i;
	int ret;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (*s && !strncmp(words[i], s, strlen(s)))
			break;
	if (i == sizeof(words) / sizeof(words[0]))
		return usage_error("\"%s\": unknown word, try \"xvti help\"", s);
	ret = args_value(args, words[i], &value);
	if (ret)
		return ret;
	switch (i) {
	case 0:
		return parse_addr("to", value, &ex->to, ex->to_text,
				  sizeof(ex->to_text));
	case 1:
		return parse_addr("from", value, &ex->from, ex->from_text,
				  sizeof(ex->from_text));
	default:
		return parse_iif(ex, value);
	}
}

/* What the words must be to each other. */
static int parse_end(const struct explain *ex)
{
	if (!ex->to.family)
		return value_error("name", ex->name,
				   "explain needs \"to ADDR\"");
	if (ex->from.family && ex->from.family != ex->to.family)
		return value_error("from", ex->from_text,
				   "is not of the address family of to \"%s\"",
				   ex->to_text);
	if (ex->iif[0] && !ex->from.family)
		return value_error("iif", ex->iif,
				   "needs the address that packets are from");
	return 0;
}

static int explain_parse(struct args *args, struct explain *ex)
{
	char *s;
	int ret;

	ret = args_word(args, &s);
	if (ret)
		return ret;
	if (!s)
		return usage_error("explain: missing device name");
	ret = name_check("name", s);
	if (ret)
		return ret;
	strcpy(ex->name, s);
	while (!(ret = args_word(args, &s)) && s) {
		ret = parse_word(args, s, ex);
		if (ret)
			return ret;
	}
	return ret ? ret : parse_end(ex);
}

int cmd_explain(struct args *args)
{
	struct explain ex = { .opt = args->opt };
	int ret;

	ret = explain_parse(args, &ex);
	if (!ret)
		ret = session_open(&ex.session, args->opt);
	if (ret)
		return ret;
	ret = explain_run(&ex);
	session_close(&ex.session);
	return ret;
}
