/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_SPD_H
#define _XVTI_SPD_H

#include <net/xfrm.h>

struct xvti_net;
struct xvti_sa;

void xvti_spd_mark(const struct xvti_sa *sa, struct xfrm_mark *mark);
int xvti_spd_notify(struct xfrm_policy *xp, int dir, const struct km_event *c);
void xvti_spd_walk(struct xvti_net *xn);
void xvti_spd_forget(struct xvti_net *xn);

#endif /* _XVTI_SPD_H */
