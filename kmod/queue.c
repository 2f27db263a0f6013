// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that wait for the first SA.
 *
 * While a daemon negotiates, the packets that made it do so are kept, up to a
 * number that the user sets and for no longer than ten seconds. They leave in
 * their order once an SA for their family is there. A packet keeps the time
 * of its arrival in its control block.
 *
 * Locking: the queue's own lock, with BH disabled, for the packets and for the
 * work item together with the reference that it holds. It comes after xvti_sa_lock,
 * and packets are sent and dropped without it.
 */

#include "device.h"
#include "queue.h"
#include "sa.h"
#include "stats.h"
#include "xmit.h"

#define XVTI_QUEUE_TIMEOUT	(10 * HZ)

struct xvti_queue_cb {
	unsigned long	deadline;
};

static struct xvti_queue_cb *xvti_queue_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct xvti_queue_cb) > sizeof(skb->cb));
	return (struct xvti_queue_cb *)skb->cb;
}

/* Let the worker run after @delay, whatever it has been told before; queue.lock. */
static void xvti_queue_schedule(struct xvti_dev *xv, unsigned long delay)
{
	dev_hold(xv->dev);
	if (mod_delayed_work(xvti_policy_wq, &xv->queue_work, delay))
		dev_put(xv->dev);
}

/**
 * xvti_queue_changes() - how often the SAs of a device have changed
 * @xv: device
 *
 * What the core is asked for after this knows of the SAs that came before.
 *
 * Context: any.
 * Return: a number for xvti_queue_add().
 */
unsigned int xvti_queue_changes(const struct xvti_dev *xv)
{
	/* pairs with xvti_queue_kick() */
	return smp_load_acquire(&xv->changes);
}

/* Has an SA come since a packet was refused, and found none here? It may also be
 * that the core is about to tell of one that has come or gone: so the packet is
 * looked at soon, not at once. In policy mode, where a flow may wait while others
 * have SAs, any change may have been the one: after it, as after a kick, a packet is
 * sent or dropped.
 */
static bool xvti_queue_missed(const struct xvti_dev *xv, struct sk_buff *skb,
			      unsigned int changes)
{
	enum xvti_inner inner;

	if (READ_ONCE(xv->conf.mode) != XVTI_MODE_DIRECT)
		return xv->changes != changes;
	return xvti_inner_get(skb, &inner) &&
	       READ_ONCE(xv->usable_out) & BIT(inner);
}

/**
 * xvti_queue_add() - keep a packet until there is an SA for it
 * @xv: device
 * @skb: packet; taken if true is returned
 * @changes: in policy mode what xvti_queue_changes() said before the database
 *	was asked
 *
 * Context: RCU read side, BH disabled.
 * Return: false if the queue is full or the packet cannot wait.
 */
bool xvti_queue_add(struct xvti_dev *xv, struct sk_buff *skb,
		    unsigned int changes)
{
	bool taken = false;

	xvti_assert_packet();
	if (!READ_ONCE(xv->conf.queue) || skb_queue_len(&xv->queue) >=
	    READ_ONCE(xv->conf.queue))
		return false;
	skb_dst_force(skb);

	spin_lock(&xv->queue.lock);
	if (!xv->dead && netif_running(xv->dev) &&
	    skb_queue_len(&xv->queue) < xv->conf.queue) {
		xvti_queue_cb(skb)->deadline = jiffies + XVTI_QUEUE_TIMEOUT;
		__skb_queue_tail(&xv->queue, skb);
		taken = true;
		if (unlikely(xvti_queue_missed(xv, skb, changes)))
			xvti_queue_schedule(xv, 1);
		else if (!delayed_work_pending(&xv->queue_work))
			xvti_queue_schedule(xv, XVTI_QUEUE_TIMEOUT);
	}
	spin_unlock(&xv->queue.lock);
	return taken;
}

/* Take out what has an SA now, or has waited too long. */
static void xvti_queue_split(struct xvti_dev *xv, struct sk_buff_head *ready,
			     struct sk_buff_head *late)
{
	bool up = netif_running(xv->dev);
	u8 usable = READ_ONCE(xv->usable_out);
	struct sk_buff *skb, *next;
	enum xvti_inner inner;

	spin_lock_bh(&xv->queue.lock);
	skb_queue_walk_safe(&xv->queue, skb, next) {
		struct sk_buff_head *to = NULL;

		if (!up ||
		    time_after_eq(jiffies, xvti_queue_cb(skb)->deadline) ||
		    !xvti_inner_get(skb, &inner))
			to = late;
		else if (usable & BIT(inner))
			to = ready;
		if (to) {
			__skb_unlink(skb, &xv->queue);
			__skb_queue_tail(to, skb);
		}
	}
	skb = skb_peek(&xv->queue);
	if (skb && !delayed_work_pending(&xv->queue_work))
		xvti_queue_schedule(xv, xvti_queue_cb(skb)->deadline - jiffies);
	spin_unlock_bh(&xv->queue.lock);
}

static void xvti_queue_drop(struct xvti_dev *xv, struct sk_buff_head *list)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(list))) {
		xvti_stats_drop(xv, skb, XVTI_A_STATS_TX_QUEUE);
		kfree_skb(skb);
	}
}

/**
 * xvti_queue_work() - send what can be sent, drop what is late
 * @work: &xvti_dev.queue_work, which holds a reference to the device
 */
void xvti_queue_work(struct work_struct *work)
{
	struct xvti_dev *xv = container_of(to_delayed_work(work),
					   struct xvti_dev, queue_work);
	struct sk_buff_head ready, late;
	struct sk_buff *skb;

	__skb_queue_head_init(&ready);
	__skb_queue_head_init(&late);
	xvti_queue_split(xv, &ready, &late);
	while ((skb = __skb_dequeue(&ready))) {
		local_bh_disable();
		xvti_send(xv, skb, false);
		local_bh_enable();
	}
	xvti_queue_drop(xv, &late);
	dev_put(xv->dev);
}

/**
 * xvti_queue_kick() - an SA has come: look what can be sent
 * @xv: device
 *
 * Context: xvti_sa_lock.
 */
void xvti_queue_kick(struct xvti_dev *xv)
{
	lockdep_assert_held(&xvti_sa_lock);
	/* a packet is here already, or sees what the device can send now */
	spin_lock(&xv->queue.lock);
	smp_store_release(&xv->changes, xv->changes + 1);
	if (!skb_queue_empty(&xv->queue) && !xv->dead)
		xvti_queue_schedule(xv, 0);
	spin_unlock(&xv->queue.lock);
}

/**
 * xvti_queue_purge() - drop all that waits
 * @xv: device that goes down
 *
 * Context: process or BH disabled.
 */
void xvti_queue_purge(struct xvti_dev *xv)
{
	struct sk_buff_head list;

	__skb_queue_head_init(&list);
	spin_lock_bh(&xv->queue.lock);
	skb_queue_splice_init(&xv->queue, &list);
	if (cancel_delayed_work(&xv->queue_work))
		dev_put(xv->dev);
	spin_unlock_bh(&xv->queue.lock);
	xvti_queue_drop(xv, &list);
}
