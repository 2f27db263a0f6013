/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_ROUTE_H
#define _XVTI_ROUTE_H

struct xvti_net;

void xvti_route_init(void);
void xvti_route_exit(void);
void xvti_route_net_init(struct xvti_net *xn);
void xvti_route_net_exit(struct xvti_net *xn);
void xvti_route_track(struct xvti_net *xn);

#endif /* _XVTI_ROUTE_H */
