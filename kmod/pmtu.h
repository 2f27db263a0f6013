/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_PMTU_H
#define _XVTI_PMTU_H

#include <linux/skbuff.h>

struct inet6_skb_parm;

int xvti_err4(struct sk_buff *skb, u32 info);
int xvti_err6(struct sk_buff *skb, struct inet6_skb_parm *opt, u8 type,
	      u8 code, int offset, __be32 info);

#endif /* _XVTI_PMTU_H */
