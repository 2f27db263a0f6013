// SPDX-License-Identifier: GPL-2.0
/*
 * The SAs of the underlay that lead to the peer, where none of them is one
 * that direct mode takes: what each of them lacks.
 */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "exchange.h"
#include "explain.h"

/* XFRMA_IF_ID, an enumerator that headers before 4.19 lack. */
#define ATTR_IF_ID 31

/* As many are named one by one. */
#define SAS_SHOWN 4

struct sa {
	const struct xfrm_usersa_info *info;
	struct xfrm_mark mark;
	uint32_t if_id;
};

struct search {
	struct explain *ex;
	const struct addr *peer;
	unsigned int unfit;
	bool found;
	char text[SAS_SHOWN][TEXT_SIZE / 2];
};

static void sa_parse(const struct nlmsghdr *nlh, struct sa *sa)
{
	const struct nlattr *attr;

	memset(sa, 0, sizeof(*sa));
	sa->info = mnl_nlmsg_get_payload(nlh);
	mnl_attr_for_each(attr, nlh, sizeof(*sa->info)) {
		switch (mnl_attr_get_type(attr)) {
		case XFRMA_MARK:
			if (mnl_attr_get_payload_len(attr) >= sizeof(sa->mark))
				memcpy(&sa->mark, mnl_attr_get_payload(attr),
				       sizeof(sa->mark));
			break;
		case ATTR_IF_ID:
			sa->if_id = attr_u32(attr);
			break;
		}
	}
}

/* An ESP SA from the device's local address to its peer. */
static bool sa_leads_to_peer(const struct search *search, const struct sa *sa)
{
	const struct addr *local = &search->ex->dev.local;

	return sa->info->id.proto == IPPROTO_ESP && sa->info->id.spi &&
	       sa->info->family == local->family &&
	       !memcmp(&sa->info->saddr, local->bytes, addr_len(local)) &&
	       !memcmp(&sa->info->id.daddr, search->peer->bytes,
		       addr_len(local));
}

static bool selector_is_narrow(const struct xfrm_selector *sel)
{
	return sel->prefixlen_s || sel->prefixlen_d || sel->proto ||
	       sel->sport_mask || sel->dport_mask || sel->ifindex;
}

/* What keeps the device from using an SA; false if nothing does. */
static bool sa_unfit(const struct explain *ex, const struct sa *sa, char *buf,
		     size_t size)
{
	const struct dev *dev = &ex->dev;
	const struct xfrm_usersa_info *info = sa->info;
	uint32_t reqid = dev->reqid ? dev->reqid : dev->peer_reqid;

	if (info->mode != XFRM_MODE_TUNNEL)
		snprintf(buf, size, "is not in tunnel mode");
	else if (reqid && info->reqid != reqid)
		snprintf(buf, size, "has reqid %u, not %u", info->reqid, reqid);
	else if (sa->mark.v != dev->mark || sa->mark.m != dev->mark_mask)
		snprintf(buf, size, "has mark 0x%x/0x%x, not 0x%x/0x%x",
			 sa->mark.v, sa->mark.m, dev->mark, dev->mark_mask);
	else if (sa->if_id != dev->if_id)
		snprintf(buf, size, "has if_id 0x%x, not 0x%x", sa->if_id,
			 dev->if_id);
	else if (selector_is_narrow(&info->sel))
		snprintf(buf, size, "has a selector narrower than any/any");
	else if (info->sel.family && info->sel.family != ex->to.family)
		snprintf(buf, size, "is for IPv%c alone",
			 info->sel.family == AF_INET6 ? '6' : '4');
	else
		return false;
	return true;
}

static int search_add(const struct nlmsghdr *nlh, void *data)
{
	struct search *search = data;
	char why[TEXT_SIZE / 4];
	struct sa sa;

	if (nlh->nlmsg_type != XFRM_MSG_NEWSA ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*sa.info))
		return 0;
	sa_parse(nlh, &sa);
	if (!sa_leads_to_peer(search, &sa))
		return 0;
	if (!sa_unfit(search->ex, &sa, why, sizeof(why)))
		search->found = true;
	else if (search->unfit++ < SAS_SHOWN)
		snprintf(search->text[search->unfit - 1],
			 sizeof(search->text[0]),
			 "the SA to the peer with SPI 0x%08x %s",
			 ntohl(sa.info->id.spi), why);
	return 0;
}

static void search_restart(void *data)
{
	struct search *search = data;

	search->unfit = 0;
	search->found = false;
}

/* Reading them takes CAP_NET_ADMIN; false if they cannot be read. */
static bool search_run(struct nl *under, struct search *search)
{
	struct nl_error error;
	struct nlmsghdr *nlh;
	union request req;

	if (nl_open_xfrm(under))
		return false;
	nlh = mnl_nlmsg_put_header(&req);
	nlh->nlmsg_type = XFRM_MSG_GETSA;
	return !nl_dump(&under->xfrm, nlh, search_add, search_restart, search,
			&error);
}

/* Where the kernel counts none it has been said that the packet is lost. */
void explain_sas(struct explain *ex)
{
	struct nl *under = session_underlay_of(&ex->session, &ex->dev);
	struct search search = { .ex = ex, .peer = explain_peer(ex) };
	enum verdict verdict = ex->dev.sa_out ? V_BAD : V_WARN;
	unsigned int i;

	if (ex->dev.mode == XVTI_MODE_POLICY || !under || !search.peer ||
	    !search_run(under, &search) || search.found)
		return;
	for (i = 0; i < search.unfit && i < SAS_SHOWN; i++)
		finding(ex, "sa", verdict,
			"negotiate 0.0.0.0/0 and ::/0 in tunnel mode, and compare reqid, mark and if_id with the device's",
			"%s", search.text[i]);
}
