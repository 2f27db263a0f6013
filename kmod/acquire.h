/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_ACQUIRE_H
#define _XVTI_ACQUIRE_H

#include "device.h"

struct sk_buff;

void xvti_acquire_lost(struct xvti_dev *xv, __be32 spi);
void xvti_acquire(struct xvti_dev *xv, struct sk_buff *skb,
		  enum xvti_inner inner);
void xvti_acquire_work(struct work_struct *work);
void xvti_acquire_stop(struct xvti_dev *xv);
void xvti_acquire_update(struct xvti_dev *xv);

#endif /* _XVTI_ACQUIRE_H */
