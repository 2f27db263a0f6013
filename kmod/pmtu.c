// SPDX-License-Identifier: GPL-2.0
/*
 * Path MTU of the outer route.
 *
 * A router on the way reports that an ESP or AH packet was too big. The core's
 * own handler looks the SA up without a mark and updates the route without an
 * interface, which misses devices that have either. For those the SA is found
 * here by its SPI, and the route that their bundles use is updated. The next
 * packet that finds its bundle smaller tells the sender in the overlay.
 *
 * The core takes no mark for the route of an IPv4 exception. So the output mark of
 * an SA is left out, here as there: where it chooses another route, what that one
 * learns is not seen.
 *
 * Locking: the core calls in with BH disabled. The SA and its device are read
 * under RCU.
 */

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <net/ah.h>
#include <net/esp.h>
#include <net/ip6_route.h>
#include <net/l3mdev.h>
#include <net/route.h>

#include "device.h"
#include "pmtu.h"
#include "sa.h"

/* The device that a packet of ours left by, if the core would not find its
 * route; @header is that of ESP or AH.
 */
static const struct xvti_dev *xvti_err_dev(const struct sk_buff *skb,
					   const xfrm_address_t *daddr,
					   const void *header, u8 proto,
					   u16 family)
{
	const struct ip_esp_hdr *esph = header;
	const struct ip_auth_hdr *ah = header;
	struct net *net = dev_net(skb->dev);
	const struct xvti_dev *xv;

	if (!READ_ONCE(xvti_pernet(net)->tracking))
		return NULL;
	xv = xvti_sa_sender(net, daddr,
			    proto == IPPROTO_AH ? ah->spi : esph->spi, proto,
			    family);
	return xv && (READ_ONCE(xv->conf.mark.m) ||
		      READ_ONCE(xv->conf.link)) ? xv : NULL;
}

/* The interface by which the core looks the outer route up. */
static int xvti_err_oif(const struct xvti_dev *xv)
{
	return l3mdev_master_ifindex_by_index(xv->net,
					      READ_ONCE(xv->conf.link));
}

/**
 * xvti_err4() - xfrm4_protocol::err_handler of ESP and AH
 * @skb: ICMP error, at the outer header of the packet that it is about
 * @info: MTU, if the error is about one
 *
 * Context: BH disabled.
 * Return: 0 if handled, -ENOENT to go on with the next handler.
 */
int xvti_err4(struct sk_buff *skb, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	const struct xvti_dev *xv;

	if (icmp_hdr(skb)->type != ICMP_DEST_UNREACH ||
	    icmp_hdr(skb)->code != ICMP_FRAG_NEEDED)
		return -ENOENT;

	rcu_read_lock();
	xv = xvti_err_dev(skb, (const xfrm_address_t *)&iph->daddr,
			  skb->data + iph->ihl * 4, iph->protocol, AF_INET);
	if (xv)
		xvti_ipv4_update_pmtu(skb, xv->net, info, xvti_err_oif(xv),
				      iph->protocol);
	rcu_read_unlock();
	return xv ? 0 : -ENOENT;
}

/**
 * xvti_err6() - xfrm6_protocol::err_handler of ESP, about which AH may be
 * @skb: ICMPv6 error, at the outer header of the packet that it is about
 * @opt: unused
 * @type: type of the error
 * @code: unused
 * @offset: from the outer header to the ESP header
 * @info: MTU, if the error is about one
 *
 * Context: BH disabled.
 * Return: 0 if handled, -ENOENT to go on with the next handler.
 */
int xvti_err6(struct sk_buff *skb, struct inet6_skb_parm *opt, u8 type,
	      u8 code, int offset, __be32 info)
{
	const struct ipv6hdr *ip6 = (const struct ipv6hdr *)skb->data;
	const struct xvti_dev *xv;

	if (type != ICMPV6_PKT_TOOBIG)
		return -ENOENT;

	rcu_read_lock();
	xv = xvti_err_dev(skb, (const xfrm_address_t *)&ip6->daddr,
			  skb->data + offset, IPPROTO_ESP, AF_INET6);
	if (xv)
		ip6_update_pmtu(skb, xv->net, info, xvti_err_oif(xv), 0,
				sock_net_uid(xv->net, NULL));
	rcu_read_unlock();
	return xv ? 0 : -ENOENT;
}
