/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_INNER_H
#define _XVTI_INNER_H

#include <linux/bitops.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/socket.h>
#include <net/ip.h>

/* Index of an inner address family in per-family arrays and bit masks. */
enum xvti_inner {
	XVTI_INNER4,
	XVTI_INNER6,
	XVTI_INNER_MAX,
};

#define XVTI_INNER_ALL	(BIT(XVTI_INNER4) | BIT(XVTI_INNER6))

static inline u16 xvti_inner_family(enum xvti_inner inner)
{
	return inner == XVTI_INNER6 ? AF_INET6 : AF_INET;
}

/**
 * xvti_inner_get() - the family of an inner packet
 * @skb: packet; its network header is made linear
 * @inner: set to the family
 *
 * Context: any.
 * Return: whether there is an IPv4 or IPv6 header as the protocol says.
 */
static inline bool xvti_inner_get(struct sk_buff *skb, enum xvti_inner *inner)
{
	switch (skb->protocol) {
	case htons(ETH_P_IP):
		*inner = XVTI_INNER4;
		return pskb_network_may_pull(skb, sizeof(struct iphdr)) &&
		       ip_hdr(skb)->version == 4 && ip_hdr(skb)->ihl >= 5;
	case htons(ETH_P_IPV6):
		*inner = XVTI_INNER6;
		return pskb_network_may_pull(skb, sizeof(struct ipv6hdr)) &&
		       ipv6_hdr(skb)->version == 6;
	default:
		return false;
	}
}

#endif /* _XVTI_INNER_H */
