/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that the module runs on, 4.14 to today.
 *
 * Included before every source file by Kbuild, so that those read as written
 * for one recent kernel. XVTI_HAVE_* come from probe.sh, which reads the
 * headers of the kernel that is built against.
 */

#ifndef _XVTI_COMPAT_H
#define _XVTI_COMPAT_H

#include <linux/crypto.h>
#include <linux/icmpv6.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/u64_stats_sync.h>
#include <net/fib_notifier.h>
#include <net/genetlink.h>
#include <net/icmp.h>
#include <net/route.h>
#include <net/rtnetlink.h>
#include <net/xfrm.h>

/* 5.9 */
#ifndef CRYPTO_ALG_ALLOCATES_MEMORY
#define CRYPTO_ALG_ALLOCATES_MEMORY	0
#endif

/* if_id came with xfrmi in 4.19 */
#ifdef XVTI_HAVE_IF_ID
static inline bool xvti_have_if_id(void)
{
	return true;
}

static inline u32 xvti_x_if_id(const struct xfrm_state *x)
{
	return x->if_id;
}

static inline void xvti_policy_set_if_id(struct xfrm_policy *xp, u32 if_id)
{
	xp->if_id = if_id;
}
#else
static inline bool xvti_have_if_id(void)
{
	return false;
}

static inline u32 xvti_x_if_id(const struct xfrm_state *x)
{
	return 0;
}

static inline void xvti_policy_set_if_id(struct xfrm_policy *xp, u32 if_id)
{
}

static inline struct dst_entry *
xfrm_lookup_with_ifid(struct net *net, struct dst_entry *dst_orig,
		      const struct flowi *fl, const struct sock *sk, int flags,
		      u32 if_id)
{
	return xfrm_lookup(net, dst_orig, fl, sk, flags);
}
#endif

static inline struct xfrm_state *
xvti_stateonly_find(struct net *net, u32 mark, u32 if_id,
		    xfrm_address_t *daddr, xfrm_address_t *saddr,
		    unsigned short family, u8 mode, u8 proto, u32 reqid)
{
#ifdef XVTI_HAVE_IF_ID
	return xfrm_stateonly_find(net, mark, if_id, daddr, saddr, family,
				   mode, proto, reqid);
#else
	return xfrm_stateonly_find(net, mark, daddr, saddr, family, mode,
				   proto, reqid);
#endif
}

/* 6.2: the NIC that transforms and routes the packets of an SA, or NULL; the core
 * finds such an SA for policies of that NIC only
 */
static inline const struct net_device *
xvti_x_packet_nic(const struct xfrm_state *x)
{
#ifdef XVTI_HAVE_PACKET_OFFLOAD
	return x->xso.type == XFRM_DEV_OFFLOAD_PACKET ? x->xso.dev : NULL;
#else
	return NULL;
#endif
}

/* 5.17: the core's ESP offload, which takes GSO packets whole once its modules are
 * there, cuts them by the family of the inner packet; before, by that of the outer
 * one, and drops what it cannot cut
 */
static inline bool xvti_x_cuts(const struct xfrm_state *x, unsigned short inner)
{
#ifdef XVTI_HAVE_ESP_GSO_FAMILY
	return true;
#else
	return !x->type_offload || x->props.family == inner;
#endif
}

/* 6.13: an SA for the packets of one CPU */
static inline bool xvti_x_per_cpu(const struct xfrm_state *x)
{
#ifdef XVTI_HAVE_PCPU_SA
	return x->pcpu_num != UINT_MAX;
#else
	return false;
#endif
}

/* 4.19: SAs that set marks, on packets sent and received; before it there was
 * an output mark alone
 */
static inline u32 xvti_x_output_mark(const struct xfrm_state *x, u32 mark)
{
#ifdef XVTI_HAVE_SMARK
	const struct xfrm_mark *set = &x->props.smark;

	return set->v || set->m ? (set->v & set->m) | (mark & ~set->m) : 0;
#else
	return x->props.output_mark;
#endif
}

static inline u32 xvti_x_set_mark(struct xfrm_state *x, u32 mark)
{
#ifdef XVTI_HAVE_SMARK
	return xfrm_smark_get(mark, x);
#else
	return mark;
#endif
}

/* 4.15 */
#ifndef XVTI_HAVE_DST_CHILD
static inline struct dst_entry *xfrm_dst_child(const struct dst_entry *dst)
{
	return dst->child;
}
#endif

/* lost the mark and the flags in 5.0 */
static inline void xvti_ipv4_update_pmtu(struct sk_buff *skb, struct net *net,
					 u32 mtu, int oif, u8 protocol)
{
#ifdef XVTI_HAVE_IPV4_UPDATE_PMTU_MARK
	ipv4_update_pmtu(skb, net, mtu, oif, 0, protocol, 0);
#else
	ipv4_update_pmtu(skb, net, mtu, oif, protocol);
#endif
}

/* the secpath became an extension in 5.0 */
#ifndef XVTI_HAVE_SKB_SEC_PATH
static inline struct sec_path *skb_sec_path(const struct sk_buff *skb)
{
	return skb->sp;
}
#endif

/* 6.8: the netns is no longer guessed from the packet's device. Older cores ask a
 * dst for its device, which one that tc or BPF has set for another tunnel lacks.
 */
static inline int xvti_decode_session(struct net *net, struct sk_buff *skb,
				      struct flowi *fl, unsigned int family)
{
	if (unlikely(skb_dst(skb) && !skb_dst(skb)->dev))
		skb_dst_drop(skb);
#ifdef XVTI_HAVE_DECODE_SESSION_NET
	return xfrm_decode_session(net, skb, fl, family);
#else
	return xfrm_decode_session(skb, fl, family);
#endif
}

/* sockptr_t came in 5.9; before it kernel threads may read their own memory
 * as a user's
 */
#ifndef XVTI_HAVE_SOCKPTR_POLICY
#define KERNEL_SOCKPTR(p)	((u8 __force __user *)(p))
#endif

/* not exported before 5.4; the types' own function, which only ESP had, was
 * dropped in 5.12
 */
#ifdef XVTI_HAVE_TYPE_GET_MTU
static inline int xvti_state_mtu(struct xfrm_state *x, int mtu)
{
	/* a larval SA has no type */
	if (x->km.state == XFRM_STATE_VALID && x->type && x->type->get_mtu)
		return x->type->get_mtu(x, mtu);
	return mtu - x->props.header_len;
}

#define xfrm_state_mtu	xvti_state_mtu
#endif

/* 5.8, with espintcp over IPv6 */
#ifdef XVTI_HAVE_XFRM6_INPUT_HANDLER
#define XVTI_XFRM6_INPUT_HANDLER(fn)	.input_handler = fn,
#else
#define XVTI_XFRM6_INPUT_HANDLER(fn)
#endif

/* lost its arguments in 4.20 and 5.12 */
#if defined(XVTI_HAVE_RT_DST_WILL_CACHE)
#define rt_dst_alloc(dev, flags, type, noxfrm) \
	rt_dst_alloc(dev, flags, type, false, noxfrm, false)
#elif defined(XVTI_HAVE_RT_DST_NOPOLICY)
#define rt_dst_alloc(dev, flags, type, noxfrm) \
	rt_dst_alloc(dev, flags, type, false, noxfrm)
#endif

/* renamed in 4.17, moved in 6.5 */
#ifdef XVTI_HAVE_NET_GSO_H
#include <net/gso.h>
#endif
#ifndef XVTI_HAVE_GSO_VALIDATE_NETWORK_LEN
#define skb_gso_validate_network_len	skb_gso_validate_mtu
#endif

/* 5.7 and some stable series: undo NAT before the error is sent */
#ifndef XVTI_HAVE_ICMP_NDO_SEND
#define icmp_ndo_send	icmp_send
#define icmpv6_ndo_send	icmpv6_send
#endif

/* 5.5 and stable series: learn a path MTU without confirming the neighbour */
#ifndef XVTI_HAVE_UPDATE_PMTU_NO_CONFIRM
static inline void skb_dst_update_pmtu_no_confirm(struct sk_buff *skb, u32 mtu)
{
	struct dst_entry *dst = skb_dst(skb);

	if (dst && dst->ops->update_pmtu)
		dst->ops->update_pmtu(dst, NULL, skb, mtu);
}
#endif

/* a feature flag until 6.12 */
static inline void xvti_dev_set_lltx(struct net_device *dev)
{
#ifdef XVTI_HAVE_DEV_LLTX
	dev->lltx = true;
#else
	dev->features |= NETIF_F_LLTX;
#endif
}

/* one argument struct from 6.15, which knows the netns of the link */
#ifdef XVTI_HAVE_NEWLINK_PARAMS
#define XVTI_COMPAT_NEWLINK(fn)
#define XVTI_NEWLINK(fn)	fn
#else
struct rtnl_newlink_params {
	struct net *link_net;
	struct nlattr **tb;
};

#define XVTI_COMPAT_NEWLINK(fn)						\
static int fn##_compat(struct net *src_net, struct net_device *dev,	\
		       struct nlattr *tb[], struct nlattr *data[],	\
		       struct netlink_ext_ack *extack)			\
{									\
	struct rtnl_newlink_params params = { .tb = tb };		\
									\
	return fn(dev, &params, extack);				\
}
#define XVTI_NEWLINK(fn)	fn##_compat
#endif

/* the policy of a family's attributes has lived in its ops, then in the
 * family, then in both
 */
#ifdef XVTI_HAVE_GENL_FAMILY_POLICY
#define XVTI_GENL_FAMILY_POLICY(p)	.policy = p,
#define XVTI_GENL_OP_POLICY(p)
#else
#define XVTI_GENL_FAMILY_POLICY(p)
#define XVTI_GENL_OP_POLICY(p)		.policy = p,
#endif

/* 6.1: commands from this one on are checked strictly */
#ifdef XVTI_HAVE_GENL_RESV_START
#define XVTI_GENL_RESV_START(cmd)	.resv_start_op = cmd,
#else
#define XVTI_GENL_RESV_START(cmd)
#endif

#ifdef XVTI_HAVE_GENL_DUMP_FAMILY
#define genl_dump_check_consistent(cb, hdr) \
	genl_dump_check_consistent(cb, hdr, &xvti_family)
#endif

/* the netnsid of the underlay; older kernels give one only where
 * rtnetlink has made it
 */
static inline int xvti_peernet2id(struct net *net, struct net *peer)
{
#ifdef XVTI_HAVE_PEERNET2ID_ALLOC_GFP
	return peernet2id_alloc(net, peer, GFP_ATOMIC);
#else
	return peernet2id(net, peer);
#endif
}

/* Until 5.6 one chain of route notifiers served all netns, and the event said
 * in which one it was.
 */
#ifdef XVTI_HAVE_FIB_NOTIFIER_NET
#define xvti_fib_net(nb, info) \
	(container_of(nb, struct xvti_net, route_nb)->net)

static inline int xvti_fib_register_net(struct net *net,
					struct notifier_block *nb)
{
	return register_fib_notifier(net, nb, NULL, NULL);
}

static inline void xvti_fib_unregister_net(struct net *net,
					   struct notifier_block *nb)
{
	unregister_fib_notifier(net, nb);
}

static inline int xvti_fib_register_all(struct notifier_block *nb)
{
	return 0;
}

static inline void xvti_fib_unregister_all(struct notifier_block *nb)
{
}
#else
#define xvti_fib_net(nb, info)	(((struct fib_notifier_info *)(info))->net)

static inline int xvti_fib_register_net(struct net *net,
					struct notifier_block *nb)
{
	return 0;
}

static inline void xvti_fib_unregister_net(struct net *net,
					   struct notifier_block *nb)
{
}

static inline int xvti_fib_register_all(struct notifier_block *nb)
{
	return register_fib_notifier(nb, NULL);
}

static inline void xvti_fib_unregister_all(struct notifier_block *nb)
{
	unregister_fib_notifier(nb);
}
#endif

/* until 6.3 readers said that writers run in softirq */
#ifdef XVTI_HAVE_STATS_FETCH_IRQ
#define u64_stats_fetch_begin	u64_stats_fetch_begin_irq
#define u64_stats_fetch_retry	u64_stats_fetch_retry_irq
#endif

#endif /* _XVTI_COMPAT_H */
