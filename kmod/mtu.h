/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_MTU_H
#define _XVTI_MTU_H

struct net_device;
struct xvti_dev;

/* The smallest that a user may ask for, RFC 791's; IPv6 wants 1280. */
#define XVTI_MTU_MIN	576
#define XVTI_MTU_MAX	65535

void xvti_mtu_update(struct xvti_dev *xv);
int xvti_change_mtu(struct net_device *dev, int mtu);

#endif /* _XVTI_MTU_H */
