// SPDX-License-Identifier: GPL-2.0
/* The SAs of a namespace, with their ciphers, ages and use. */

#include <libmnl/libmnl.h>
#include <linux/xfrm.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "sa.h"

/* Each begins with a name, whatever comes after it. */
static void algo_add(struct sa *sa, const struct nlattr *attr)
{
	const char *name = mnl_attr_get_payload(attr);
	size_t len = strnlen(name, mnl_attr_get_payload_len(attr));
	size_t used = strlen(sa->algo);

	snprintf(sa->algo + used, sizeof(sa->algo) - used, "%s%.*s",
		 used ? " " : "", (int)len, name);
}

static void sa_parse(const struct nlmsghdr *nlh,
		     const struct xfrm_usersa_info *info, struct sa *sa)
{
	const struct nlattr *attr;

	memset(sa, 0, sizeof(*sa));
	state_parse(nlh, info, &sa->state);
	sa->added = info->curlft.add_time;
	sa->used = info->curlft.use_time;
	sa->soft = info->lft.soft_add_expires_seconds;
	sa->hard = info->lft.hard_add_expires_seconds;
	sa->bytes = info->curlft.bytes;
	sa->packets = info->curlft.packets;
	mnl_attr_for_each(attr, nlh, sizeof(*info)) {
		switch (mnl_attr_get_type(attr)) {
		case XFRMA_ALG_AEAD:
		case XFRMA_ALG_CRYPT:
			algo_add(sa, attr);
			break;
		case XFRMA_ALG_AUTH_TRUNC:
			algo_add(sa, attr);
			break;
		case XFRMA_ENCAP:
			sa->udp = true;
			break;
		}
	}
}

static int sas_add(const struct nlmsghdr *nlh, void *data)
{
	const struct xfrm_usersa_info *info = mnl_nlmsg_get_payload(nlh);
	struct sas *sas = data;
	struct sa *more;

	if (nlh->nlmsg_type != XFRM_MSG_NEWSA ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*info))
		return 0;
	more = array_grow(sas->sa, sas->count, sizeof(*more));
	if (!more)
		return -ENOMEM;
	sas->sa = more;
	sa_parse(nlh, info, &more[sas->count++]);
	return 0;
}

static void sas_restart(void *data)
{
	((struct sas *)data)->count = 0;
}

/* Reading them takes CAP_NET_ADMIN. */
int sas_get(struct nl *nl, struct sas *sas)
{
	struct nl_error error;
	struct nlmsghdr *nlh;
	union request req;
	int ret;

	memset(sas, 0, sizeof(*sas));
	ret = nl_open_xfrm(nl);
	if (ret)
		return ret;
	nlh = mnl_nlmsg_put_header(&req);
	nlh->nlmsg_type = XFRM_MSG_GETSA;
	ret = nl_dump(&nl->xfrm, nlh, sas_add, sas_restart, sas, &error);
	if (ret)
		sas_free(sas);
	return ret;
}

void sas_free(struct sas *sas)
{
	free(sas->sa);
	memset(sas, 0, sizeof(*sas));
}

/* The reqid in use tells, as inbound SAs may come without the mark. */
static bool sa_between(const struct sa *sa, const struct addr *src,
		       const struct addr *dst, const struct dev *dev)
{
	return dev->peer.family && sa->state.spi &&
	       addr_equal(&sa->state.src, src) &&
	       addr_equal(&sa->state.dst, dst) &&
	       (!dev->peer_reqid || sa->state.reqid == dev->peer_reqid) &&
	       sa->state.if_id == dev->if_id;
}

bool sa_out_of(const struct sa *sa, const struct dev *dev)
{
	return sa_between(sa, &dev->local, &dev->peer, dev);
}

bool sa_in_of(const struct sa *sa, const struct dev *dev)
{
	return sa_between(sa, &dev->peer, &dev->local, dev);
}
