// SPDX-License-Identifier: GPL-2.0
/*
 * MTU: the largest inner packet whose ESP packet fits the lower device.
 *
 * The lower MTU is that of the route to the peer: its own "mtu" metric, or
 * the MTU of the device that it leaves by. Path MTUs that were learned do not
 * count, they go away again: transmit answers for those. What ESP adds is
 * asked of the SA, which knows its cipher, its padding and its UDP header. In
 * policy mode a packet may take several SAs, and each of them is asked.
 *
 * Locking: RTNL. What is known of SAs is copied under xvti_sa_lock, and the core
 * is asked for the SA and the route without it: its own locks come before.
 */

#include <linux/rtnetlink.h>
#include <net/addrconf.h>
#include <net/ip6_route.h>
#include <net/route.h>

#include "binding.h"
#include "device.h"
#include "handover.h"
#include "mtu.h"
#include "proto.h"
#include "route.h"

/* Before there is an SA: AES-CBC with HMAC-SHA-512 over UDP, the most that
 * the common ciphers add (RFC 3602, RFC 4868, RFC 3948).
 */
#define XVTI_ESTIMATE_HEADERS	(8 + 8 + 16 + 32)
#define XVTI_ESTIMATE_BLOCK	16
#define XVTI_ESP_TRAILER	2

static u32 xvti_lower_mtu4(const struct xvti_dev *xv,
			   const xfrm_address_t *remote, u32 mark)
{
	struct rtable *rt;
	u32 mtu;

	rt = xvti_route_outer4(xv->net, xv->conf.link, &xv->conf.local, remote,
			       mark);
	if (IS_ERR(rt))
		return 0;
	mtu = dst_metric_raw(&rt->dst, RTAX_MTU) ?: READ_ONCE(rt->dst.dev->mtu);
	ip_rt_put(rt);
	return mtu;
}

static u32 xvti_lower_mtu6(const struct xvti_dev *xv,
			   const xfrm_address_t *remote, u32 mark)
{
	struct flowi6 fl6 = {
		.daddr = remote->in6,
		.saddr = xv->conf.local.in6,
		.flowi6_oif = xvti_route_oif(xv->net, xv->conf.link),
		.flowi6_mark = mark,
	};
	struct dst_entry *dst;
	u32 mtu = 0;

	dst = ip6_route_output(xv->net, NULL, &fl6);
	if (!dst->error) {
		/* the metric of an exception is a learned path MTU */
		if (!(((struct rt6_info *)dst)->rt6i_flags & RTF_CACHE))
			mtu = dst_metric_raw(dst, RTAX_MTU);
		mtu = mtu ?: READ_ONCE(dst->dev->mtu);
	}
	dst_release(dst);
	return mtu;
}

static u32 xvti_lower_mtu(const struct xvti_dev *xv,
			  const struct xfrm_state *x)
{
	u32 mark = x ? xvti_x_output_mark(x, xv->conf.mark.v) : 0;
	xfrm_address_t remote;

	spin_lock_bh(&xvti_sa_lock);
	remote = xv->peer;
	spin_unlock_bh(&xvti_sa_lock);
	if (!xv->conf.family || xfrm_addr_any(&remote, xv->conf.family))
		return 0;
	return xv->conf.family == AF_INET6 ?
	       xvti_lower_mtu6(xv, &remote, mark) :
	       xvti_lower_mtu4(xv, &remote, mark);
}

static u32 xvti_estimate(const struct xvti_dev *xv, u32 lower)
{
	u32 headers = XVTI_ESTIMATE_HEADERS;

	headers += xv->conf.family == AF_INET6 ? sizeof(struct ipv6hdr) :
						 sizeof(struct iphdr);
	if (lower <= headers + XVTI_ESTIMATE_BLOCK)
		return 0;
	return round_down(lower - headers, XVTI_ESTIMATE_BLOCK) -
	       XVTI_ESP_TRAILER;
}

/* The outbound SA held on to, or the newest, which the core prefers too; with
 * a reference.
 */
static struct xfrm_state *xvti_sa_in_use(const struct xvti_dev *xv, u8 proto,
					 u8 mode)
{
	const struct xvti_sa *sa;
	xfrm_address_t daddr;
	bool found = false;
	u32 mark = 0;
	__be32 spi = 0;

	spin_lock_bh(&xvti_sa_lock);
	list_for_each_entry(sa, &xv->sas, dev_node) {
		if (sa->mode == mode && sa->proto == proto &&
		    xvti_handover_sends(xv, sa)) {
			daddr = sa->daddr;
			spi = sa->spi;
			mark = sa->mark.v;
			found = true;
			break;
		}
	}
	spin_unlock_bh(&xvti_sa_lock);
	if (!found)
		return NULL;
	return xfrm_state_lookup(xv->net, mark, &daddr, spi, proto,
				 xv->conf.family);
}

/* The SA that makes the outer header, by which the core finds the route. */
static struct xfrm_state *xvti_sa_tunnel(const struct xvti_dev *xv)
{
	struct xfrm_state *x;

	x = xvti_sa_in_use(xv, IPPROTO_ESP, XFRM_MODE_TUNNEL);
	if (!x && xv->conf.mode == XVTI_MODE_POLICY)
		x = xvti_sa_in_use(xv, IPPROTO_AH, XFRM_MODE_TUNNEL);
	if (!x && xv->conf.mode == XVTI_MODE_POLICY)
		x = xvti_sa_in_use(xv, IPPROTO_COMP, XFRM_MODE_TUNNEL);
	return x;
}

/* What the newest SA of a kind leaves of an MTU. */
static int xvti_mtu_through(const struct xvti_dev *xv, u8 proto, u8 mode,
			    int mtu, bool *found)
{
	struct xfrm_state *x = xvti_sa_in_use(xv, proto, mode);

	if (!x)
		return mtu;
	mtu = xfrm_state_mtu(x, mtu);
	xfrm_state_put(x);
	*found = true;
	return mtu;
}

/* Policy mode: what all the bound SAs together leave, or 0 if there are none.
 * AH is the outermost; then ESP in transport mode, which leaves the tunnel to
 * IPComp, whose own SA need not be bound; then whatever is in tunnel mode. If
 * policies disagree on which of these to use it is less than some need.
 */
static u32 xvti_mtu_policy(const struct xvti_dev *xv, int mtu)
{
	static const u8 tunnels[] = { IPPROTO_ESP, IPPROTO_AH, IPPROTO_COMP };
	bool found = false;
	int least, i;

	mtu = xvti_mtu_through(xv, IPPROTO_AH, XFRM_MODE_TRANSPORT, mtu,
			       &found);
	mtu = xvti_mtu_through(xv, IPPROTO_ESP, XFRM_MODE_TRANSPORT, mtu,
			       &found);
	least = mtu;
	if (found)
		least -= xv->conf.family == AF_INET6 ? sizeof(struct ipv6hdr) :
						       sizeof(struct iphdr);
	for (i = 0; i < ARRAY_SIZE(tunnels); i++)
		least = min(least, xvti_mtu_through(xv, tunnels[i],
						    XFRM_MODE_TUNNEL, mtu,
						    &found));
	return found ? max(least, 0) : 0;
}

static u32 xvti_mtu_floor(const struct net_device *dev)
{
	const struct inet6_dev *idev = __in6_dev_get(dev);

	return idev && !READ_ONCE(idev->cnf.disable_ipv6) ? IPV6_MIN_MTU :
							    XVTI_MTU_MIN;
}

static u32 xvti_mtu_auto(const struct xvti_dev *xv, struct xfrm_state *x,
			 enum xvti_mtu_source *source)
{
	u32 mtu, floor = xvti_mtu_floor(xv->dev);

	*source = XVTI_MTU_SOURCE_DEFAULT;
	if (!xv->lower_mtu)
		return IPV6_MIN_MTU;

	if (xv->conf.mode == XVTI_MODE_POLICY)
		mtu = xvti_mtu_policy(xv, xv->lower_mtu);
	else
		/* below 0 where the path is too narrow for any packet */
		mtu = x ? max_t(int, xfrm_state_mtu(x, xv->lower_mtu), 0) : 0;
	if (mtu) {
		*source = XVTI_MTU_SOURCE_SA;
	} else {
		*source = XVTI_MTU_SOURCE_ESTIMATE;
		mtu = xvti_estimate(xv, xv->lower_mtu);
	}
	if (mtu < floor) {
		*source = XVTI_MTU_SOURCE_FLOOR;
		mtu = floor;
	}
	return min_t(u32, mtu, XVTI_MTU_MAX);
}

/**
 * xvti_mtu_update() - follow what the MTU depends on
 * @xv: device
 *
 * Context: process, RTNL.
 */
void xvti_mtu_update(struct xvti_dev *xv)
{
	enum xvti_mtu_source source = XVTI_MTU_SOURCE_USER;
	struct xfrm_state *x;
	u32 mtu;

	ASSERT_RTNL();
	x = xvti_sa_tunnel(xv);
	xv->lower_mtu = xvti_lower_mtu(xv, x);
	mtu = xv->conf.mtu ?: xvti_mtu_auto(xv, x, &source);
	if (x)
		xfrm_state_put(x);
	if (mtu == xv->dev->mtu && source == xv->mtu_source)
		return;

	xv->mtu_source = source;
	set_bit(XVTI_EVENT_MTU, &xv->events);
	if (mtu == xv->dev->mtu)
		return;
	xv->mtu_following = true;
	if (dev_set_mtu(xv->dev, mtu))
		net_warn_ratelimited("%s: MTU %u refused\n", xv->dev->name,
				     mtu);
	xv->mtu_following = false;
}

/**
 * xvti_change_mtu() - ndo_change_mtu
 * @dev: device
 * @mtu: MTU in octets; the core has checked it against min_mtu and max_mtu
 *
 * A number that a user sets stays until the user asks for "mtu auto".
 *
 * Context: process, RTNL.
 * Return: 0.
 */
int xvti_change_mtu(struct net_device *dev, int mtu)
{
	struct xvti_dev *xv = netdev_priv(dev);

	ASSERT_RTNL();
	if (!xv->mtu_following) {
		spin_lock_bh(&xvti_sa_lock);
		xv->conf.mtu = mtu;
		spin_unlock_bh(&xvti_sa_lock);
		xv->mtu_source = XVTI_MTU_SOURCE_USER;
		set_bit(XVTI_EVENT_MTU, &xv->events);
		xvti_schedule(xv, xvti_rtnl_wq, &xv->rtnl_work);
	}
	dev->mtu = mtu;
	return 0;
}
