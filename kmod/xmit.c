// SPDX-License-Identifier: GPL-2.0
/*
 * Transmit: from the overlay's route to the xfrm core's output.
 *
 * Locking: the path takes no lock of the module, allocates nothing and writes
 * nothing that CPUs share. It relies on RCU for the outbound side, on disabled BH
 * for the CPU's own slot and counters, and on dst_check() for the bundle. Where
 * there is no bundle, or the SA held on to in a rekey ends, xvti_sa_lock or the
 * queue's may be taken. As long as an SA is held on to, packets are cloned.
 *
 * Nothing leaves without a transform: a packet either gets a bundle that
 * xvti_bundle_build() has verified, or is dropped and counted.
 */

#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/percpu.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "acquire.h"
#include "binding.h"
#include "bundle.h"
#include "handover.h"
#include "inner.h"
#include "proto.h"
#include "queue.h"
#include "stats.h"
#include "xmit.h"

/* Tunnels in tunnels, before it is taken for a loop over several devices.
 * The core's own limit comes at twice that, without a reason to be seen. It is all
 * that there is with PREEMPT_RT, where others may send on this CPU before a packet
 * is sent: there it counts by task.
 */
#define XVTI_MAX_NESTED	4

static DEFINE_PER_CPU(unsigned int, xvti_nested);

static bool xvti_nested_deep(void)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) &&
	       __this_cpu_read(xvti_nested) >= XVTI_MAX_NESTED;
}

static void xvti_nested_add(int levels)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		__this_cpu_add(xvti_nested, levels);
}

/* What the network layers keep in a packet's control block. */
union xvti_network_cb {
	struct inet_skb_parm	h4;
	struct inet6_skb_parm	h6;
};

static bool xvti_fits(const struct sk_buff *skb, unsigned int mtu)
{
	if (skb_is_gso(skb))
		return skb_gso_validate_network_len(skb, mtu);
	return skb->len <= mtu;
}

/* Tell the sender of a packet over the path MTU, if it asked to be told. What
 * it does not ask for leaves in outer fragments. This comes before the packet
 * loses what ties it to the overlay, where the error has to go.
 */
static bool xvti_too_big(struct sk_buff *skb, enum xvti_inner inner,
			 unsigned int mtu)
{
	if (inner == XVTI_INNER6) {
		mtu = max_t(unsigned int, mtu, IPV6_MIN_MTU);
		if (xvti_fits(skb, mtu))
			return false;
		skb_dst_update_pmtu_no_confirm(skb, mtu);
		icmpv6_ndo_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
		return true;
	}
	if (!(ip_hdr(skb)->frag_off & htons(IP_DF)))
		return false;
	skb_dst_update_pmtu_no_confirm(skb, mtu);
	icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
	return true;
}

/* What the core's output function says in the control block of the outer
 * family, so that netfilter does not send the ESP packet through xfrm again.
 */
static void xvti_mark_transformed(struct sk_buff *skb, u16 outer)
{
	if (outer == AF_INET6)
		IP6CB(skb)->flags |= IP6SKB_XFRM_TRANSFORMED;
	else
		IPCB(skb)->flags |= IPSKB_XFRM_TRANSFORMED;
}

/* Hand a packet to the xfrm core; it is consumed. One that is over the MTU and
 * got here is to leave in outer fragments: for IPv6 that means to go past the
 * core's own output function, which would judge it once more by the limits of
 * the socket that it came from.
 */
static int xvti_output_one(struct xvti_dev *xv, struct sk_buff *skb,
			   struct dst_entry *dst, bool oversize)
{
	bool past = oversize && skb->protocol == htons(ETH_P_IPV6);
	int err;

	skb_scrub_packet(skb, !net_eq(xv->net, dev_net(xv->dev)));
	skb_dst_set(skb, dst);
	skb->dev = dst->dev;
	skb->ignore_df = oversize;

	xvti_nested_add(1);
	if (unlikely(past)) {
		skb_orphan(skb);
		xvti_mark_transformed(skb, dst->xfrm->props.family);
		err = xfrm_output(NULL, skb);
	} else {
		err = dst_output(xv->net, skb->sk, skb);
	}
	xvti_nested_add(-1);
	return net_xmit_eval(err);
}

/* A GSO packet that the core would not be able to cut, in segments. */
static int xvti_output_cut(struct xvti_dev *xv, struct sk_buff *skb,
			   struct dst_entry *dst)
{
	struct sk_buff *next, *segment;
	int err = 0;

	segment = skb_gso_segment(skb, NETIF_F_SG | NETIF_F_HW_CSUM);
	if (IS_ERR_OR_NULL(segment)) {
		dst_release(dst);
		kfree_skb(skb);
		return -EINVAL;
	}
	consume_skb(skb);
	for (; segment; segment = next) {
		next = segment->next;
		segment->next = NULL;
		dst_hold(dst);
		err = xvti_output_one(xv, segment, dst, false) ?: err;
	}
	dst_release(dst);
	return err;
}

static int xvti_output(struct xvti_dev *xv, struct sk_buff *skb,
		       struct dst_entry *dst, enum xvti_inner inner,
		       bool oversize)
{
	if (skb_is_gso(skb) && !oversize &&
	    !xvti_x_cuts(dst->xfrm, xvti_inner_family(inner)))
		return xvti_output_cut(xv, skb, dst);
	return xvti_output_one(xv, skb, dst, oversize);
}

static struct dst_entry *xvti_xmit_bundle(struct xvti_dev *xv,
					  enum xvti_inner inner,
					  unsigned int *reason)
{
	struct xvti_out *out = rcu_dereference(xv->out);
	struct dst_entry *dst;

	if (unlikely(!out)) {
		*reason = READ_ONCE(xv->conf.family) ?
			  XVTI_A_STATS_TX_NO_SA : XVTI_A_STATS_TX_UNCONFIGURED;
		return NULL;
	}
	if (unlikely(xvti_nested_deep())) {
		*reason = XVTI_A_STATS_TX_LOOP;
		return NULL;
	}
	dst = xvti_bundle_get(out, inner);
	if (unlikely(!dst))
		dst = xvti_bundle_build(xv, out, inner, reason);
	return dst;
}

/* Is a bundle of the database the device's? First in it comes the SA in tunnel
 * mode, then those in transport mode that share its outer header. One of them
 * has to be bound, by which the peer knows the packet for the device's: IPComp
 * proves nothing, and alone protects nothing.
 */
static bool xvti_bundle_bound(const struct xvti_dev *xv, struct dst_entry *dst)
{
	const struct xfrm_state *x = dst->xfrm;

	if (x->props.mode != XFRM_MODE_TUNNEL)
		return false;
	do {
		if (xvti_proto_proves(x->id.proto) && xvti_binding_state(xv, x))
			return true;
		dst = xfrm_dst_child(dst);
		x = dst ? dst->xfrm : NULL;
	} while (x && x->props.mode == XFRM_MODE_TRANSPORT);
	return false;
}

/* Policy mode: what the database says for this packet, and nothing kept. A
 * result for other endpoints belongs to a policy that is not this device's.
 */
static struct dst_entry *xvti_xmit_policy(struct xvti_dev *xv,
					  struct sk_buff *skb,
					  enum xvti_inner inner,
					  unsigned int *changes,
					  unsigned int *reason)
{
	struct dst_entry *dst;
	struct flowi fl;

	*reason = XVTI_A_STATS_TX_LOOP;
	if (xvti_nested_deep())
		return NULL;

	memset(&fl, 0, sizeof(fl));
	*reason = XVTI_A_STATS_TX_PROTOCOL;
	if (xvti_decode_session(xv->net, skb, &fl, xvti_inner_family(inner)))
		return NULL;
	fl.flowi_oif = xv->conf.link;
	fl.flowi_mark = xv->conf.mark.v;
	*changes = xvti_queue_changes(xv);
	dst = xvti_bundle_spd(xv, &fl, inner, reason);
	if (!dst)
		return NULL;

	if (dst->dev != xv->dev && xvti_bundle_bound(xv, dst))
		return dst;
	*reason = dst->dev == xv->dev ? XVTI_A_STATS_TX_LOOP :
					XVTI_A_STATS_TX_POLICY;
	dst_release(dst);
	return NULL;
}

/* Without an SA: ask for one, and wait for it if there is room. */
static bool xvti_xmit_waits(struct xvti_dev *xv, struct sk_buff *skb,
			    enum xvti_inner inner, unsigned int changes)
{
	/* in policy mode the lookup itself has asked */
	if (READ_ONCE(xv->conf.mode) == XVTI_MODE_DIRECT)
		xvti_acquire(xv, skb, inner);
	return xvti_queue_add(xv, skb, changes);
}

/* An SA that the device holds on to in a rekey may come to its end with a packet
 * on the way into it: that one has to be sent again, by the SA that follows.
 */
static struct sk_buff *xvti_spare(const struct xvti_dev *xv,
				  struct sk_buff *skb)
{
	const struct xvti_out *out = rcu_dereference(xv->out);

	if (likely(!out || !READ_ONCE(out->spi)))
		return NULL;
	return skb_clone(skb, GFP_ATOMIC);
}

/* Send a packet by an SA that is held on to; it is consumed. Only the end of the SA
 * is a reason to let it go, not a full queue or a firewall's rule.
 */
static void xvti_send_held(struct xvti_dev *xv, struct sk_buff *skb,
			   struct sk_buff *spare, struct dst_entry *dst,
			   enum xvti_inner inner, bool oversize, bool waits)
{
	struct xfrm_state *x = dst->xfrm;
	unsigned int len = skb->len;

	xfrm_state_hold(x);
	if (!xvti_output(xv, skb, dst, inner, oversize)) {
		xvti_stats_tx(xv, len);
		consume_skb(spare);
	} else if (READ_ONCE(x->km.state) == XFRM_STATE_VALID) {
		xvti_stats_lost(xv, spare, inner, len);
		kfree_skb(spare);
	} else {
		xvti_handover_drop(xv);
		xvti_send(xv, spare, waits);
	}
	xfrm_state_put(x);
}

/**
 * xvti_send() - send an inner packet
 * @xv: device
 * @skb: inner packet, or GSO packet; consumed
 * @waits: without an SA it may wait for one
 *
 * Context: BH disabled, no lock.
 */
void xvti_send(struct xvti_dev *xv, struct sk_buff *skb, bool waits)
{
	unsigned int reason, len = skb->len, changes = 0;
	struct dst_entry *dst;
	enum xvti_inner inner;
	struct sk_buff *spare;
	unsigned int mtu;
	bool oversize;

	/* up to 4.19 disabled BH does not stop call_rcu() */
	rcu_read_lock();
	/* what a qdisc has left here is read as the network layer's, when an
	 * error is sent or a flow is decoded; no more is, and to clear all of
	 * it takes the compiler a string instruction
	 */
	memset(skb->cb, 0, sizeof(union xvti_network_cb));
	if (unlikely(!xvti_inner_get(skb, &inner))) {
		reason = XVTI_A_STATS_TX_PROTOCOL;
		goto drop;
	}
	/* AF_PACKET sets none where it does not understand what it sends, and
	 * the core's tunnel mode takes what is there for the inner one
	 */
	if (unlikely(!skb_transport_header_was_set(skb)))
		skb_reset_transport_header(skb);
	if (likely(READ_ONCE(xv->conf.mode) == XVTI_MODE_DIRECT))
		dst = xvti_xmit_bundle(xv, inner, &reason);
	else
		dst = xvti_xmit_policy(xv, skb, inner, &changes, &reason);
	if (unlikely(!dst)) {
		if (waits && reason == XVTI_A_STATS_TX_NO_SA &&
		    xvti_xmit_waits(xv, skb, inner, changes))
			goto out;
		goto unreachable;
	}

	mtu = dst_mtu(dst);
	oversize = unlikely(len > mtu) && !xvti_fits(skb, mtu);
	if (unlikely(oversize) && xvti_too_big(skb, inner, mtu)) {
		dst_release(dst);
		reason = XVTI_A_STATS_TX_TOO_BIG;
		goto drop;
	}
	spare = xvti_spare(xv, skb);
	if (unlikely(spare))
		xvti_send_held(xv, skb, spare, dst, inner, oversize, waits);
	else if (likely(!xvti_output(xv, skb, dst, inner, oversize)))
		xvti_stats_tx(xv, len);
	else
		xvti_stats_lost(xv, skb, inner, len);
	goto out;

unreachable:
	dst_link_failure(skb);
drop:
	xvti_stats_drop(xv, skb, reason);
	kfree_skb(skb);
out:
	rcu_read_unlock();
}

/**
 * xvti_xmit() - ndo_start_xmit
 * @skb: inner packet, or GSO packet; consumed
 * @dev: the tunnel device
 *
 * Context: BH disabled, no lock (lockless transmit).
 * Return: NETDEV_TX_OK.
 */
netdev_tx_t xvti_xmit(struct sk_buff *skb, struct net_device *dev)
{
	xvti_send(netdev_priv(dev), skb, true);
	return NETDEV_TX_OK;
}
