// SPDX-License-Identifier: GPL-2.0
/*
 * The overlay: whether the packet is routed into the device, whether it gets
 * that far, and whether its answer would be let in.
 */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "explain.h"
#include "sysctl.h"

#define RP_FILTER_STRICT 1

enum origin {
	ORIGIN_HERE,		/* this host */
	ORIGIN_ELSEWHERE,	/* forwarded, comes in by ex->in */
	ORIGIN_LOST,		/* would not get as far as the device */
};

static bool is_link_local(const struct addr *addr)
{
	return addr->family == AF_INET6 && addr->bytes[0] == 0xfe &&
	       (addr->bytes[1] & 0xc0) == 0x80;
}

/* The table of a packet of this host; a link-local address is one device's. */
static uint32_t oif_for(const struct explain *ex, const struct addr *dst)
{
	return is_link_local(dst) ? ex->link.ifindex : ex->vrf.ifindex;
}

static int route_to(struct explain *ex, const struct addr *dst,
		    struct route *route)
{
	struct route_query query = { .dst = *dst, .oif = oif_for(ex, dst) };

	return route_get(&ex->session.nl, &query, route);
}

static void route_advice(const struct explain *ex, char *buf, size_t size)
{
	char ip[TEXT_SIZE / 2];

	explain_command(ex, "ip", ip, sizeof(ip));
	snprintf(buf, size, "%s%s route replace %s dev %s%s%s", ip,
		 ex->to.family == AF_INET6 ? " -6" : "", ex->to_text, ex->name,
		 ex->vrf.ifindex ? " vrf " : "",
		 ex->vrf.ifindex ? ex->vrf.name : "");
}

static void sysctl_advice(const struct explain *ex, const char *ifname,
			  const char *name, int value, char *buf, size_t size)
{
	char sysctl[TEXT_SIZE / 2], key[128];

	explain_command(ex, "sysctl", sysctl, sizeof(sysctl));
	sysctl_conf_key(ex->to.family, ifname, name, key, sizeof(key));
	snprintf(buf, size, "%s -w %s=%d", sysctl, key, value);
}

/* Why there is no route; for a packet that comes in by a device, or not. */
static void no_route(struct explain *ex, int err)
{
	char advice[TEXT_SIZE];

	route_advice(ex, advice, sizeof(advice));
	switch (err) {
	case ENETUNREACH:
		finding(ex, "route", V_BAD, advice, "there is no route to %s",
			ex->to_text);
		break;
	case EHOSTUNREACH:
		finding(ex, "route", V_BAD, advice, "%s is unreachable%s",
			ex->to_text, ex->in.ifindex ?
			" from there" : " by a route that says so");
		break;
	case EACCES:
		finding(ex, "route", V_BAD, advice,
			"a route or rule prohibits %s", ex->to_text);
		break;
	case EXDEV:
		finding(ex, "route", V_BAD,
			"give the source a route by the device it comes in by, or set that device's rp_filter to 2",
			"rp_filter of %s drops what comes from %s",
			ex->in.name, ex->from_text);
		break;
	case EINVAL:
		finding(ex, "route", V_BAD, advice, ex->in.ifindex ?
			"a packet to %s from %s is refused as a martian or by a blackhole route" :
			"a blackhole route takes what is for %s", ex->to_text,
			ex->from_text);
		break;
	default:
		finding(ex, "route", V_BAD, NULL,
			"the route to %s cannot be had: %s", ex->to_text,
			strerror(err));
	}
}

/* An answer that is not a route to somewhere; false if it is one. */
static bool route_type(struct explain *ex, const struct route *route)
{
	char advice[TEXT_SIZE];

	switch (route->type) {
	case RTN_LOCAL:
		finding(ex, "route", V_BAD,
			"ask for an address behind the tunnel",
			"%s is an address of this host", ex->to_text);
		return true;
	case RTN_BROADCAST:
		finding(ex, "route", V_BAD,
			"ask for an address behind the tunnel",
			"%s is a broadcast address of %s", ex->to_text,
			route->dev);
		return true;
	case RTN_BLACKHOLE:
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
		route_advice(ex, advice, sizeof(advice));
		finding(ex, "route", V_BAD, advice,
			"a route of type %s takes what is for %s",
			route->type == RTN_BLACKHOLE ? "blackhole" :
			route->type == RTN_PROHIBIT ? "prohibit" :
			"unreachable", ex->to_text);
		return true;
	default:
		return false;
	}
}

static void check_source(struct explain *ex, const struct route *route)
{
	char advice[TEXT_SIZE], ip[TEXT_SIZE / 2], source[64];

	ex->source = ex->from.family ? ex->from : route->source;
	if (ex->from.family)
		return;
	if (route->source.family && !addr_is_any(&route->source)) {
		finding(ex, "source", V_OK, NULL, "%s",
			addr_format(&route->source, source, sizeof(source)));
		return;
	}
	snprintf(advice, sizeof(advice), "%s address add ADDR dev %s",
		 explain_command(ex, "ip", ip, sizeof(ip)), ex->name);
	finding(ex, "source", V_WARN, advice,
		"this host has no address to send from");
}

/*
 * A packet that does not get as far as this lookup is taken for one of this
 * host: there may be more to find out.
 */
static int route_out(struct explain *ex, enum origin origin,
		     struct route *route)
{
	struct route_query query = { .dst = ex->to };

	if (origin == ORIGIN_LOST)
		return route_to(ex, &ex->to, route);
	query.src = ex->from;
	if (origin == ORIGIN_HERE)
		query.oif = oif_for(ex, &ex->to);
	else
		query.iif = ex->in.ifindex;
	return route_get(&ex->session.nl, &query, route);
}

static void check_route(struct explain *ex, enum origin origin)
{
	char advice[TEXT_SIZE], via[64] = "";
	struct route route;
	int ret;

	ret = route_out(ex, origin, &route);
	if (ret) {
		no_route(ex, -ret);
		return;
	}
	if (route_type(ex, &route))
		return;
	if (route.oif != ex->link.ifindex) {
		route_advice(ex, advice, sizeof(advice));
		finding(ex, "route", V_BAD, advice,
			"%s leaves by %s, not by %s", ex->to_text, route.dev,
			ex->name);
		return;
	}
	if (route.gateway.family)
		addr_format(&route.gateway, via, sizeof(via));
	finding(ex, "route", V_OK, NULL, "%s leaves by %s%s%s", ex->to_text,
		route.dev, *via ? " via " : "", via);
	check_source(ex, &route);
}

/* A packet that is not from here comes in where its answer would leave. */
static enum origin check_from(struct explain *ex)
{
	struct nl_error error;
	struct route route;
	int ret;

	if (!ex->from.family)
		return ORIGIN_HERE;
	ret = route_to(ex, &ex->from, &route);
	if (!ret && route.type == RTN_LOCAL && !ex->in.ifindex) {
		finding(ex, "from", V_OK, NULL, "%s is an address of this host",
			ex->from_text);
		return ORIGIN_HERE;
	}
	if (!ret && route.type == RTN_UNICAST && !ex->in.ifindex)
		link_get(&ex->session.nl, route.oif, &ex->in, &error);
	if (ex->in.ifindex) {
		finding(ex, "from", V_OK, NULL,
			"%s is not of this host, comes in by %s",
			ex->from_text, ex->in.name);
		return ORIGIN_ELSEWHERE;
	}
	finding(ex, "from", V_BAD,
		"give it a route, or name the device it comes in by with iif",
		"%s is not of this host, and no route leads to it",
		ex->from_text);
	return ORIGIN_LOST;
}

/* Strict reverse path filtering asks for the route back to be the same. */
static void check_rp_filter(struct explain *ex)
{
	const struct nl *nl = &ex->session.nl;
	int all, own, mode, ret;
	char advice[TEXT_SIZE];
	struct route route;

	if (ex->to.family != AF_INET)
		return;
	all = sysctl_conf(nl, AF_INET, "all", "rp_filter");
	own = sysctl_conf(nl, AF_INET, ex->name, "rp_filter");
	if (all < 0 || own < 0)
		return;
	/* The kernel takes the larger one. */
	mode = all > own ? all : own;
	ret = route_to(ex, &ex->to, &route);
	if (mode != RP_FILTER_STRICT ||
	    (!ret && route.oif == ex->link.ifindex)) {
		finding(ex, "rp_filter", V_OK, NULL,
			"%d (all %d, %s %d): answers are let in", mode, all,
			ex->name, own);
		return;
	}
	sysctl_advice(ex, ex->name, "rp_filter", 2, advice, sizeof(advice));
	finding(ex, "rp_filter", V_WARN, advice,
		"strict (all %d, %s %d), and the route to %s is not by %s: what comes from there is dropped",
		all, ex->name, own, ex->to_text, ex->name);
}

/* IPv6 forwards for a host as a whole, IPv4 for the device of entry. */
static bool check_forwarding_in(struct explain *ex, const char *entry)
{
	const char *which = ex->to.family == AF_INET6 ? "all" : entry;
	char advice[TEXT_SIZE];

	if (sysctl_conf(&ex->session.nl, ex->to.family, which,
			"forwarding") != 0) {
		finding(ex, "forwarding", V_OK, NULL, "on for %s", which);
		return true;
	}
	sysctl_advice(ex, which, "forwarding", 1, advice, sizeof(advice));
	if (entry == ex->name)
		finding(ex, "forwarding", V_WARN, advice,
			"off for %s: answers stop here", which);
	else
		finding(ex, "forwarding", V_BAD, advice,
			"off for %s: what comes in stops here", which);
	return false;
}

/* Where the packet is to be taken from, knowing what is forwarded. */
static enum origin check_forwarding(struct explain *ex, enum origin origin)
{
	const char *which = ex->to.family == AF_INET6 ? "all" : ex->name;
	int on;

	if (origin == ORIGIN_ELSEWHERE) {
		if (!check_forwarding_in(ex, ex->in.name))
			origin = ORIGIN_LOST;
		if (ex->to.family == AF_INET)
			check_forwarding_in(ex, ex->name);
		return origin;
	}
	on = sysctl_conf(&ex->session.nl, ex->to.family, which, "forwarding");
	if (on >= 0)
		finding(ex, "forwarding", V_OK, NULL, on ? "on for %s" :
			"off for %s: only this host itself uses the tunnel",
			which);
	return origin;
}

static void check_ipv6(struct explain *ex)
{
	char advice[TEXT_SIZE];

	if (ex->to.family != AF_INET6 ||
	    sysctl_conf(&ex->session.nl, AF_INET6, ex->name,
			"disable_ipv6") <= 0)
		return;
	sysctl_advice(ex, ex->name, "disable_ipv6", 0, advice, sizeof(advice));
	finding(ex, "ipv6", V_BAD, advice, "IPv6 is off on %s", ex->name);
}

void explain_inner(struct explain *ex)
{
	enum origin origin;

	check_ipv6(ex);
	origin = check_from(ex);
	origin = check_forwarding(ex, origin);
	check_route(ex, origin);
	check_rp_filter(ex);
}
