// SPDX-License-Identifier: GPL-2.0
/*
 * Handover: from an SA to the one that replaces it.
 *
 * The core prefers the newest outbound SA, and so does a device whose SAs are
 * added by hand. In a rekey that the peer has asked for, that is too early:
 * IKE has this side install both its SAs before the peer, which learns of
 * them from the answer, has completed its own inbound one, and what arrives
 * there meanwhile is lost (RFC 7296, 2.8: a responder may go on using the old
 * SA).
 *
 * A daemon reserves the SPI of an inbound SA and later completes the SA, with
 * XFRM_MSG_UPDSA; its outbound SA follows. So when an inbound SA is completed
 * while there is an outbound one, that one is held on to: its SPI goes into
 * the template of the private policies. Its reqid is kept as well, where the
 * device learns that: daemons may take another for each SA. It is let go when
 * the peer is seen to use the new SA, when the old one is deleted, or when
 * XVTI_HANDOVER_MAX has passed, which bridges one retransmission of IKE.
 *
 * A daemon that has ended leaves SAs that the next one does not know of, and that
 * the peer forgets as soon as that one says that it is new (INITIAL_CONTACT, RFC
 * 7296, 2.4). They are not held on to.
 *
 * The side that asks for the rekey needs no such care, as the peer is ready
 * before it is. It is known by the soft lifetime of its SAs, where a daemon
 * uses that; where not, and where traffic goes one way only, the old SA is
 * used until it is deleted. A packet that meets its end is sent again, see
 * xvti_send().
 *
 * Locking: xvti_sa_lock, also for the work item together with the reference that
 * it holds. Packets and the worker come without it and take it.
 */

#include "binding.h"
#include "bundle.h"
#include "device.h"
#include "handover.h"
#include "policy.h"

#define XVTI_HANDOVER_MAX	(5 * HZ)

static void xvti_handover_set(struct xvti_dev *xv, __be32 spi)
{
	struct xvti_out *out = xvti_sa_dereference(xv->out);

	lockdep_assert_held(&xvti_sa_lock);
	xv->held_spi = spi;
	if (out && out->spi != spi) {
		xvti_out_pin(out, spi);
		xvti_bundle_flush(xv);
	}
}

/* The outbound SA in use, unless there is none or one that wants replacing. To hold
 * on to one of a single family would leave the other without, and to one of a single
 * CPU the other CPUs.
 */
static const struct xvti_sa *xvti_handover_old(const struct xvti_dev *xv)
{
	const struct xvti_sa *sa, *out = NULL;

	list_for_each_entry(sa, &xv->sas, dev_node) {
		if (sa->expiring)
			return NULL;
		if (!out && sa->dir == XVTI_OUT && sa->inner && !sa->foreign &&
		    !sa->per_cpu && sa->reqid == (xv->conf.reqid ?: xv->reqid))
			out = sa;
	}
	return out && !(xv->usable_out & ~out->inner) ? out : NULL;
}

/* Whether one daemon has made both, as far as is known: in a container that was
 * started again, its successor may well give the same number.
 */
static bool xvti_handover_same_owner(const struct xvti_sa *a,
				     const struct xvti_sa *b)
{
	return !a->owner || !b->owner || a->owner == b->owner;
}

/**
 * xvti_handover_begin() - an inbound SA was completed
 * @sa: the SA, new and bound
 *
 * Context: xvti_sa_lock; before the outbound SA that belongs to it is there.
 */
void xvti_handover_begin(struct xvti_sa *sa)
{
	struct xvti_dev *xv = xvti_sa_dereference(sa->xv);
	const struct xvti_sa *old;

	lockdep_assert_held(&xvti_sa_lock);
	if (!xv || sa->dir != XVTI_IN || sa->per_cpu ||
	    xv->conf.mode != XVTI_MODE_DIRECT)
		return;
	old = xvti_handover_old(xv);
	if (!old || !xvti_handover_same_owner(old, sa))
		return;
	WRITE_ONCE(sa->unused, true);
	if (xv->held_spi)
		return;
	xvti_handover_set(xv, old->spi);
	if (queue_delayed_work(xvti_policy_wq, &xv->handover_work,
			       XVTI_HANDOVER_MAX))
		dev_hold(xv->dev);
}

static void xvti_handover_end(struct xvti_dev *xv)
{
	xvti_handover_set(xv, 0);
	if (cancel_delayed_work(&xv->handover_work))
		dev_put(xv->dev);
}

/**
 * xvti_handover_update() - the SAs or the private policies have changed
 * @xv: device
 *
 * Context: xvti_sa_lock, from xvti_binding_update(): before the reqid is
 * learned, after the peer.
 */
void xvti_handover_update(struct xvti_dev *xv)
{
	const struct xvti_sa *sa;

	lockdep_assert_held(&xvti_sa_lock);
	if (!xv->held_spi) {
		/* an acquire may have named one that is gone */
		xvti_handover_set(xv, 0);
		return;
	}
	list_for_each_entry(sa, &xv->sas, dev_node) {
		if (xvti_handover_is_held(xv, sa) && !sa->foreign) {
			xvti_handover_set(xv, xv->held_spi);
			return;
		}
	}
	xvti_handover_end(xv);
}

/**
 * xvti_handover_drop() - let go of the SA held on to, if there is one
 * @xv: device
 *
 * Context: any but xvti_sa_lock.
 */
void xvti_handover_drop(struct xvti_dev *xv)
{
	spin_lock_bh(&xvti_sa_lock);
	if (xv->held_spi) {
		xvti_handover_end(xv);
		/* reqid, MTU: all that follows the SA in use */
		xvti_binding_update(xv);
	}
	spin_unlock_bh(&xvti_sa_lock);
}

/**
 * xvti_handover_used() - the peer has used a new SA for the first time
 * @xv: device
 * @x: the SA that the packet came by
 *
 * Context: BH disabled, RCU read side.
 */
void xvti_handover_used(struct xvti_dev *xv, struct xfrm_state *x)
{
	struct xvti_sa *sa = xvti_sa_find(x);

	xvti_assert_packet();
	if (sa)
		WRITE_ONCE(sa->unused, false);
	xvti_handover_drop(xv);
}

/**
 * xvti_handover_work() - a rekey has taken too long
 * @work: &xvti_dev.handover_work, which holds a reference to the device
 */
void xvti_handover_work(struct work_struct *work)
{
	struct xvti_dev *xv = container_of(to_delayed_work(work),
					   struct xvti_dev, handover_work);

	xvti_handover_drop(xv);
	dev_put(xv->dev);
}
