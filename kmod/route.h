/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_ROUTE_H
#define _XVTI_ROUTE_H

#include <net/xfrm.h>

struct rtable;
struct xvti_net;

int xvti_route_oif(struct net *net, int link);
struct rtable *xvti_route_outer4(struct net *net, int link,
				 const xfrm_address_t *local,
				 const xfrm_address_t *remote, u32 mark);
void xvti_route_init(void);
void xvti_route_exit(void);
void xvti_route_net_init(struct xvti_net *xn);
void xvti_route_net_exit(struct xvti_net *xn);
void xvti_route_track(struct xvti_net *xn);

#endif /* _XVTI_ROUTE_H */
