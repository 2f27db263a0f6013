// SPDX-License-Identifier: GPL-2.0
/*
 * Generic netlink: configuration, dump and events. The specification is
 * Documentation/netlink/specs/xvti.yaml.
 *
 * A device is found in the netns of the caller, which is its overlay. What is
 * told of the underlay is the netnsid and the endpoints, as for any tunnel;
 * to change them takes CAP_NET_ADMIN over both.
 *
 * Locking: RTNL, from where a device is found until it is done with; requests are
 * not serialised by the family. xvti_sa_lock besides, so that what is told of SAs
 * is of one moment.
 */

#include <linux/rtnetlink.h>
#include <net/genetlink.h>
#include <net/netlink.h>

#include "binding.h"
#include "device.h"
#include "netlink.h"
#include "stats.h"

static struct genl_family xvti_family;

static const struct nla_policy xvti_dev_policy[XVTI_A_DEV_MAX + 1] = {
	[XVTI_A_DEV_IFINDEX]	= { .type = NLA_U32 },
	[XVTI_A_DEV_IFNAME]	= { .type = NLA_NUL_STRING,
				    .len = IFNAMSIZ - 1 },
	[XVTI_A_DEV_LOCAL]	= { .type = NLA_BINARY,
				    .len = sizeof(struct in6_addr) },
	[XVTI_A_DEV_REMOTE]	= { .type = NLA_BINARY,
				    .len = sizeof(struct in6_addr) },
	[XVTI_A_DEV_REQID]	= { .type = NLA_U32 },
	[XVTI_A_DEV_MARK]	= { .type = NLA_U32 },
	[XVTI_A_DEV_MARK_MASK]	= { .type = NLA_U32 },
	[XVTI_A_DEV_IF_ID]	= { .type = NLA_U32 },
	[XVTI_A_DEV_LINK]	= { .type = NLA_U32 },
	[XVTI_A_DEV_MODE]	= { .type = NLA_U32 },
	[XVTI_A_DEV_CARRIER]	= { .type = NLA_U32 },
	[XVTI_A_DEV_MTU]	= { .type = NLA_U32 },
	[XVTI_A_DEV_QUEUE]	= { .type = NLA_U32 },
};

static struct xvti_dev *xvti_netlink_find(struct genl_info *info)
{
	struct nlattr *index = info->attrs[XVTI_A_DEV_IFINDEX];
	struct nlattr *name = info->attrs[XVTI_A_DEV_IFNAME];
	struct net *net = genl_info_net(info);
	struct net_device *dev;

	if (!index == !name) {
		NL_SET_ERR_MSG(info->extack,
			       "either ifindex or ifname names the device");
		return ERR_PTR(-EINVAL);
	}
	dev = index ? __dev_get_by_index(net, nla_get_u32(index)) :
		      __dev_get_by_name(net, nla_data(name));
	if (!dev) {
		NL_SET_ERR_MSG_ATTR(info->extack, index ?: name,
				    "no such device");
		return ERR_PTR(-ENODEV);
	}
	if (!xvti_is_xvti(dev)) {
		NL_SET_ERR_MSG_ATTR(info->extack, index ?: name,
				    "not an xvti device");
		return ERR_PTR(-EOPNOTSUPP);
	}
	return netdev_priv(dev);
}

static int xvti_put_addr(struct sk_buff *msg, int attr,
			 const xfrm_address_t *addr, u16 family)
{
	return nla_put(msg, attr, family == AF_INET6 ? sizeof(addr->in6) :
						       sizeof(addr->a4), addr);
}

static bool xvti_put_binding(struct sk_buff *msg, const struct xvti_conf *conf)
{
	return (!conf->reqid ||
		!nla_put_u32(msg, XVTI_A_DEV_REQID, conf->reqid)) &&
	       (!conf->mark.m ||
		(!nla_put_u32(msg, XVTI_A_DEV_MARK, conf->mark.v) &&
		 !nla_put_u32(msg, XVTI_A_DEV_MARK_MASK, conf->mark.m))) &&
	       (!conf->if_id ||
		!nla_put_u32(msg, XVTI_A_DEV_IF_ID, conf->if_id)) &&
	       (!conf->link ||
		!nla_put_u32(msg, XVTI_A_DEV_LINK, conf->link));
}

static bool xvti_put_conf(struct sk_buff *msg, const struct xvti_dev *xv)
{
	const struct xvti_conf *conf = &xv->conf;

	return !xvti_put_addr(msg, XVTI_A_DEV_LOCAL, &conf->local,
			      conf->family) &&
	       !xvti_put_addr(msg, XVTI_A_DEV_REMOTE, &conf->remote,
			      conf->family) &&
	       xvti_put_binding(msg, conf) &&
	       (xfrm_addr_any(&xv->peer, conf->family) ||
		!xvti_put_addr(msg, XVTI_A_DEV_PEER, &xv->peer,
			       conf->family)) &&
	       (!xv->reqid ||
		!nla_put_u32(msg, XVTI_A_DEV_PEER_REQID, xv->reqid));
}

static bool xvti_put_state(struct sk_buff *msg, const struct xvti_dev *xv)
{
	return !nla_put_u32(msg, XVTI_A_DEV_MODE, xv->conf.mode) &&
	       !nla_put_u32(msg, XVTI_A_DEV_CARRIER, xv->conf.carrier) &&
	       !nla_put_u32(msg, XVTI_A_DEV_MTU, xv->dev->mtu) &&
	       !nla_put_u32(msg, XVTI_A_DEV_MTU_SOURCE, xv->mtu_source) &&
	       (!xv->lower_mtu ||
		!nla_put_u32(msg, XVTI_A_DEV_LOWER_MTU, xv->lower_mtu)) &&
	       !nla_put_u32(msg, XVTI_A_DEV_QUEUE, xv->conf.queue) &&
	       !nla_put_u8(msg, XVTI_A_DEV_RUNNING,
			   netif_running(xv->dev) &&
			   netif_carrier_ok(xv->dev)) &&
	       !nla_put_u32(msg, XVTI_A_DEV_SA_OUT, xv->sa_out) &&
	       !nla_put_u32(msg, XVTI_A_DEV_SA_IN, xv->sa_in);
}

static bool xvti_put_stats(struct sk_buff *msg, const struct xvti_dev *xv)
{
	struct nlattr *nest = nla_nest_start(msg, XVTI_A_DEV_STATS);
	unsigned int i;

	if (!nest)
		return false;
	for (i = 1; i <= XVTI_A_STATS_MAX; i++)
		if (nla_put_u64_64bit(msg, i, xvti_stats_count(xv, i),
				      XVTI_A_STATS_PAD))
			return false;
	nla_nest_end(msg, nest);
	return true;
}

static bool xvti_put_times(struct sk_buff *msg, const struct xvti_dev *xv)
{
	time64_t time;
	unsigned int reason = xvti_stats_last(xv, &time);

	return !nla_put_u64_64bit(msg, XVTI_A_DEV_SINCE, xv->since,
				  XVTI_A_DEV_PAD) &&
	       (!reason ||
		(!nla_put_u32(msg, XVTI_A_DEV_DROP_REASON, reason) &&
		 !nla_put_u64_64bit(msg, XVTI_A_DEV_DROP_TIME, time,
				    XVTI_A_DEV_PAD)));
}

/* The underlay is told to who could see it by rtnetlink too. */
static bool xvti_put_underlay(struct sk_buff *msg, const struct xvti_dev *xv)
{
	struct net *net = dev_net(xv->dev);

	return net_eq(net, xv->net) ||
	       !nla_put_s32(msg, XVTI_A_DEV_UNDERLAY_NETNSID,
			    xvti_peernet2id(net, xv->net));
}

static int xvti_fill(struct sk_buff *msg, struct xvti_dev *xv, u32 portid,
		     u32 seq, int flags, u8 cmd, struct netlink_callback *cb)
{
	void *hdr;
	bool ok;

	hdr = genlmsg_put(msg, portid, seq, &xvti_family, flags, cmd);
	if (!hdr)
		return -EMSGSIZE;
	if (cb)
		genl_dump_check_consistent(cb, hdr);

	ok = !nla_put_u32(msg, XVTI_A_DEV_IFINDEX, xv->dev->ifindex) &&
	     !nla_put_string(msg, XVTI_A_DEV_IFNAME, xv->dev->name) &&
	     xvti_put_underlay(msg, xv);
	spin_lock_bh(&xvti_sa_lock);
	ok = ok && (!xv->conf.family || xvti_put_conf(msg, xv)) &&
	     xvti_put_state(msg, xv) && xvti_put_times(msg, xv);
	spin_unlock_bh(&xvti_sa_lock);
	ok = ok && xvti_put_stats(msg, xv);
	if (!ok) {
		genlmsg_cancel(msg, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);
	return 0;
}

static int xvti_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct xvti_dev *xv;
	struct sk_buff *msg;
	int err;

	msg = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;

	rtnl_lock();
	xv = xvti_netlink_find(info);
	if (IS_ERR(xv))
		err = PTR_ERR(xv);
	else
		err = xvti_fill(msg, xv, info->snd_portid, info->snd_seq, 0,
				XVTI_CMD_DEV_GET, NULL);
	rtnl_unlock();
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return genlmsg_reply(msg, info);
}

/* The device of a chain that has the smallest ifindex above @last. Chains are
 * short, and what else comes and goes between two parts of a dump leaves this
 * order as it is: each device that stays is told exactly once.
 */
static struct xvti_dev *xvti_dump_next(struct net *net, unsigned int chain,
				       int last)
{
	struct net_device *dev, *next = NULL;

	hlist_for_each_entry(dev, &net->dev_index_head[chain], index_hlist)
		if (dev->ifindex > last && xvti_is_xvti(dev) &&
		    (!next || dev->ifindex < next->ifindex))
			next = dev;
	return next ? netdev_priv(next) : NULL;
}

static int xvti_get_dumpit(struct sk_buff *msg, struct netlink_callback *cb)
{
	struct net *net = sock_net(msg->sk);
	struct xvti_dev *xv;
	int err = 0;

	rtnl_lock();
	cb->seq = READ_ONCE(net->dev_base_seq);
	while (!err && cb->args[0] < NETDEV_HASHENTRIES) {
		xv = xvti_dump_next(net, cb->args[0], cb->args[1]);
		if (!xv) {
			cb->args[0]++;
			cb->args[1] = 0;
			continue;
		}
		err = xvti_fill(msg, xv, NETLINK_CB(cb->skb).portid,
				cb->nlh->nlmsg_seq, NLM_F_MULTI,
				XVTI_CMD_DEV_GET, cb);
		if (!err)
			cb->args[1] = xv->dev->ifindex;
	}
	rtnl_unlock();
	return err && !msg->len ? err : msg->len;
}

/* What the core refuses by itself from 5.2 on. */
static int xvti_netlink_known(struct genl_info *info)
{
	struct nlattr *attr;
	int type, rem;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		type = nla_type(attr);
		if (type <= XVTI_A_DEV_MAX && xvti_dev_policy[type].type)
			continue;
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "not an attribute that can be set");
		return -EINVAL;
	}
	return 0;
}

static int xvti_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct xvti_conf conf;
	struct xvti_dev *xv;
	int err;

	err = xvti_netlink_known(info);
	if (err)
		return err;

	rtnl_lock();
	xv = xvti_netlink_find(info);
	if (IS_ERR(xv)) {
		err = PTR_ERR(xv);
		goto out;
	}
	/* the caller's netns, the overlay, was checked before */
	if (!netlink_ns_capable(skb, xv->net->user_ns, CAP_NET_ADMIN)) {
		NL_SET_ERR_MSG(info->extack,
			       "CAP_NET_ADMIN is needed in the underlay as well");
		err = -EPERM;
		goto out;
	}
	conf = xv->conf;
	err = xvti_conf_parse(xv, info->attrs, &conf, info->extack);
	if (err)
		goto out;
	err = xvti_conf_apply(xv, &conf, info->extack);
out:
	rtnl_unlock();
	return err;
}

/**
 * xvti_netlink_notify() - tell listeners in the overlay of what has changed
 * @xv: device; its events are taken
 *
 * Context: process, RTNL.
 */
void xvti_netlink_notify(struct xvti_dev *xv)
{
	struct net *net = dev_net(xv->dev);
	struct sk_buff *msg;

	ASSERT_RTNL();
	if (!xchg(&xv->events, 0))
		return;
	if (!genl_has_listeners(&xvti_family, net, 0))
		return;
	msg = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!msg)
		return;
	if (xvti_fill(msg, xv, 0, 0, 0, XVTI_CMD_DEV_NTF, NULL)) {
		nlmsg_free(msg);
		return;
	}
	genlmsg_multicast_netns(&xvti_family, net, msg, 0, 0, GFP_KERNEL);
}

static const struct genl_ops xvti_ops[] = {
	{
		.cmd	= XVTI_CMD_DEV_GET,
		.doit	= xvti_get_doit,
		.dumpit	= xvti_get_dumpit,
		XVTI_GENL_OP_POLICY(xvti_dev_policy)
	},
	{
		.cmd	= XVTI_CMD_DEV_SET,
		.flags	= GENL_UNS_ADMIN_PERM,
		.doit	= xvti_set_doit,
		XVTI_GENL_OP_POLICY(xvti_dev_policy)
	},
};

static const struct genl_multicast_group xvti_groups[] = {
	{ .name = XVTI_MCGRP_EVENTS },
};

static struct genl_family xvti_family __ro_after_init = {
	.name		= XVTI_FAMILY_NAME,
	.version	= XVTI_FAMILY_VERSION,
	.maxattr	= XVTI_A_DEV_MAX,
	XVTI_GENL_FAMILY_POLICY(xvti_dev_policy)
	XVTI_GENL_RESV_START(XVTI_CMD_DEV_NTF + 1)
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= xvti_ops,
	.n_ops		= ARRAY_SIZE(xvti_ops),
	.mcgrps		= xvti_groups,
	.n_mcgrps	= ARRAY_SIZE(xvti_groups),
};

/**
 * xvti_netlink_init() - register the family
 *
 * Return: 0 or a negative error.
 */
int __init xvti_netlink_init(void)
{
	return genl_register_family(&xvti_family);
}

/**
 * xvti_netlink_exit() - unregister the family
 */
void xvti_netlink_exit(void)
{
	genl_unregister_family(&xvti_family);
}
