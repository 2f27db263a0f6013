// SPDX-License-Identifier: GPL-2.0
/*
 * Bundles: the core's chain of route, SA and outer route that dst_output()
 * walks. vti and xfrmi build and free one for each packet; here it is kept,
 * one for each device, CPU and inner family.
 *
 * A bundle that is used for every flow must not depend on any: it is built
 * with the device's private policy, whose selector is any/any, and on a
 * neutral inner route that belongs to no flow, no device of ours and no
 * routing table. Its MTU is above all others, so that the bundle's MTU is
 * what the outer path and the SA leave.
 *
 * Locking: readers hold rcu_read_lock() and take a reference of their own. Only
 * the CPU itself fills its slots, with BH disabled; a flush empties those of all
 * CPUs, under xvti_sa_lock or when the last reader has gone. Whoever empties a
 * slot takes the pointer out with xchg() and drops the slot's reference, which
 * the core turns into a release after a grace period. The core is asked for
 * bundles without a lock.
 */

#include <linux/ipv6.h>
#include <net/addrconf.h>
#include <net/ip6_route.h>
#include <net/l3mdev.h>
#include <net/route.h>

#include "bundle.h"
#include "handover.h"
#include "route.h"
#include "sa.h"
#include "stats.h"

/* Shared by all devices: it is only ever referenced when a bundle is built. That of
 * IPv6 is NULL where IPv6 is turned off, ipv6.disable=1: then it has no routes.
 */
static struct dst_entry *xvti_neutral[XVTI_INNER_MAX];

#define XVTI_NEUTRAL_MTU	65535

static struct dst_entry *xvti_neutral_init4(struct net_device *lo)
{
	struct dst_metrics *metrics;
	struct rtable *rt;

	metrics = kzalloc(sizeof(*metrics), GFP_KERNEL);
	if (!metrics)
		return NULL;
	rt = rt_dst_alloc(lo, 0, RTN_UNICAST, false);
	if (!rt) {
		kfree(metrics);
		return NULL;
	}
	/* freed with the route, by ipv4_dst_destroy() */
	refcount_set(&metrics->refcnt, 1);
	metrics->metrics[RTAX_MTU - 1] = XVTI_NEUTRAL_MTU;
	dst_init_metrics(&rt->dst, metrics->metrics, true);
	return &rt->dst;
}

static struct dst_entry *xvti_neutral_init6(struct net_device *lo)
{
	struct rt6_info *rt;

	rt = ip6_dst_alloc(&init_net, lo, DST_NOCOUNT);
	if (!rt)
		return NULL;
	dst_metric_set(&rt->dst, RTAX_MTU, XVTI_NEUTRAL_MTU);
	return &rt->dst;
}

/**
 * xvti_bundle_init() - make the neutral routes
 *
 * Return: 0 or -ENOMEM.
 */
int xvti_bundle_init(void)
{
	struct net_device *lo = init_net.loopback_dev;
	int inner;

	for (inner = 0; inner < XVTI_INNER_MAX; inner++) {
		struct dst_entry *dst;

		if (inner == XVTI_INNER6 && !ipv6_mod_enabled())
			continue;
		dst = inner == XVTI_INNER6 ? xvti_neutral_init6(lo) :
					     xvti_neutral_init4(lo);
		if (!dst) {
			xvti_bundle_exit();
			return -ENOMEM;
		}
		xvti_neutral[inner] = dst;
		dst->obsolete = DST_OBSOLETE_NONE;
		dst->input = dst_discard;
		dst->output = dst_discard_out;
	}
	return 0;
}

/**
 * xvti_bundle_exit() - give the neutral routes up
 *
 * A bundle on its way may outlive the module: it holds a reference to its
 * neutral route, whose functions are all the core's.
 */
void xvti_bundle_exit(void)
{
	int inner;

	for (inner = 0; inner < XVTI_INNER_MAX; inner++)
		dst_release(xvti_neutral[inner]);
}

static unsigned int xvti_slot_drop(struct dst_entry __rcu **slot)
{
	struct dst_entry *dst;

	dst = xchg((__force struct dst_entry **)slot, NULL);
	dst_release(dst);
	return !!dst;
}

/**
 * xvti_out_flush() - give all cached bundles up, on all CPUs
 * @out: outbound side
 *
 * Context: xvti_sa_lock, or nobody else has @out.
 * Return: how many there were.
 */
unsigned int xvti_out_flush(struct xvti_out *out)
{
	unsigned int count = 0;
	int cpu, inner;

	/* after the event that it is for: pairs with xvti_bundle_build() */
	smp_store_release(&out->gen, out->gen + 1);
	/* pairs with the one in xvti_slot_store() */
	smp_mb();
	for_each_possible_cpu(cpu)
		for (inner = 0; inner < XVTI_INNER_MAX; inner++)
			count += xvti_slot_drop(&per_cpu_ptr(out->slots,
							     cpu)->dst[inner]);
	return count;
}

/**
 * xvti_bundle_flush() - give all bundles of a device up
 * @xv: device
 *
 * Context: xvti_sa_lock.
 */
void xvti_bundle_flush(struct xvti_dev *xv)
{
	struct xvti_out *out = xvti_sa_dereference(xv->out);

	lockdep_assert_held(&xvti_sa_lock);
	if (out)
		xvti_stats_add(xv, XVTI_A_STATS_CACHE_FLUSH,
			       xvti_out_flush(out));
}

/* Keep a bundle, with a reference of its own, unless the cache was flushed
 * while it was built: the event that it was flushed for may have been too
 * early for the bundle to see and too late for the flush to find it.
 */
static void xvti_slot_store(struct xvti_dev *xv, struct xvti_out *out,
			    enum xvti_inner inner, struct dst_entry *dst,
			    unsigned int gen)
{
	struct dst_entry __rcu **slot;
	struct dst_entry *old;

	slot = &this_cpu_ptr(out->slots)->dst[inner];
	dst_hold(dst);
	old = xchg((__force struct dst_entry **)slot, dst);
	dst_release(old);
	/* nobody gave it up, so dst_check() has found it wanting */
	xvti_stats_add(xv, XVTI_A_STATS_CACHE_STALE, !!old);
	/* pairs with the one in xvti_out_flush() */
	smp_mb();
	if (READ_ONCE(out->gen) != gen)
		xvti_slot_drop(slot);
}

/* The core falls back to the policy database when it finds the private policy
 * wanting, and that bundle would then serve everyone.
 */
static bool xvti_bundle_private(const struct xvti_out *out,
				enum xvti_inner inner,
				const struct dst_entry *dst)
{
	const struct xfrm_dst *xdst = (const struct xfrm_dst *)dst;
	const struct xvti_tmpl *tmpl = &out->tmpl;
	const struct xfrm_state *x = dst->xfrm;

	return x && !(dst->flags & DST_XFRM_QUEUE) &&
	       xdst->pols[0] ==
	       rcu_access_pointer(out->sk[inner]->sk_policy[XFRM_POLICY_OUT]) &&
	       x->id.proto == IPPROTO_ESP &&
	       x->props.mode == XFRM_MODE_TUNNEL &&
	       x->props.family == tmpl->family &&
	       x->props.reqid == tmpl->reqid &&
	       xvti_x_if_id(x) == tmpl->if_id &&
	       /* up to 5.8 the core compares it with that of the SA's own selector */
	       (!x->sel.family || x->sel.family == xvti_inner_family(inner)) &&
	       xfrm_addr_equal(&x->id.daddr, &tmpl->remote, tmpl->family) &&
	       xfrm_addr_equal(&x->props.saddr, &tmpl->local, tmpl->family);
}

/* Why a bundle is not one for this device; 0 if it is. An SA without a mark
 * fits every mark in the core's eyes: it may be bound by that of its policies,
 * or be somebody else's.
 */
static unsigned int xvti_bundle_wrong(const struct xvti_dev *xv,
				      const struct xvti_out *out,
				      enum xvti_inner inner,
				      const struct dst_entry *dst)
{
	const struct xfrm_mark *mark = &out->tmpl.mark;
	struct xfrm_state *x = dst->xfrm;
	const struct xvti_sa *sa;

	if (!xvti_bundle_private(out, inner, dst))
		return XVTI_A_STATS_TX_CLEAR;
	if (x->mark.v == mark->v && (!mark->m || x->mark.m == mark->m))
		return 0;
	if (x->mark.m)
		return XVTI_A_STATS_TX_CLEAR;
	sa = xvti_sa_find(x);
	if (!sa) {
		/* so new that the core has yet to tell of it */
		xvti_sa_resync(xvti_pernet(xv->net));
		return XVTI_A_STATS_TX_NO_SA;
	}
	return rcu_access_pointer(sa->xv) == xv ? 0 : XVTI_A_STATS_TX_CLEAR;
}

/* The core drops the reference to the neutral route, or hands it back. */
static struct dst_entry *xvti_bundle_lookup(struct net *net,
					    const struct flowi *fl,
					    const struct sock *sk,
					    enum xvti_inner inner, u32 if_id)
{
	if (unlikely(!xvti_neutral[inner]))
		return ERR_PTR(-ENETUNREACH);
	dst_hold(xvti_neutral[inner]);
	return xfrm_lookup_with_ifid(net, xvti_neutral[inner], fl, sk, 0,
				     if_id);
}

/**
 * xvti_bundle_probe() - look a flow up for the acquire that it may raise
 * @net: underlay
 * @fl: the flow
 * @sk: socket with a private policy, or NULL for the database
 * @inner: inner family
 * @if_id: interface id of the policies
 *
 * Context: RCU read side, BH disabled.
 * Return: whether a policy was found.
 */
bool xvti_bundle_probe(struct net *net, const struct flowi *fl,
		       const struct sock *sk, enum xvti_inner inner, u32 if_id)
{
	struct dst_entry *dst;

	xvti_assert_packet();
	dst = xvti_bundle_lookup(net, fl, sk, inner, if_id);
	if (IS_ERR(dst))
		return true;
	dst_release(dst);
	return dst != xvti_neutral[inner];
}

static unsigned int xvti_bundle_error(long err)
{
	switch (err) {
	case -EAGAIN:
	case -EREMOTE:
	case -ESRCH:
		return XVTI_A_STATS_TX_NO_SA;
	case -EPERM:
		return XVTI_A_STATS_TX_POLICY;
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -ENETDOWN:
	case -ENODEV:
		return XVTI_A_STATS_TX_NO_ROUTE;
	default:
		return XVTI_A_STATS_TX_ERROR;
	}
}

/* Tell those who make packets how much room ESP and the lower device need in
 * front, or each packet of a local socket is copied to make it. It never gets
 * less; the limit is for devices that send through each other.
 */
#define XVTI_MAX_HEADROOM	512

static void xvti_bundle_room(struct net_device *dev,
			     const struct dst_entry *dst)
{
	unsigned int room = LL_RESERVED_SPACE(dst->dev) + dst->header_len;

	if (room > READ_ONCE(dev->needed_headroom))
		WRITE_ONCE(dev->needed_headroom,
			   min_t(unsigned int, room, XVTI_MAX_HEADROOM));
}

/* A new bundle goes by another device, or a route of another size: the MTU
 * may have to follow. In policy mode each packet has a new one, and those of two SAs
 * may take turns: then RTNL is not taken for each.
 */
static void xvti_bundle_lower(struct xvti_dev *xv, const struct dst_entry *dst)
{
	struct net_device *lower = dst->dev;
	u32 mtu = dst_mtu(dst);

	xvti_bundle_room(xv->dev, dst);
	if (READ_ONCE(xv->lower) == lower->ifindex &&
	    READ_ONCE(xv->bundle_mtu) == mtu)
		return;
	if (!xvti_due(&xv->lower_last, HZ) &&
	    READ_ONCE(xv->conf.mode) == XVTI_MODE_POLICY)
		return;
	if (xvti_is_xvti(lower)) {
		struct xvti_dev *other = netdev_priv(lower);

		WRITE_ONCE(other->is_lower, true);
	}
	WRITE_ONCE(xv->lower, lower->ifindex);
	WRITE_ONCE(xv->bundle_mtu, mtu);
	xvti_schedule(xv, xvti_rtnl_wq, &xv->rtnl_work);
}

/* The core's lookup takes of an interface only the VRF that it is in. */
static bool xvti_bundle_by_link(const struct dst_entry *dst, int link)
{
	return !link || dst->dev->ifindex == link ||
	       l3mdev_master_ifindex_rcu(dst->dev) == link;
}

/* What a NIC is to transform leaves by that NIC or in the clear: the core up to
 * 6.13 sends it where the route leads.
 */
static bool xvti_bundle_by_nic(const struct dst_entry *dst)
{
	const struct net_device *dev = dst->dev, *nic;

	for (; dst && dst->xfrm; dst = xfrm_dst_child(dst)) {
		nic = xvti_x_packet_nic(dst->xfrm);
		if (nic && nic != dev)
			return false;
	}
	return true;
}

/**
 * xvti_bundle_spd() - a bundle by the policy database
 * @xv: device in policy mode
 * @fl: flow of the packet
 * @inner: inner family
 * @reason: XVTI_A_STATS_TX_* if there is none
 *
 * Context: RCU read side, BH disabled.
 * Return: a bundle with a transform and a reference for the caller, or NULL.
 */
struct dst_entry *xvti_bundle_spd(struct xvti_dev *xv, const struct flowi *fl,
				  enum xvti_inner inner, unsigned int *reason)
{
	struct dst_entry *dst;

	xvti_assert_packet();
	dst = xvti_bundle_lookup(xv->net, fl, NULL, inner, 0);
	if (IS_ERR(dst)) {
		*reason = xvti_bundle_error(PTR_ERR(dst));
		return NULL;
	}
	if (!dst->xfrm || (dst->flags & DST_XFRM_QUEUE)) {
		*reason = XVTI_A_STATS_TX_POLICY;
		dst_release(dst);
		return NULL;
	}
	if (!xvti_bundle_by_link(dst, xv->conf.link) ||
	    !xvti_bundle_by_nic(dst)) {
		*reason = XVTI_A_STATS_TX_NO_ROUTE;
		dst_release(dst);
		return NULL;
	}
	xvti_bundle_lower(xv, dst);
	return dst;
}

static struct xfrm_state *xvti_bundle_held(const struct xvti_out *out,
					   __be32 spi)
{
	const struct xvti_tmpl *tmpl = &out->tmpl;
	struct xfrm_state *x;

	x = xfrm_state_lookup(out->net, tmpl->mark.v & tmpl->mark.m,
			      &tmpl->remote, spi, IPPROTO_ESP, tmpl->family);
	if (x && READ_ONCE(x->km.state) != XFRM_STATE_VALID) {
		xfrm_state_put(x);
		return NULL;
	}
	return x;
}

/* Does the core have an SA for the private policies? It tells of its changes
 * a little later than they happen, and this question raises no acquire. With
 * a reference.
 */
static struct xfrm_state *xvti_bundle_state(struct xvti_dev *xv,
					    const struct xvti_out *out)
{
	struct xvti_tmpl tmpl = out->tmpl;
	__be32 spi = READ_ONCE(out->spi);
	struct xfrm_state *x;

	if (unlikely(spi)) {
		x = xvti_bundle_held(out, spi);
		if (x)
			return x;
		xvti_handover_drop(xv);
	}
	return xvti_stateonly_find(out->net, tmpl.mark.v & tmpl.mark.m,
				   tmpl.if_id, &tmpl.remote, &tmpl.local,
				   tmpl.family, XFRM_MODE_TUNNEL, IPPROTO_ESP,
				   tmpl.reqid);
}

/* An IPv6 bundle needs a lower device that does IPv6, even where the outer
 * packet is IPv4, and a device below 1280 octets does not. The core refuses as
 * well, but until 2026 it gave the reference to the device back twice, and the
 * device could never be deleted (xfrm6_fill_dst()).
 */
static bool xvti_bundle_lower6(const struct xvti_out *out,
			       const struct xfrm_state *x)
{
	const struct xvti_tmpl *tmpl = &out->tmpl;
	struct rtable *rt;
	bool able;

	if (tmpl->family == AF_INET6)
		return true;
	rt = xvti_route_outer4(out->net, tmpl->link, &tmpl->local,
			       &tmpl->remote,
			       xvti_x_output_mark(x, tmpl->mark.v));
	if (IS_ERR(rt))
		return false;
	able = __in6_dev_get(rt->dst.dev);
	ip_rt_put(rt);
	return able;
}

/* Is it worth to ask the core for a bundle? Without a usable SA in sight it would
 * raise an acquire for the any/any flow, which no daemon asked for.
 */
static bool xvti_bundle_possible(struct xvti_dev *xv,
				 const struct xvti_out *out,
				 enum xvti_inner inner, unsigned int *reason)
{
	struct xfrm_state *x;
	bool able;

	*reason = XVTI_A_STATS_TX_NO_SA;
	if (!(READ_ONCE(xv->usable_out) & BIT(inner)))
		return false;

	/* Where there is an SA, the policies name none that is gone: pairs with
	 * xvti_binding_update().
	 */
	smp_rmb();
	x = xvti_bundle_state(xv, out);
	if (!x) {
		xvti_sa_resync(xvti_pernet(xv->net));
		return false;
	}
	able = inner != XVTI_INNER6 || xvti_bundle_lower6(out, x);
	xfrm_state_put(x);
	*reason = XVTI_A_STATS_TX_NO_ROUTE;
	return able;
}

/**
 * xvti_bundle_build() - get a bundle from the core and keep it
 * @xv: device
 * @out: its outbound side
 * @inner: inner family
 * @reason: XVTI_A_STATS_TX_* if there is none
 *
 * Context: RCU read side, BH disabled.
 * Return: the bundle with a reference for the caller, or NULL.
 */
struct dst_entry *xvti_bundle_build(struct xvti_dev *xv, struct xvti_out *out,
				    enum xvti_inner inner,
				    unsigned int *reason)
{
	const struct xvti_tmpl *tmpl = &out->tmpl;
	unsigned int gen = READ_ONCE(out->gen);
	struct flowi fl = {
		.flowi_oif = tmpl->link,
		.flowi_mark = tmpl->mark.v,
	};
	struct dst_entry *dst;

	xvti_assert_packet();
	/* the generation is read before the core is asked: pairs with
	 * xvti_out_flush()
	 */
	smp_rmb();
	if (!xvti_bundle_possible(xv, out, inner, reason))
		return NULL;

	xvti_stats_inc(xv, XVTI_A_STATS_CACHE_MISS);
	dst = xvti_bundle_lookup(out->net, &fl, out->sk[inner], inner,
				 tmpl->if_id);
	if (IS_ERR(dst)) {
		*reason = xvti_bundle_error(PTR_ERR(dst));
		if (*reason == XVTI_A_STATS_TX_NO_SA)
			xvti_sa_resync(xvti_pernet(xv->net));
		return NULL;
	}
	*reason = xvti_bundle_wrong(xv, out, inner, dst);
	if (*reason)
		goto err_release;
	if (dst->dev == xv->dev) {
		*reason = XVTI_A_STATS_TX_LOOP;
		goto err_release;
	}
	if (!xvti_bundle_by_link(dst, tmpl->link)) {
		*reason = XVTI_A_STATS_TX_NO_ROUTE;
		goto err_release;
	}
	xvti_bundle_lower(xv, dst);
	xvti_slot_store(xv, out, inner, dst, gen);
	return dst;

err_release:
	dst_release(dst);
	return NULL;
}
