// SPDX-License-Identifier: GPL-2.0
/*
 * AH and IPComp, which policy mode carries beside ESP.
 *
 * A handler of AH or IPComp, even one that takes no packet, changes what a
 * host without them answers to such packets. So ours are there only as long
 * as a device is in policy mode.
 *
 * A packet that IPComp cannot make smaller travels as it is (RFC 3173, 2.2):
 * as IP in IP within ESP or AH in transport mode. The core would hand it back
 * to the host's input, where netfilter and other tunnel drivers meet it, and
 * older ones tell nobody when it comes out. So it is taken as soon as its
 * transport mode SA has been found to be a device's. In the secpath it gets
 * the SA that the core makes for this purpose beside that of IPComp, so that
 * policies judge it as they judge others; without such an SA it is refused.
 *
 * Locking: RTNL for the handlers, which the core calls as it does those of rcv.c.
 */

#include <linux/rtnetlink.h>
#include <net/inet_ecn.h>
#include <net/protocol.h>
#include <net/xfrm.h>

#include "device.h"
#include "pmtu.h"
#include "proto.h"
#include "rcv.h"

static int xvti_rcv_ah4(struct sk_buff *skb)
{
	return xvti_rcv(skb, AF_INET, IPPROTO_AH, 0);
}

static int xvti_rcv_ah6(struct sk_buff *skb)
{
	return xvti_rcv(skb, AF_INET6, IPPROTO_AH, 0);
}

/* IPComp without ESP or AH about it is for others. */
static int xvti_rcv_pass(struct sk_buff *skb)
{
	return -EINVAL;
}

static int xvti_input_pass(struct sk_buff *skb, int nexthdr, __be32 spi,
			   int encap_type)
{
	return -EINVAL;
}

static int xvti_err4_pass(struct sk_buff *skb, u32 info)
{
	return -ENOENT;
}

/* In IPv6 an error about AH goes to what is within: AH is an extension header
 * there.
 */
static int xvti_err6_pass(struct sk_buff *skb, struct inet6_skb_parm *opt,
			  u8 type, u8 code, int offset, __be32 info)
{
	return -ENOENT;
}

static struct xfrm4_protocol xvti_ah4 = {
	.handler	= xvti_rcv_ah4,
	.input_handler	= xvti_input_pass,
	.cb_handler	= xvti_rcv_cb,
	.err_handler	= xvti_err4,
	.priority	= XVTI_RCV_PRIORITY,
};

static struct xfrm6_protocol xvti_ah6 = {
	.handler	= xvti_rcv_ah6,
	XVTI_XFRM6_INPUT_HANDLER(xvti_input_pass)
	.cb_handler	= xvti_rcv_cb,
	.err_handler	= xvti_err6_pass,
	.priority	= XVTI_RCV_PRIORITY,
};

static struct xfrm4_protocol xvti_ipcomp4 = {
	.handler	= xvti_rcv_pass,
	.input_handler	= xvti_input_pass,
	.cb_handler	= xvti_rcv_cb,
	.err_handler	= xvti_err4_pass,
	.priority	= XVTI_RCV_PRIORITY,
};

static struct xfrm6_protocol xvti_ipcomp6 = {
	.handler	= xvti_rcv_pass,
	XVTI_XFRM6_INPUT_HANDLER(xvti_input_pass)
	.cb_handler	= xvti_rcv_cb,
	.err_handler	= xvti_err6_pass,
	.priority	= XVTI_RCV_PRIORITY,
};

static int xvti_proto_register(void)
{
	int err;

	err = xfrm4_protocol_register(&xvti_ah4, IPPROTO_AH);
	if (err)
		return err;
	err = xfrm6_protocol_register(&xvti_ah6, IPPROTO_AH);
	if (err)
		goto err_ah4;
	err = xfrm4_protocol_register(&xvti_ipcomp4, IPPROTO_COMP);
	if (err)
		goto err_ah6;
	err = xfrm6_protocol_register(&xvti_ipcomp6, IPPROTO_COMP);
	if (err)
		goto err_ipcomp4;
	return 0;

err_ipcomp4:
	xfrm4_protocol_deregister(&xvti_ipcomp4, IPPROTO_COMP);
err_ah6:
	xfrm6_protocol_deregister(&xvti_ah6, IPPROTO_AH);
err_ah4:
	xfrm4_protocol_deregister(&xvti_ah4, IPPROTO_AH);
	return err;
}

/* Waits for packets in the callbacks. */
static void xvti_proto_deregister(void)
{
	xfrm6_protocol_deregister(&xvti_ipcomp6, IPPROTO_COMP);
	xfrm4_protocol_deregister(&xvti_ipcomp4, IPPROTO_COMP);
	xfrm6_protocol_deregister(&xvti_ah6, IPPROTO_AH);
	xfrm4_protocol_deregister(&xvti_ah4, IPPROTO_AH);
}

/* Devices in policy mode; RTNL. */
static unsigned int xvti_proto_users;

/**
 * xvti_proto_get() - a device is about to be in policy mode
 * @extack: told of a failure
 *
 * Context: process, RTNL.
 * Return: 0 or a negative error, with nothing registered for this device.
 */
int xvti_proto_get(struct netlink_ext_ack *extack)
{
	int err;

	ASSERT_RTNL();
	if (!xvti_proto_users) {
		err = xvti_proto_register();
		if (err) {
			NL_SET_ERR_MSG(extack,
				       "policy mode cannot receive AH and IPComp");
			return err;
		}
	}
	xvti_proto_users++;
	return 0;
}

/**
 * xvti_proto_put() - a device is not in policy mode any more
 *
 * Context: process, RTNL.
 */
void xvti_proto_put(void)
{
	ASSERT_RTNL();
	if (!--xvti_proto_users)
		xvti_proto_deregister();
}

/* The SA that the core makes for what IPComp leaves alone, with a reference.
 * It is known by its addresses: its SPI is one of these, or a number that the
 * core keeps to itself.
 */
static struct xfrm_state *xvti_proto_plain_sa(const struct xvti_dev *xv,
					      struct xfrm_state *x)
{
	u8 proto = x->props.family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IPIP;

	return xfrm_state_lookup_byaddr(xs_net(x), READ_ONCE(xv->conf.mark.v),
					&x->id.daddr, &x->props.saddr, proto,
					x->props.family);
}

/* What the core's tunnel mode does: the inner header follows the outer one and
 * is told of congestion on the way, and of the outer DSCP where the SA says so.
 */
static void xvti_proto_decapsulate(struct sk_buff *skb, u8 proto,
				   const struct xfrm_state *x)
{
	u8 dsfield = x->props.family == AF_INET6 ?
		     ipv6_get_dsfield(ipv6_hdr(skb)) :
		     ipv4_get_dsfield(ip_hdr(skb));
	enum xvti_inner inner;

	skb_reset_network_header(skb);
	skb_reset_transport_header(skb);
	skb->protocol = proto == IPPROTO_IPV6 ? htons(ETH_P_IPV6) :
						htons(ETH_P_IP);
	skb->ip_summed = CHECKSUM_NONE;
	/* if there is none, the packet is refused later */
	if (!xvti_inner_get(skb, &inner))
		return;
	if (x->props.flags & XFRM_STATE_DECAP_DSCP) {
		if (inner == XVTI_INNER6)
			ipv6_copy_dscp(dsfield, ipv6_hdr(skb));
		else
			ipv4_copy_dscp(dsfield, ip_hdr(skb));
	}
	if (!(x->props.flags & XFRM_STATE_NOECN) && INET_ECN_is_ce(dsfield))
		INET_ECN_set_ce(skb);
}

/**
 * xvti_proto_uncompressed() - is a packet one that IPComp has left alone
 * @xv: device that it is bound to
 * @skb: packet in the callback that came by an SA in transport mode;
 *	decapsulated if it is one
 *
 * The core goes on with it as with transport mode, so that it has to be
 * delivered as a clone.
 *
 * Context: RCU read side, BH disabled.
 * Return: whether it is.
 */
bool xvti_proto_uncompressed(const struct xvti_dev *xv, struct sk_buff *skb)
{
	u8 proto = XFRM_MODE_SKB_CB(skb)->protocol;
	struct sec_path *sp = skb_sec_path(skb);
	struct xfrm_state *x = sp->xvec[sp->len - 1];

	xvti_assert_packet();
	if (READ_ONCE(xv->conf.mode) != XVTI_MODE_POLICY ||
	    (proto != IPPROTO_IPIP && proto != IPPROTO_IPV6) ||
	    sp->len >= XFRM_MAX_DEPTH || skb_unclone(skb, GFP_ATOMIC))
		return false;
	x = xvti_proto_plain_sa(xv, x);
	if (!x)
		return false;
	sp->xvec[sp->len++] = x;
	xvti_proto_decapsulate(skb, proto, x);
	return true;
}
