/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_NETLINK_H
#define _XVTI_NETLINK_H

struct xvti_dev;

int xvti_netlink_init(void);
void xvti_netlink_exit(void);
void xvti_netlink_notify(struct xvti_dev *xv);

#endif /* _XVTI_NETLINK_H */
