// SPDX-License-Identifier: GPL-2.0
/*
 * Receive: the core decrypts, and then asks whose packet it is.
 *
 * Of all ESP packets of the host only those are taken whose SA is bound to a
 * device; everything else passes through untouched. The SA that decrypted a
 * packet has proved who sent it, so no inbound policy is consulted: the
 * binding stands for it, and the secpath is reset when it has been verified.
 * In policy mode the database is asked, and AH and IPComp come by here too.
 *
 * Locking: the core calls in with BH disabled, by which the CPU's own note and
 * counters are written, and with no lock of an SA; whether it is an RCU reader
 * depends on where the cipher has finished. SAs and their devices are read under
 * RCU. xvti_sa_lock is taken for an SA that is not known yet, and for the first
 * packet that comes by a new one.
 */

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/percpu.h>
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/protocol.h>
#include <net/xfrm.h>

#include "binding.h"
#include "device.h"
#include "handover.h"
#include "inner.h"
#include "pmtu.h"
#include "proto.h"
#include "rcv.h"
#include "sa.h"
#include "stats.h"

/* What the handler has done to a packet that its callback has to know. The
 * core runs from one to the other on the same CPU, unless the cipher is
 * asynchronous: then the mark keeps the bits of the SA's mark, and a refused
 * packet is counted as rx_error too.
 */
struct xvti_rcv_note {
	const struct sk_buff	*skb;
	u32			mark;
	bool			marked;
};

static DEFINE_PER_CPU(struct xvti_rcv_note, xvti_rcv_note);

/* With PREEMPT_RT, disabled BH keeps no other packet from this CPU: what is written
 * of one is whole, and may be lost to the other.
 */
static void xvti_rcv_note_set(const struct sk_buff *skb, u32 mark, bool marked)
{
	struct xvti_rcv_note *note;

	preempt_disable();
	note = this_cpu_ptr(&xvti_rcv_note);
	note->skb = skb;
	note->mark = mark;
	note->marked = marked;
	preempt_enable();
}

static bool xvti_rcv_note_take(const struct sk_buff *skb, bool marked,
			       u32 *mark)
{
	struct xvti_rcv_note *note;
	bool taken;

	preempt_disable();
	note = this_cpu_ptr(&xvti_rcv_note);
	taken = note->skb == skb && note->marked == marked;
	if (taken) {
		*mark = note->mark;
		note->skb = NULL;
	}
	preempt_enable();
	return taken;
}

/* The inbound SA with a mark that a packet of ours belongs to, if there is
 * one. The address is taken after the header is made linear.
 */
static const struct xvti_sa *xvti_rcv_marked(struct sk_buff *skb, u16 family,
					     u8 proto)
{
	const struct xvti_dev *xv;
	const struct xvti_sa *sa;
	xfrm_address_t daddr;
	__be32 spi, seq;

	if (xfrm_parse_spi(skb, proto, &spi, &seq))
		return NULL;
	if (family == AF_INET6)
		daddr.in6 = ipv6_hdr(skb)->daddr;
	else
		daddr.a4 = ip_hdr(skb)->daddr;
	sa = xvti_sa_find_marked(dev_net(skb->dev), &daddr, spi, proto, family);
	xv = sa ? rcu_dereference(sa->xv) : NULL;
	if (!xv || (proto != IPPROTO_ESP &&
		    READ_ONCE(xv->conf.mode) != XVTI_MODE_POLICY))
		return NULL;
	return sa;
}

/* Straight to the core: a vti with the same endpoints would put its own key in
 * the place of the mark.
 */
static int xvti_rcv_input(struct sk_buff *skb, u16 family, u8 proto,
			  const struct xfrm_mark *mark, int encap_type)
{
	u32 before;
	int ret;

	xvti_rcv_note_set(skb, skb->mark, true);
	skb->mark = (skb->mark & ~mark->m) | mark->v;

	XFRM_TUNNEL_SKB_CB(skb)->tunnel.ip4 = NULL;
	XFRM_SPI_SKB_CB(skb)->family = family;
	XFRM_SPI_SKB_CB(skb)->daddroff = family == AF_INET6 ?
					 offsetof(struct ipv6hdr, daddr) :
					 offsetof(struct iphdr, daddr);
	ret = xfrm_input(skb, proto, 0, encap_type);
	/* by now another packet may be where this one was */
	xvti_rcv_note_take(skb, true, &before);
	return ret;
}

/* Up to 4.18 the core takes a reference to the packet's dst later, may find
 * that it has died, and then dereferences the NULL that is left of it
 * (0152eee6fc3b). A packet from ESP GRO has none, and needs none. Whose packet
 * this one was is not known yet: it is counted where later cores count it.
 */
static bool xvti_rcv_dst_lost(struct sk_buff *skb)
{
	if (!skb_dst(skb))
		return false;
	skb_dst_force(skb);
	return !skb_dst(skb);
}

/**
 * xvti_rcv() - an ESP or AH packet has come, whoever it may be for
 * @skb: packet
 * @family: outer family
 * @proto: IPPROTO_ESP or _AH
 * @encap_type: of ESP in UDP, or 0
 *
 * Context: RCU read side, BH disabled.
 * Return: 0 if it is consumed, -EINVAL to go on with the next handler, in the
 * end the core's own.
 */
int xvti_rcv(struct sk_buff *skb, u16 family, u8 proto, int encap_type)
{
	struct xvti_net *xn = xvti_pernet(dev_net(skb->dev));
	const struct xvti_sa *sa;
	struct xfrm_mark mark;

	if (!READ_ONCE(xn->tracking))
		return -EINVAL;
	if (unlikely(xvti_rcv_dst_lost(skb))) {
		XFRM_INC_STATS(dev_net(skb->dev), LINUX_MIB_XFRMINERROR);
		kfree_skb(skb);
		return 0;
	}
	if (likely(!READ_ONCE(xn->marked_in)))
		return -EINVAL;

	this_cpu_ptr(&xvti_rcv_note)->skb = NULL;
	rcu_read_lock();
	sa = xvti_rcv_marked(skb, family, proto);
	if (sa)
		mark = sa->mark;
	rcu_read_unlock();
	return sa ? xvti_rcv_input(skb, family, proto, &mark, encap_type) :
		    -EINVAL;
}

static int xvti_rcv4(struct sk_buff *skb)
{
	return xvti_rcv(skb, AF_INET, IPPROTO_ESP, 0);
}

static int xvti_rcv6(struct sk_buff *skb)
{
	return xvti_rcv(skb, AF_INET6, IPPROTO_ESP, 0);
}

static int xvti_input4(struct sk_buff *skb, int nexthdr, __be32 spi,
		       int encap_type)
{
	return xvti_rcv(skb, AF_INET, IPPROTO_ESP, encap_type);
}

static int __maybe_unused xvti_input6(struct sk_buff *skb, int nexthdr,
				      __be32 spi, int encap_type)
{
	return xvti_rcv(skb, AF_INET6, IPPROTO_ESP, encap_type);
}

/* Give the packet the mark that it would have had. */
static void xvti_rcv_restore_mark(struct sk_buff *skb)
{
	const struct sec_path *sp = skb_sec_path(skb);
	u32 mark;

	if (likely(this_cpu_read(xvti_rcv_note.skb) != skb) ||
	    !xvti_rcv_note_take(skb, true, &mark))
		return;
	skb->mark = mark;
	if (sp && sp->len)
		skb->mark = xvti_x_set_mark(sp->xvec[sp->len - 1], skb->mark);
}

/* What comes next for this packet is its end, which has been counted. */
static void xvti_rcv_counted(const struct sk_buff *skb)
{
	xvti_rcv_note_set(skb, 0, false);
}

/* The device that an SA belongs to, and what the packet needs to know of the
 * SA: @copy is filled where the SA is not known, having come without an event.
 */
static struct xvti_dev *xvti_rcv_dev(struct xfrm_state *x, struct xvti_net *xn,
				     const struct xvti_sa **known,
				     struct xvti_sa *copy)
{
	const struct xvti_sa *sa = xvti_sa_find(x);
	struct xvti_dev *xv;

	if (likely(sa)) {
		*known = sa;
		xv = rcu_dereference(sa->xv);
		return xv && sa->dir == XVTI_IN ? xv : NULL;
	}

	xvti_sa_fill(copy, x);
	copy->unused = false;
	*known = copy;
	spin_lock_bh(&xvti_sa_lock);
	xv = xvti_binding_find(copy, &copy->dir);
	copy->foreign = xv && !xfrm_addr_any(&xv->peer, copy->family) &&
			!xfrm_addr_equal(&copy->saddr, &xv->peer,
					 copy->family);
	spin_unlock_bh(&xvti_sa_lock);
	if (!xv || copy->dir != XVTI_IN)
		return NULL;
	xvti_sa_resync(xn);
	return xv;
}

/* Whose packet is it? In direct mode the last SA says so, and it is ESP's. In
 * policy mode it may have come by several that share one outer header: AH or
 * IPComp in tunnel mode, say, after ESP in transport mode. Any of them can be
 * the one that is bound, but not IPComp's, which proves nothing.
 */
static struct xvti_dev *xvti_rcv_find(const struct sec_path *sp,
				      struct xvti_net *xn,
				      const struct xvti_sa **sa,
				      struct xvti_sa *copy)
{
	int i, last = sp->len - 1;
	struct xvti_dev *xv;

	for (i = last; i >= 0; i--) {
		struct xfrm_state *x = sp->xvec[i];

		if (i < last && x->props.mode != XFRM_MODE_TRANSPORT)
			break;
		if (!xvti_proto_proves(x->id.proto))
			continue;
		xv = xvti_rcv_dev(x, xn, sa, copy);
		if (xv && ((i == last && x->id.proto == IPPROTO_ESP) ||
			   READ_ONCE(xv->conf.mode) == XVTI_MODE_POLICY))
			return xv;
	}
	return NULL;
}

static bool xvti_ports_match(const struct sk_buff *skb, unsigned int offset,
			     const struct xfrm_selector *sel, u8 proto)
{
	__be16 ports[2], *p;

	if (!sel->sport_mask && !sel->dport_mask)
		return true;
	switch (proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		break;
	default:
		return false;
	}
	p = skb_header_pointer(skb, offset, sizeof(ports), ports);
	return p && !((p[0] ^ sel->sport) & sel->sport_mask) &&
	       !((p[1] ^ sel->dport) & sel->dport_mask);
}

static bool xvti_selector_match4(const struct sk_buff *skb,
				 const struct xfrm_selector *sel)
{
	const struct iphdr *iph = ip_hdr(skb);

	return addr4_match(iph->saddr, sel->saddr.a4, sel->prefixlen_s) &&
	       addr4_match(iph->daddr, sel->daddr.a4, sel->prefixlen_d) &&
	       (!sel->proto || sel->proto == iph->protocol) &&
	       ((!sel->sport_mask && !sel->dport_mask) ||
		(!ip_is_fragment(iph) &&
		 xvti_ports_match(skb, skb_network_offset(skb) + iph->ihl * 4,
				  sel, iph->protocol)));
}

/* What follows the extension headers, and where. A fragment that is not the
 * first has nothing of it, but says in its own header what it is a part of.
 */
static int xvti_upper6(const struct sk_buff *skb, u8 *proto, bool *part)
{
	struct frag_hdr buf, *frag;
	__be16 frag_off = 0;
	int offset;

	*proto = ipv6_hdr(skb)->nexthdr;
	offset = ipv6_skip_exthdr(skb, skb_network_offset(skb) +
				       sizeof(struct ipv6hdr),
				  proto, &frag_off);
	*part = frag_off & htons(IP6_OFFSET);
	if (offset < 0 || !*part)
		return offset;
	frag = skb_header_pointer(skb, offset, sizeof(buf), &buf);
	if (!frag)
		return -EINVAL;
	*proto = frag->nexthdr;
	return offset;
}

static bool xvti_selector_match6(const struct sk_buff *skb,
				 const struct xfrm_selector *sel)
{
	const struct ipv6hdr *ip6 = ipv6_hdr(skb);
	int offset;
	bool part;
	u8 proto;

	if (!addr_match(&ip6->saddr, &sel->saddr, sel->prefixlen_s) ||
	    !addr_match(&ip6->daddr, &sel->daddr, sel->prefixlen_d))
		return false;
	if (!sel->proto && !sel->sport_mask && !sel->dport_mask)
		return true;
	offset = xvti_upper6(skb, &proto, &part);
	return offset >= 0 && (!sel->proto || proto == sel->proto) &&
	       (!part || (!sel->sport_mask && !sel->dport_mask)) &&
	       xvti_ports_match(skb, offset, sel, proto);
}

/* RFC 4301, 5.2: the inner packet has to be one that the SA is for. */
static bool xvti_selector_match(const struct sk_buff *skb,
				enum xvti_inner inner,
				const struct xfrm_selector *sel)
{
	if (sel->family && sel->family != xvti_inner_family(inner))
		return false;
	if (likely(!sel->prefixlen_s && !sel->prefixlen_d && !sel->proto &&
		   !sel->sport_mask && !sel->dport_mask))
		return true;
	return inner == XVTI_INNER6 ? xvti_selector_match6(skb, sel) :
				      xvti_selector_match4(skb, sel);
}

/* In policy mode the core looks at what is in transport mode, whose selector
 * may be of the outer family.
 */
static bool xvti_selectors_match(const struct sk_buff *skb,
				 enum xvti_inner inner, bool policy)
{
	const struct sec_path *sp = skb_sec_path(skb);
	int i;

	for (i = 0; i < sp->len; i++) {
		const struct xfrm_state *x = sp->xvec[i];

		if (unlikely(policy) && x->props.mode == XFRM_MODE_TRANSPORT)
			continue;
		if (unlikely(!xvti_selector_match(skb, inner, &x->sel)))
			return false;
	}
	return true;
}

/* RFC 6040, 4.2: a router that marks the ESP packet instead of dropping it
 * trusts that somebody is told. Where the inner packet cannot tell, dropping
 * it does. The core has kept the outer header's traffic class.
 */
static bool xvti_rcv_congestion_lost(const struct sk_buff *skb,
				     enum xvti_inner inner,
				     const struct xfrm_state *x)
{
	u8 tos;

	if (likely(!INET_ECN_is_ce(XFRM_MODE_SKB_CB(skb)->tos)) ||
	    x->props.mode != XFRM_MODE_TUNNEL ||
	    x->props.flags & XFRM_STATE_NOECN)
		return false;
	tos = inner == XVTI_INNER6 ? ipv6_get_dsfield(ipv6_hdr(skb)) :
				     ipv4_get_dsfield(ip_hdr(skb));
	return INET_ECN_is_not_ect(tos);
}

/* Policy mode: the database has the last word, by the device's mark. The
 * macro-like variants of this check read a dst that is not there any more.
 */
static bool xvti_policy_check(const struct xvti_dev *xv, struct sk_buff *skb,
			      enum xvti_inner inner)
{
	u32 mark = skb->mark;
	bool ok;

	/* the decoder takes it for the inner network layer's */
	memset(skb->cb, 0, sizeof(skb->cb));
	skb->mark = READ_ONCE(xv->conf.mark.v);
	ok = __xfrm_policy_check(NULL, XFRM_POLICY_IN, skb,
				 xvti_inner_family(inner));
	skb->mark = mark;
	return ok;
}

/* The SA that decrypted a packet. */
static struct xfrm_state *xvti_rcv_sa(const struct sk_buff *skb)
{
	const struct sec_path *sp = skb_sec_path(skb);

	return sp->xvec[sp->len - 1];
}

/* Why a decrypted packet may not enter the overlay; 0 if it may. */
static unsigned int xvti_rcv_verify(const struct xvti_dev *xv,
				    struct sk_buff *skb, bool foreign)
{
	bool policy = READ_ONCE(xv->conf.mode) == XVTI_MODE_POLICY;
	const struct xfrm_state *x = xvti_rcv_sa(skb);
	enum xvti_inner inner;

	if (unlikely(foreign))
		return XVTI_A_STATS_RX_WRONG_PEER;
	if (unlikely(x->props.mode != XFRM_MODE_TUNNEL &&
		     x->props.mode != XFRM_MODE_BEET))
		return XVTI_A_STATS_RX_MODE;
	if (unlikely(!(READ_ONCE(xv->dev->flags) & IFF_UP)))
		return XVTI_A_STATS_RX_DOWN;
	if (unlikely(!xvti_inner_get(skb, &inner)))
		return XVTI_A_STATS_RX_SELECTOR;
	if (unlikely(!xvti_selectors_match(skb, inner, policy)))
		return XVTI_A_STATS_RX_SELECTOR;
	if (unlikely(xvti_rcv_congestion_lost(skb, inner, x)))
		return XVTI_A_STATS_RX_ECN;
	if (unlikely(policy) && !xvti_policy_check(xv, skb, inner))
		return XVTI_A_STATS_RX_POLICY;
	return 0;
}

static void xvti_rcv_deliver(struct xvti_dev *xv, struct sk_buff *skb)
{
	skb_reset_mac_header(skb);
	skb_set_queue_mapping(skb, 0);
	/* drops the secpath too: the binding was the inbound policy */
	skb_scrub_packet(skb, !net_eq(xv->net, dev_net(xv->dev)));
	skb->dev = xv->dev;
	xvti_stats_rx(xv, skb->len);
}

/* The core has refused the packet, or frees one that was refused here. */
static void xvti_rcv_failed(const struct xvti_dev *xv,
			    const struct sk_buff *skb)
{
	u32 mark;

	if (!xvti_rcv_note_take(skb, false, &mark))
		xvti_stats_drop(xv, skb, XVTI_A_STATS_RX_ERROR);
}

/* Has a cipher finished elsewhere than where the core called it? */
static bool xvti_rcv_async(const struct sk_buff *skb, const struct xvti_sa *sa)
{
	const struct sec_path *sp = skb_sec_path(skb);
	u8 async = sa->async;
	int i;

	if (unlikely(sp->len > 1))
		for (i = 0; i < sp->len; i++)
			async = max(async, xvti_sa_async(sp->xvec[i]));
	return async == XVTI_ASYNC_ANYWHERE ||
	       (async == XVTI_ASYNC_WORKER && !in_serving_softirq());
}

/* Deliver a clone, and let the core free the packet. That is for packets which
 * the core would not deliver itself, having seen transport mode alone; and
 * some cores (those with 1c428b038400 and without 8045c0df98d4) hold the
 * packet's device over an asynchronous cipher and afterwards release the one
 * that they find in the packet: those have to find their own again.
 */
static int xvti_rcv_detach(struct xvti_dev *xv, struct sk_buff *skb)
{
	struct sk_buff *clone = skb_clone(skb, GFP_ATOMIC);

	xvti_rcv_counted(skb);
	if (!clone) {
		xvti_stats_drop(xv, skb, XVTI_A_STATS_RX_ERROR);
		return -ENOMEM;
	}
	xvti_rcv_deliver(xv, clone);
	netif_rx(clone);
	return -EINPROGRESS;
}

static int xvti_rcv_bound(struct xvti_dev *xv, struct sk_buff *skb,
			  const struct xvti_sa *sa)
{
	unsigned int reason;
	bool detach;

	detach = unlikely(xvti_rcv_sa(skb)->props.mode == XFRM_MODE_TRANSPORT) &&
		 xvti_proto_uncompressed(xv, skb);
	reason = xvti_rcv_verify(xv, skb, READ_ONCE(sa->foreign));
	if (unlikely(reason)) {
		/* the secpath stays: the core still reads the SA there */
		xvti_stats_drop(xv, skb, reason);
		xvti_rcv_counted(skb);
		return -EPERM;
	}
	if (unlikely(READ_ONCE(sa->unused)))
		xvti_handover_used(xv, xvti_rcv_sa(skb));
	if (unlikely(detach || xvti_rcv_async(skb, sa)))
		return xvti_rcv_detach(xv, skb);
	xvti_rcv_deliver(xv, skb);
	return 0;
}

/**
 * xvti_rcv_cb() - xfrm4_protocol and xfrm6_protocol::cb_handler
 * @skb: decrypted packet, or one that failed
 * @err: 0, or not 0 when the core has given up
 *
 * Context: BH disabled; the core may hold no RCU lock.
 * Return: 0 if the packet is ours, negative to have it dropped, positive to
 * pass it on.
 */
int xvti_rcv_cb(struct sk_buff *skb, int err)
{
	struct sec_path *sp = skb_sec_path(skb);
	const struct xvti_sa *sa;
	struct xvti_sa copy;
	struct xvti_dev *xv;
	struct xvti_net *xn;
	int ret = 1;

	xvti_rcv_restore_mark(skb);
	if (!sp || !sp->len)
		return 1;
	xn = xvti_pernet(xs_net(sp->xvec[sp->len - 1]));
	if (!READ_ONCE(xn->tracking))
		return 1;

	rcu_read_lock();
	xv = xvti_rcv_find(sp, xn, &sa, &copy);
	if (xv && likely(!err)) {
		ret = xvti_rcv_bound(xv, skb, sa);
	} else if (xv) {
		xvti_rcv_failed(xv, skb);
		ret = 0;
	}
	rcu_read_unlock();
	return ret;
}

static struct xfrm4_protocol xvti_esp4 = {
	.handler	= xvti_rcv4,
	.input_handler	= xvti_input4,
	.cb_handler	= xvti_rcv_cb,
	.err_handler	= xvti_err4,
	.priority	= XVTI_RCV_PRIORITY,
};

static struct xfrm6_protocol xvti_esp6 = {
	.handler	= xvti_rcv6,
	XVTI_XFRM6_INPUT_HANDLER(xvti_input6)
	.cb_handler	= xvti_rcv_cb,
	.err_handler	= xvti_err6,
	.priority	= XVTI_RCV_PRIORITY,
};

/**
 * xvti_rcv_init() - register with the core's ESP receivers
 *
 * Return: 0 or a negative error.
 */
int xvti_rcv_init(void)
{
	int err;

	err = xfrm4_protocol_register(&xvti_esp4, IPPROTO_ESP);
	if (err)
		return err;
	err = xfrm6_protocol_register(&xvti_esp6, IPPROTO_ESP);
	if (err)
		xfrm4_protocol_deregister(&xvti_esp4, IPPROTO_ESP);
	return err;
}

/**
 * xvti_rcv_exit() - undo xvti_rcv_init()
 *
 * Waits for packets in the callback.
 */
void xvti_rcv_exit(void)
{
	xfrm6_protocol_deregister(&xvti_esp6, IPPROTO_ESP);
	xfrm4_protocol_deregister(&xvti_esp4, IPPROTO_ESP);
}
