/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_QUEUE_H
#define _XVTI_QUEUE_H

#include <linux/skbuff.h>
#include <linux/workqueue.h>

struct xvti_dev;

/* Packets that wait where the user did not say how many. */
#define XVTI_QUEUE_DEFAULT	16

unsigned int xvti_queue_changes(const struct xvti_dev *xv);
bool xvti_queue_add(struct xvti_dev *xv, struct sk_buff *skb,
		    unsigned int changes);
void xvti_queue_kick(struct xvti_dev *xv);
void xvti_queue_purge(struct xvti_dev *xv);
void xvti_queue_work(struct work_struct *work);

#endif /* _XVTI_QUEUE_H */
