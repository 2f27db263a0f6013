// SPDX-License-Identifier: GPL-2.0
/*
 * The SAs of a namespace. Direct mode cannot use those that are not ESP, not in
 * tunnel mode, or offloaded to a NIC with the packets' policies, though an IKE
 * daemon may well have negotiated such for a device, and wonders why it sees no SA.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "state.h"

static bool selector_is_narrow(const struct xfrm_selector *sel)
{
	return sel->prefixlen_s || sel->prefixlen_d || sel->proto ||
	       sel->sport_mask || sel->dport_mask || sel->ifindex;
}

/* Rather than the cipher alone. */
static bool attr_offloads_packets(const struct nlattr *attr)
{
	const struct xfrm_user_offload *offload = mnl_attr_get_payload(attr);

	return mnl_attr_get_payload_len(attr) >= sizeof(*offload) &&
	       offload->flags & OFFLOAD_PACKET;
}

/* Each begins with a name, whatever comes after it. */
static void algo_add(struct state *state, const struct nlattr *attr)
{
	const char *name = mnl_attr_get_payload(attr);
	size_t len = strnlen(name, mnl_attr_get_payload_len(attr));
	size_t used = strlen(state->algo);

	snprintf(state->algo + used, sizeof(state->algo) - used, "%s%.*s",
		 used ? " " : "", (int)len, name);
}

static void state_parse_attr(const struct nlattr *attr, struct state *state)
{
	switch (mnl_attr_get_type(attr)) {
	case XFRMA_ALG_AEAD:
	case XFRMA_ALG_CRYPT:
	case XFRMA_ALG_AUTH_TRUNC:
		algo_add(state, attr);
		break;
	case XFRMA_ENCAP:
		state->udp = true;
		break;
	case XFRMA_MARK:
		attr_mark(attr, &state->mark, &state->mark_mask);
		break;
	case ATTR_IF_ID:
		state->if_id = attr_u32(attr);
		break;
	case XFRMA_OFFLOAD_DEV:
		state->by_nic = attr_offloads_packets(attr);
		break;
	}
}

static void state_parse(const struct nlmsghdr *nlh,
			const struct xfrm_usersa_info *info,
			struct state *state)
{
	const struct nlattr *attr;

	memset(state, 0, sizeof(*state));
	addr_from_xfrm(&state->src, info->family, &info->saddr);
	addr_from_xfrm(&state->dst, info->family, &info->id.daddr);
	state->proto = info->id.proto;
	state->mode = info->mode;
	state->spi = ntohl(info->id.spi);
	state->reqid = info->reqid;
	state->narrow = selector_is_narrow(&info->sel);
	state->inner = info->sel.family;
	state->added = info->curlft.add_time;
	state->soft = info->lft.soft_add_expires_seconds;
	state->hard = info->lft.hard_add_expires_seconds;
	state->bytes = info->curlft.bytes;
	state->packets = info->curlft.packets;
	mnl_attr_for_each(attr, nlh, sizeof(*info))
		state_parse_attr(attr, state);
}

/* The kernel's note that an SA was asked for, or its SPI reserved. */
static bool state_is_larval(const struct state *state)
{
	bool ciphers = state->proto == IPPROTO_ESP || state->proto == IPPROTO_AH;

	return !state->spi || (ciphers && !*state->algo);
}

static int states_add(const struct nlmsghdr *nlh, void *data)
{
	struct states *states = data;
	struct xfrm_usersa_info info;
	struct state *more, *state;

	if (nlh->nlmsg_type != XFRM_MSG_NEWSA ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(info))
		return 0;
	/* A message is aligned for four octets, and there are longer integers. */
	memcpy(&info, mnl_nlmsg_get_payload(nlh), sizeof(info));
	more = array_grow(states->state, states->count, sizeof(*more));
	if (!more)
		return -ENOMEM;
	states->state = more;
	state = &more[states->count];
	state_parse(nlh, &info, state);
	if (!state_is_larval(state))
		states->count++;
	return 0;
}

static void states_restart(void *data)
{
	((struct states *)data)->count = 0;
}

/* Reading them takes CAP_NET_ADMIN. */
int states_get(struct nl *nl, struct states *states)
{
	int ret;

	memset(states, 0, sizeof(*states));
	ret = nl_dump_xfrm(nl, XFRM_MSG_GETSA, 0, states_add, states_restart,
			   states);
	if (ret)
		states_free(states);
	return ret;
}

void states_free(struct states *states)
{
	free(states->state);
	memset(states, 0, sizeof(*states));
}

static bool endpoints_fit(const struct addr *local, const struct addr *remote,
			  const struct dev *dev)
{
	return addr_equal(local, &dev->local) &&
	       (addr_is_any(&dev->remote) || addr_equal(remote, &dev->remote));
}

/* Would it be the device's, in either direction, were it usable? */
bool state_of(const struct state *state, const struct dev *dev)
{
	bool mark = !dev->mark_mask || (state->mark_mask == dev->mark_mask &&
					state->mark == dev->mark);
	bool reqid = !dev->reqid || state->reqid == dev->reqid;

	return mark && reqid && state->if_id == dev->if_id &&
	       (endpoints_fit(&state->src, &state->dst, dev) ||
		endpoints_fit(&state->dst, &state->src, dev));
}

/* The reqid in use tells, as SAs may come without the mark. */
static bool state_between(const struct state *state, const struct addr *src,
			  const struct addr *dst, const struct dev *dev)
{
	bool mark = !dev->mark_mask || !state->mark_mask ||
		    (dev->mark & state->mark_mask) == state->mark;

	return dev->peer.family && mark &&
	       addr_equal(&state->src, src) && addr_equal(&state->dst, dst) &&
	       (!dev->peer_reqid || state->reqid == dev->peer_reqid) &&
	       state->if_id == dev->if_id;
}

/* Does the device send by it? */
bool state_out_of(const struct state *state, const struct dev *dev)
{
	return state_between(state, &dev->local, &dev->peer, dev);
}

/* Does it receive by it? */
bool state_in_of(const struct state *state, const struct dev *dev)
{
	return state_between(state, &dev->peer, &dev->local, dev);
}

void state_format(const struct state *state, char *buf, size_t size)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	snprintf(buf, size, "SA src %s dst %s spi 0x%08x",
		 addr_format(&state->src, src, sizeof(src)),
		 addr_format(&state->dst, dst, sizeof(dst)), state->spi);
}

/* What direct mode has against it, or NULL. */
const char *state_fault(const struct state *state)
{
	if (state->proto == IPPROTO_AH)
		return "is AH";
	if (state->proto != IPPROTO_ESP)
		return "is not ESP";
	if (state->mode == XFRM_MODE_TRANSPORT)
		return "is in transport mode";
	if (state->mode != XFRM_MODE_TUNNEL)
		return "is not in tunnel mode";
	return state->by_nic ? "is its NIC's, packets and all" : NULL;
}
