/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_XMIT_H
#define _XVTI_XMIT_H

#include <linux/netdevice.h>

struct xvti_dev;

void xvti_send(struct xvti_dev *xv, struct sk_buff *skb, bool waits);
netdev_tx_t xvti_xmit(struct sk_buff *skb, struct net_device *dev);

#endif /* _XVTI_XMIT_H */
