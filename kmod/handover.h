/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_HANDOVER_H
#define _XVTI_HANDOVER_H

#include "sa.h"

void xvti_handover_begin(struct xvti_sa *sa);
void xvti_handover_update(struct xvti_dev *xv);
void xvti_handover_drop(struct xvti_dev *xv);
void xvti_handover_used(struct xvti_dev *xv, struct xfrm_state *x);
void xvti_handover_work(struct work_struct *work);

#endif /* _XVTI_HANDOVER_H */
