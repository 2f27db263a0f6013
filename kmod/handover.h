/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_HANDOVER_H
#define _XVTI_HANDOVER_H

#include "device.h"
#include "sa.h"

/* Is this the outbound SA that a device holds on to? xvti_sa_lock. */
static inline bool xvti_handover_is_held(const struct xvti_dev *xv,
					 const struct xvti_sa *sa)
{
	lockdep_assert_held(&xvti_sa_lock);
	return sa->dir == XVTI_OUT && sa->spi == xv->held_spi;
}

/* Is this an outbound SA that a device sends by, or would? Direct mode looks for any
 * inner packet, which an SA with a narrower selector does not match. xvti_sa_lock.
 */
static inline bool xvti_handover_sends(const struct xvti_dev *xv,
				       const struct xvti_sa *sa)
{
	lockdep_assert_held(&xvti_sa_lock);
	return sa->dir == XVTI_OUT && !sa->foreign &&
	       (sa->inner || xv->conf.mode == XVTI_MODE_POLICY) &&
	       (!xv->held_spi || xvti_handover_is_held(xv, sa));
}

void xvti_handover_begin(struct xvti_sa *sa);
void xvti_handover_update(struct xvti_dev *xv);
void xvti_handover_drop(struct xvti_dev *xv);
void xvti_handover_used(struct xvti_dev *xv, struct xfrm_state *x);
void xvti_handover_work(struct work_struct *work);

#endif /* _XVTI_HANDOVER_H */
