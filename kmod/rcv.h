/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_RCV_H
#define _XVTI_RCV_H

#include <linux/skbuff.h>

/* Above vti's 100, or a vti whose key overlaps takes our packets. */
#define XVTI_RCV_PRIORITY	200

int xvti_rcv(struct sk_buff *skb, u16 family, u8 proto, int encap_type);
int xvti_rcv_cb(struct sk_buff *skb, int err);
int xvti_rcv_init(void);
void xvti_rcv_exit(void);

#endif /* _XVTI_RCV_H */
