// SPDX-License-Identifier: GPL-2.0
/*
 * Acquire: ask an IKE daemon for an SA when there is none.
 *
 * A daemon that negotiates on traffic has a trap policy in the database and
 * recognises the acquire by it. So a packet without an SA is looked up there
 * with its own flow and the device's mark and if_id; what comes back is only
 * thrown away. The private policy, with the packet's flow, is tried where the
 * database has none and the device is bound by reqid: that is what the template
 * names, and a daemon may know it. One that was learned belongs to SAs that are
 * gone; what it would leave is a larval SA that keeps the core from asking when
 * the daemon has its trap policy again.
 *
 * The private policy names an SA that is gone, where there was one: a daemon may
 * think that it still is there, as after a flush, and then refuses to make
 * another. The larval SA that the acquire leaves has the SPI of the policy; when
 * it expires unanswered, the core says so to the daemon, which gives up what it
 * knows by that SPI and begins anew. The policies of strongSwan do the same. As
 * there may have been several, each acquire names the next one.
 *
 * With "carrier sa" no packet can get that far while there is no SA. Then the
 * device itself asks, at once and again after one second, two, four, up to a
 * minute.
 *
 * Locking: both ask as RCU readers with BH disabled and without a lock, since the
 * core takes its own and sends the acquire. xvti_sa_lock protects what is known of
 * lost SAs, and the work item together with the reference that it holds.
 */

#include <net/xfrm.h>

#include "acquire.h"
#include "bundle.h"
#include "policy.h"
#include "sa.h"

/* The larval SA of an acquire stops more of them for longer than this; where
 * no acquire comes of it, the lookups are what costs.
 */
#define XVTI_ACQUIRE_INTERVAL	(HZ / 10)

#define XVTI_ACQUIRE_FIRST	HZ
#define XVTI_ACQUIRE_LAST	(60 * HZ)

/**
 * xvti_acquire_lost() - an outbound SA has left its device
 * @xv: device
 * @spi: its SPI
 *
 * Context: xvti_sa_lock.
 */
void xvti_acquire_lost(struct xvti_dev *xv, __be32 spi)
{
	lockdep_assert_held(&xvti_sa_lock);
	xv->lost_spi[xv->lost++ % XVTI_LOST_SPIS] = spi;
	xv->lost_named = 0;
}

/* Let the private policies name an outbound SA that is gone: the last one, then
 * those before it. xvti_handover_update() takes it back.
 */
static void xvti_acquire_name(struct xvti_dev *xv)
{
	struct xvti_out *out;
	unsigned int past;

	spin_lock_bh(&xvti_sa_lock);
	out = xvti_sa_dereference(xv->out);
	if (out && xv->lost && !xv->sa_out) {
		past = xv->lost_named++ % min_t(unsigned int, xv->lost,
						XVTI_LOST_SPIS);
		xvti_out_pin(out, xv->lost_spi[(xv->lost - 1 - past) %
					       XVTI_LOST_SPIS]);
	}
	spin_unlock_bh(&xvti_sa_lock);
}

/* Both lookups are for their side effect. The first is the database's. */
static void xvti_acquire_flow(struct xvti_dev *xv, struct flowi *fl,
			      enum xvti_inner inner)
{
	struct xvti_out *out = rcu_dereference(xv->out);

	fl->flowi_oif = xv->conf.link;
	fl->flowi_mark = xv->conf.mark.v;
	if (xvti_bundle_probe(xv->net, fl, NULL, inner, xv->conf.if_id) ||
	    !out || !xv->conf.reqid)
		return;
	xvti_acquire_name(xv);
	xvti_bundle_probe(xv->net, fl, out->sk[inner], inner, out->tmpl.if_id);
}

/**
 * xvti_acquire() - ask for an SA on behalf of a packet
 * @xv: device, without a usable SA for the packet
 * @skb: the packet; left as it is
 * @inner: its family
 *
 * Context: RCU read side, BH disabled.
 */
void xvti_acquire(struct xvti_dev *xv, struct sk_buff *skb,
		  enum xvti_inner inner)
{
	struct flowi fl;

	xvti_assert_packet();
	if (!xvti_due(&xv->acquire_last, XVTI_ACQUIRE_INTERVAL))
		return;
	memset(&fl, 0, sizeof(fl));
	if (!xvti_decode_session(xv->net, skb, &fl, xvti_inner_family(inner)))
		xvti_acquire_flow(xv, &fl, inner);
}

static bool xvti_acquire_wanted(const struct xvti_dev *xv)
{
	return !xv->dead && xv->conf.family &&
	       xv->conf.carrier == XVTI_CARRIER_SA &&
	       netif_running(xv->dev) && !xvti_has_pair(xv);
}

/**
 * xvti_acquire_work() - ask for an SA on behalf of the device
 * @work: &xvti_dev.acquire_work, which holds a reference to the device
 */
void xvti_acquire_work(struct work_struct *work)
{
	struct xvti_dev *xv = container_of(to_delayed_work(work),
					   struct xvti_dev, acquire_work);
	struct flowi fl = {};
	int inner;
	bool wanted;

	spin_lock_bh(&xvti_sa_lock);
	wanted = xvti_acquire_wanted(xv);
	spin_unlock_bh(&xvti_sa_lock);

	if (wanted) {
		local_bh_disable();
		rcu_read_lock();
		for (inner = 0; inner < XVTI_INNER_MAX; inner++)
			xvti_acquire_flow(xv, &fl, inner);
		rcu_read_unlock();
		local_bh_enable();
	}

	spin_lock_bh(&xvti_sa_lock);
	xv->acquire_delay = min_t(unsigned long, 2 * xv->acquire_delay,
				  XVTI_ACQUIRE_LAST);
	if (xvti_acquire_wanted(xv) &&
	    queue_delayed_work(xvti_policy_wq, &xv->acquire_work,
			       xv->acquire_delay))
		dev_hold(xv->dev);
	spin_unlock_bh(&xvti_sa_lock);
	dev_put(xv->dev);
}

/**
 * xvti_acquire_stop() - ask no more
 * @xv: device; when it is up again it asks at once
 *
 * Context: xvti_sa_lock.
 */
void xvti_acquire_stop(struct xvti_dev *xv)
{
	lockdep_assert_held(&xvti_sa_lock);
	if (cancel_delayed_work(&xv->acquire_work))
		dev_put(xv->dev);
}

/**
 * xvti_acquire_update() - start or stop asking
 * @xv: device whose SAs, flags or configuration have changed
 *
 * Context: xvti_sa_lock.
 */
void xvti_acquire_update(struct xvti_dev *xv)
{
	lockdep_assert_held(&xvti_sa_lock);
	if (!xvti_acquire_wanted(xv)) {
		xvti_acquire_stop(xv);
		return;
	}
	if (delayed_work_pending(&xv->acquire_work))
		return;
	xv->acquire_delay = XVTI_ACQUIRE_FIRST / 2;
	if (queue_delayed_work(xvti_policy_wq, &xv->acquire_work, 0))
		dev_hold(xv->dev);
}
