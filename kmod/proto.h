/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_PROTO_H
#define _XVTI_PROTO_H

#include <linux/in.h>
#include <linux/skbuff.h>

struct netlink_ext_ack;
struct xvti_dev;

/* Does an SA of this protocol prove who has sent a packet? */
static inline bool xvti_proto_proves(u8 proto)
{
	return proto == IPPROTO_ESP || proto == IPPROTO_AH;
}

int xvti_proto_get(struct netlink_ext_ack *extack);
void xvti_proto_put(void);
bool xvti_proto_uncompressed(const struct xvti_dev *xv, struct sk_buff *skb);

#endif /* _XVTI_PROTO_H */
