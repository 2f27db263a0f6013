// SPDX-License-Identifier: GPL-2.0
/* The underlay: whether ESP packets find their way to the peer. */

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "explain.h"
#include "netns.h"

/* Where commands that mend the underlay are to be typed. */
static void outer_command(struct explain *ex, char *buf, size_t size)
{
	const struct dev *dev = &ex->dev;
	struct underlay *under;

	if (!dev_has(dev, XVTI_A_DEV_UNDERLAY_NETNSID)) {
		explain_command(ex, "ip", buf, size);
		return;
	}
	under = session_underlay(&ex->session, dev->underlay);
	netns_command(under ? under->spec : NULL, "ip", buf, size);
}

/* False if no route can be asked for: IPv4 wants an address of its own. */
static bool check_local(struct explain *ex, struct nl *under)
{
	struct route_query query = {
		.dst = ex->dev.local, .oif = ex->dev.link
	};
	char local[INET6_ADDRSTRLEN], ip[TEXT_SIZE / 2], advice[TEXT_SIZE];
	bool ipv4 = query.dst.family == AF_INET;
	struct route route;

	if (!route_get(under, &query, &route) && route.type == RTN_LOCAL)
		return true;
	/* Only a VRF has a table of its own. */
	query.oif = 0;
	if (!route_get(under, &query, &route) && route.type == RTN_LOCAL)
		return true;
	addr_format(&query.dst, local, sizeof(local));
	outer_command(ex, ip, sizeof(ip));
	snprintf(advice, sizeof(advice), "%s address add %s dev IFNAME", ip,
		 local);
	finding(ex, "local", ipv4 ? V_BAD : V_WARN, advice,
		"%s is no address of the underlay%s", local,
		ipv4 ? "" : ": answers cannot arrive");
	return !ipv4;
}

/* An interface of the underlay and the VRF that it is in, or is. */
struct lower {
	struct link link;	/* ifindex 0: none */
	struct link vrf;
};

static void lower_get(struct nl *under, uint32_t ifindex, struct lower *lower)
{
	struct nl_error error;

	memset(lower, 0, sizeof(*lower));
	if (ifindex && !link_get(under, ifindex, &lower->link, &error))
		find_vrf(under, &lower->link, &lower->vrf);
}

/* The route that takes packets to the peer by "dev", as a command. */
static void route_command(struct explain *ex, const char *peer,
			  const struct lower *dev, char *buf, size_t size)
{
	bool by = dev->link.ifindex != dev->vrf.ifindex;
	char ip[TEXT_SIZE / 2];

	outer_command(ex, ip, sizeof(ip));
	snprintf(buf, size, "%s route replace%s%s %s via GATEWAY%s%s", ip,
		 dev->vrf.ifindex ? " vrf " : "", dev->vrf.name, peer,
		 by ? " dev " : "", by ? dev->link.name : "");
}

static void no_route(struct explain *ex, const char *peer,
		     const struct lower *dev, int err)
{
	bool vrf = dev->vrf.ifindex;
	char advice[TEXT_SIZE];

	route_command(ex, peer, dev, advice, sizeof(advice));
	finding(ex, "underlay", V_BAD, advice,
		"the underlay has no route to the peer %s%s%s: %s", peer,
		vrf ? " in vrf " : "", dev->vrf.name, strerror(err));
}

/* The kernel sends by "dev" or, if that is a VRF, by what is in it, and by nothing
 * else, wherever the route leads.
 */
static bool leaves_by(const struct lower *dev, const struct lower *out)
{
	return !dev->link.ifindex || out->link.ifindex == dev->link.ifindex ||
	       out->vrf.ifindex == dev->link.ifindex;
}

static void wrong_way(struct explain *ex, const char *peer,
		      const struct lower *dev, const struct route *route)
{
	char advice[TEXT_SIZE];

	route_command(ex, peer, dev, advice, sizeof(advice));
	finding(ex, "underlay", V_BAD, advice,
		"the route to the peer %s leads by %s, not by %s", peer,
		route->dev, dev->link.name);
}

static void found_route(struct explain *ex, const char *peer,
			const struct route *route)
{
	bool here = !dev_has(&ex->dev, XVTI_A_DEV_UNDERLAY_NETNSID);
	char ip[TEXT_SIZE / 2], advice[TEXT_SIZE], via[64] = "", local[64];

	if (here && route->oif == ex->link.ifindex) {
		outer_command(ex, ip, sizeof(ip));
		snprintf(advice, sizeof(advice),
			 "%s route replace %s via GATEWAY dev IFNAME", ip,
			 peer);
		finding(ex, "underlay", V_BAD, advice,
			"the route to the peer %s leads into %s itself", peer,
			ex->name);
		return;
	}
	if (route->gateway.family)
		addr_format(&route->gateway, via, sizeof(via));
	finding(ex, "underlay", V_OK, NULL,
		"the peer %s is reached by %s%s%s from %s", peer, route->dev,
		*via ? " via " : "", via,
		addr_format(&ex->dev.local, local, sizeof(local)));
}

void explain_outer(struct explain *ex)
{
	struct nl *under = session_underlay_of(&ex->session, &ex->dev);
	const struct addr *remote = explain_peer(ex);
	struct route_query query = {};
	char peer[INET6_ADDRSTRLEN];
	struct lower dev, out;
	struct route route;
	int ret;

	if (!under) {
		finding(ex, "underlay", V_WARN,
			"ip netns attach NAME PID names it",
			"namespace %d is not visible from here, its routes are not checked",
			ex->dev.underlay);
		return;
	}
	if (!check_local(ex, under) || !remote)
		return;
	/* of "dev" the lookup takes its VRF, as the kernel's does */
	lower_get(under, ex->dev.link, &dev);
	query.oif = dev.vrf.ifindex;
	query.dst = *remote;
	query.src = ex->dev.local;
	addr_format(remote, peer, sizeof(peer));
	ret = route_get(under, &query, &route);
	if (ret || route.type == RTN_UNREACHABLE ||
	    route.type == RTN_BLACKHOLE || route.type == RTN_PROHIBIT) {
		no_route(ex, peer, &dev, ret ? -ret : ENETUNREACH);
		return;
	}
	lower_get(under, route.oif, &out);
	if (leaves_by(&dev, &out))
		found_route(ex, peer, &route);
	else
		wrong_way(ex, peer, &dev, &route);
}
