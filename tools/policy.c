// SPDX-License-Identifier: GPL-2.0
/*
 * The policies of a namespace. Direct mode asks none, so an IKE daemon that
 * negotiated less than everything is not obeyed; policy mode obeys them all.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "policy.h"
#include "state.h"

static void selector_parse(const struct xfrm_selector *sel,
			   struct policy *policy)
{
	addr_from_xfrm(&policy->src, sel->family, &sel->saddr);
	addr_from_xfrm(&policy->dst, sel->family, &sel->daddr);
	policy->src_len = sel->prefixlen_s;
	policy->dst_len = sel->prefixlen_d;
	policy->proto = sel->proto;
	policy->sport = sel->sport_mask ? ntohs(sel->sport) : 0;
	policy->dport = sel->dport_mask ? ntohs(sel->dport) : 0;
}

/* Is there a packet that it does not match? */
bool policy_is_narrow(const struct policy *policy)
{
	return policy->src_len || policy->dst_len || policy->proto ||
	       policy->sport || policy->dport;
}

/* The first template decides; more than one is not a tunnel's. */
static void template_parse(const struct nlattr *attr, struct policy *policy)
{
	const struct xfrm_user_tmpl *tmpl = mnl_attr_get_payload(attr);
	struct addr src, dst;

	if (mnl_attr_get_payload_len(attr) < sizeof(*tmpl))
		return;
	addr_from_xfrm(&src, tmpl->family, &tmpl->saddr);
	addr_from_xfrm(&dst, tmpl->family, &tmpl->id.daddr);
	policy->tunnel = tmpl->mode == XFRM_MODE_TUNNEL ||
			 tmpl->mode == XFRM_MODE_BEET;
	policy->esp = tmpl->mode == XFRM_MODE_TUNNEL &&
		      tmpl->id.proto == IPPROTO_ESP &&
		      mnl_attr_get_payload_len(attr) < 2 * sizeof(*tmpl);
	policy->local = policy->out ? src : dst;
	policy->remote = policy->out ? dst : src;
	policy->reqid = tmpl->reqid;
}

static void policy_parse(const struct nlmsghdr *nlh,
			 const struct xfrm_userpolicy_info *info,
			 struct policy *policy)
{
	const struct nlattr *attr;

	memset(policy, 0, sizeof(*policy));
	policy->out = info->dir == XFRM_POLICY_OUT;
	policy->block = info->action == XFRM_POLICY_BLOCK;
	policy->priority = info->priority;
	selector_parse(&info->sel, policy);
	mnl_attr_for_each(attr, nlh, sizeof(*info)) {
		switch (mnl_attr_get_type(attr)) {
		case XFRMA_TMPL:
			template_parse(attr, policy);
			break;
		case XFRMA_MARK:
			attr_mark(attr, &policy->mark, &policy->mark_mask);
			break;
		case ATTR_IF_ID:
			policy->if_id = attr_u32(attr);
			break;
		}
	}
}

/* "fwd" repeats what "in" says, and the directions beyond are of sockets. */
static int policies_add(const struct nlmsghdr *nlh, void *data)
{
	struct policies *policies = data;
	struct xfrm_userpolicy_info info;
	struct policy *more;

	if (nlh->nlmsg_type != XFRM_MSG_NEWPOLICY ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(info))
		return 0;
	/* A message is aligned for four octets, and there are longer integers. */
	memcpy(&info, mnl_nlmsg_get_payload(nlh), sizeof(info));
	if (info.dir != XFRM_POLICY_OUT && info.dir != XFRM_POLICY_IN)
		return 0;
	more = array_grow(policies->policy, policies->count, sizeof(*more));
	if (!more)
		return -ENOMEM;
	policies->policy = more;
	policy_parse(nlh, &info, &more[policies->count++]);
	return 0;
}

static void policies_restart(void *data)
{
	((struct policies *)data)->count = 0;
}

/* Reading them takes CAP_NET_ADMIN. */
int policies_get(struct nl *nl, struct policies *policies)
{
	int ret;

	memset(policies, 0, sizeof(*policies));
	ret = nl_dump_xfrm(nl, XFRM_MSG_GETPOLICY,
			   sizeof(struct xfrm_userpolicy_id), policies_add,
			   policies_restart, policies);
	if (ret)
		policies_free(policies);
	return ret;
}

void policies_free(struct policies *policies)
{
	free(policies->policy);
	memset(policies, 0, sizeof(*policies));
}

static bool endpoint_fits(const struct addr *tmpl, const struct addr *end)
{
	return addr_is_any(tmpl) || !end->family || addr_is_any(end) ||
	       addr_equal(tmpl, end);
}

static bool endpoints_fit(const struct policy *policy, const struct dev *dev)
{
	const struct addr *remote = dev->peer.family ? &dev->peer :
						       &dev->remote;

	return !policy->tunnel ||
	       (endpoint_fits(&policy->local, &dev->local) &&
		endpoint_fits(&policy->remote, remote));
}

/* Bound by the mark, the if_id or the reqid, and to the same two ends. */
bool policy_of(const struct policy *policy, const struct dev *dev)
{
	bool mark = dev->mark_mask && policy->mark_mask == dev->mark_mask &&
		    policy->mark == dev->mark;
	bool if_id = dev->if_id && policy->if_id == dev->if_id;
	bool reqid = policy->reqid && (policy->reqid == dev->reqid ||
				       policy->reqid == dev->peer_reqid);

	return (mark || if_id || reqid) && endpoints_fit(policy, dev);
}

/* Do packets that it takes leave by this SA, whatever mark the SA has? */
bool policy_leads_to(const struct policy *policy, const struct state *state)
{
	return policy->out && policy->esp && policy->reqid &&
	       policy->reqid == state->reqid &&
	       addr_equal(&policy->local, &state->src) &&
	       addr_equal(&policy->remote, &state->dst);
}

static bool prefix_has(const struct addr *net, uint8_t len,
		       const struct addr *addr)
{
	uint8_t rest = len % 8, bytes = len / 8;

	if (net->family != addr->family || len > 8 * addr_len(addr) ||
	    memcmp(net->bytes, addr->bytes, bytes))
		return false;
	return !rest || !((net->bytes[bytes] ^ addr->bytes[bytes]) >>
			  (8 - rest));
}

static bool policy_has(const struct policy *policy, uint32_t mark,
		       const struct addr *src, const struct addr *dst)
{
	return policy->out && !policy->if_id &&
	       (mark & policy->mark_mask) == policy->mark &&
	       prefix_has(&policy->src, policy->src_len, src) &&
	       prefix_has(&policy->dst, policy->dst_len, dst);
}

/* The outbound one for a packet of any protocol and port, or NULL. */
const struct policy *policies_match(const struct policies *policies,
				    uint32_t mark, const struct addr *src,
				    const struct addr *dst)
{
	const struct policy *policy, *best = NULL;
	size_t i;

	for (i = 0; i < policies->count; i++) {
		policy = &policies->policy[i];
		if (policy_has(policy, mark, src, dst) &&
		    (!best || policy->priority < best->priority))
			best = policy;
	}
	return best;
}

static void format_end(const char *name, const struct addr *addr, uint8_t len,
		       uint16_t port, char *buf, size_t size)
{
	char ip[INET6_ADDRSTRLEN];

	snprintf(buf, size, "%s %s/%u", name,
		 addr_format(addr, ip, sizeof(ip)), len);
	if (port)
		snprintf(buf + strlen(buf), size - strlen(buf), " port %u",
			 port);
}

void policy_format(const struct policy *policy, char *buf, size_t size)
{
	char src[80], dst[80], proto[16] = "";

	format_end("src", &policy->src, policy->src_len, policy->sport, src,
		   sizeof(src));
	format_end("dst", &policy->dst, policy->dst_len, policy->dport, dst,
		   sizeof(dst));
	if (policy->proto)
		snprintf(proto, sizeof(proto), " proto %u", policy->proto);
	snprintf(buf, size, "policy %s %s%s dir %s%s", src, dst, proto,
		 policy->out ? "out" : "in", policy->block ? " block" : "");
}
