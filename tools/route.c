// SPDX-License-Identifier: GPL-2.0
/* What the kernel would do with a packet, as "ip route get" asks it. */

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "exchange.h"
#include "route.h"

static void route_attr_parse(const struct nlattr *attr, struct route *route)
{
	switch (mnl_attr_get_type(attr)) {
	case RTA_OIF:
		route->oif = attr_u32(attr);
		break;
	case RTA_PREFSRC:
		attr_addr(attr, &route->source);
		break;
	case RTA_GATEWAY:
		attr_addr(attr, &route->gateway);
		break;
	}
}

static int route_parse(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct route *route = data;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWROUTE ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm))
		return 0;
	route->type = rtm->rtm_type;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm))
		route_attr_parse(attr, route);
	return 0;
}

static struct nlmsghdr *route_request(union request *req,
				      const struct route_query *query)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(req);
	struct rtmsg *rtm;

	nlh->nlmsg_type = RTM_GETROUTE;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = (uint8_t)query->dst.family;
	rtm->rtm_dst_len = (uint8_t)(8 * addr_len(&query->dst));
	rtm->rtm_src_len = (uint8_t)(8 * addr_len(&query->src));
	mnl_attr_put(nlh, RTA_DST, addr_len(&query->dst), query->dst.bytes);
	if (query->src.family)
		mnl_attr_put(nlh, RTA_SRC, addr_len(&query->src),
			     query->src.bytes);
	if (query->oif)
		mnl_attr_put_u32(nlh, RTA_OIF, query->oif);
	if (query->iif)
		mnl_attr_put_u32(nlh, RTA_IIF, query->iif);
	return nlh;
}

int route_get(struct nl *nl, const struct route_query *query,
	      struct route *route)
{
	struct nl_error error;
	union request req;
	struct link link;
	int ret;

	memset(route, 0, sizeof(*route));
	ret = nl_talk(&nl->route, route_request(&req, query), route_parse,
		      route, &error);
	if (ret || !route->oif)
		return ret;
	if (link_get(nl, route->oif, &link, &error))
		snprintf(route->dev, sizeof(route->dev), "if%u", route->oif);
	else
		strcpy(route->dev, link.name);
	return 0;
}
