// SPDX-License-Identifier: GPL-2.0
/*
 * SPD: which mark the policy database gives to which reqid.
 *
 * Some daemons, Libreswan among them, mark their policies alone: the SAs carry
 * nothing of it, and are found by the reqid that the policy's template names.
 * So a copy is kept of what the outbound policies with a mark say, and an SA
 * without one counts as marked as the policies that lead to it.
 *
 * A policy that goes takes no SA away from a device: daemons replace both in
 * any order. The SA goes when it is deleted.
 *
 * Locking: xvti_sa_lock. The core calls in with xfrm_policy_lock held in a walk,
 * and perhaps with the policy's own lock to tell of its expiry: both come before.
 */

#include <linux/hashtable.h>
#include <linux/slab.h>

#include "binding.h"
#include "device.h"
#include "sa.h"
#include "spd.h"

/**
 * struct xvti_spd - what the module knows of one policy
 * @reqid_node: in the hash by reqid
 * @index_node: in the hash by index
 * @net_node: in the list of the underlay's policies
 * @net: netns of the policy
 * @saddr: outer source address
 * @daddr: outer destination address
 * @mark: mark and mask
 * @reqid: reqid of the template
 * @index: what the core knows it by
 * @gen: last walk that saw it
 * @family: family of the outer addresses
 *
 * Protected by xvti_sa_lock.
 */
struct xvti_spd {
	struct hlist_node	reqid_node;
	struct hlist_node	index_node;
	struct list_head	net_node;
	struct net		*net;
	xfrm_address_t		saddr;
	xfrm_address_t		daddr;
	struct xfrm_mark	mark;
	u32			reqid;
	u32			index;
	u32			gen;
	u16			family;
};

static DEFINE_HASHTABLE(xvti_spd_by_reqid, 10);
static DEFINE_HASHTABLE(xvti_spd_by_index, 10);

/**
 * xvti_spd_mark() - the mark of the policies that lead to an SA
 * @sa: an SA without a mark of its own
 * @mark: set if there is one
 *
 * Context: xvti_sa_lock.
 */
void xvti_spd_mark(const struct xvti_sa *sa, struct xfrm_mark *mark)
{
	const struct xvti_spd *pol;
	u32 hash;

	lockdep_assert_held(&xvti_sa_lock);
	hash = xvti_binding_hash(sa->net, XVTI_KEY_REQID, sa->reqid);
	hash_for_each_possible(xvti_spd_by_reqid, pol, reqid_node, hash) {
		if (pol->reqid == sa->reqid && net_eq(pol->net, sa->net) &&
		    pol->family == sa->family &&
		    xfrm_addr_equal(&pol->saddr, &sa->saddr, sa->family) &&
		    xfrm_addr_equal(&pol->daddr, &sa->daddr, sa->family)) {
			*mark = pol->mark;
			return;
		}
	}
}

/* The template of a policy that gives its mark to SAs. */
static const struct xfrm_tmpl *xvti_spd_tmpl(const struct xfrm_policy *xp,
					     int dir)
{
	const struct xfrm_tmpl *t = &xp->xfrm_vec[0];

	if (dir != XFRM_POLICY_OUT || xp->type != XFRM_POLICY_TYPE_MAIN ||
	    !xp->mark.m || xp->xfrm_nr != 1 || t->mode != XFRM_MODE_TUNNEL ||
	    t->id.proto != IPPROTO_ESP || !t->reqid)
		return NULL;
	return t;
}

static u32 xvti_spd_index_hash(const struct xvti_net *xn, u32 index)
{
	return xvti_binding_hash(xn->net, XVTI_KEY_MAX, index);
}

static struct xvti_spd *xvti_spd_find(const struct xvti_net *xn, u32 index)
{
	struct xvti_spd *pol;

	hash_for_each_possible(xvti_spd_by_index, pol, index_node,
			       xvti_spd_index_hash(xn, index))
		if (pol->index == index && net_eq(pol->net, xn->net))
			return pol;
	return NULL;
}

static void xvti_spd_free(struct xvti_spd *pol)
{
	lockdep_assert_held(&xvti_sa_lock);
	if (!pol)
		return;
	hash_del(&pol->reqid_node);
	hash_del(&pol->index_node);
	list_del(&pol->net_node);
	kfree(pol);
}

static bool xvti_spd_same(const struct xvti_spd *pol,
			  const struct xfrm_policy *xp,
			  const struct xfrm_tmpl *t)
{
	return pol->reqid == t->reqid && pol->family == t->encap_family &&
	       pol->mark.v == xp->mark.v && pol->mark.m == xp->mark.m &&
	       xfrm_addr_equal(&pol->saddr, &t->saddr, pol->family) &&
	       xfrm_addr_equal(&pol->daddr, &t->id.daddr, pol->family);
}

static void xvti_spd_insert(struct xvti_net *xn, const struct xfrm_policy *xp,
			    const struct xfrm_tmpl *t)
{
	struct xvti_spd *pol;

	pol = kzalloc(sizeof(*pol), GFP_ATOMIC);
	if (!pol) {
		xvti_sa_retry(xn);
		return;
	}
	pol->net = xn->net;
	pol->saddr = t->saddr;
	pol->daddr = t->id.daddr;
	pol->mark = xp->mark;
	pol->reqid = t->reqid;
	pol->index = xp->index;
	pol->gen = xn->resync_gen;
	pol->family = t->encap_family;
	list_add(&pol->net_node, &xn->spd);
	hash_add(xvti_spd_by_reqid, &pol->reqid_node,
		 xvti_binding_hash(xn->net, XVTI_KEY_REQID, pol->reqid));
	hash_add(xvti_spd_by_index, &pol->index_node,
		 xvti_spd_index_hash(xn, pol->index));
	xvti_sa_remark(xn, pol->reqid);
}

/* A policy was added, took the place of another with its index, or the walk
 * came across it.
 */
static void xvti_spd_add(struct xvti_net *xn, const struct xfrm_policy *xp,
			 int dir)
{
	const struct xfrm_tmpl *t = xvti_spd_tmpl(xp, dir);
	struct xvti_spd *pol = xvti_spd_find(xn, xp->index);

	lockdep_assert_held(&xvti_sa_lock);
	if (pol && t && xvti_spd_same(pol, xp, t)) {
		pol->gen = xn->resync_gen;
		return;
	}
	xvti_spd_free(pol);
	if (t)
		xvti_spd_insert(xn, xp, t);
}

/**
 * xvti_spd_notify() - xfrm_mgr::notify_policy
 * @xp: the policy, or NULL when all are flushed
 * @dir: its direction
 * @c: what has happened to it
 *
 * Context: any; the core holds no lock of its own but perhaps that of @xp.
 * Return: 0.
 */
int xvti_spd_notify(struct xfrm_policy *xp, int dir, const struct km_event *c)
{
	struct xvti_net *xn = xvti_pernet(xp ? xp_net(xp) : c->net);

	if (!READ_ONCE(xn->tracking))
		return 0;
	spin_lock_bh(&xvti_sa_lock);
	if (!xn->tracking)
		goto out;
	if (!xp && c->event == XFRM_MSG_FLUSHPOLICY &&
	    c->data.type == XFRM_POLICY_TYPE_MAIN)
		xvti_spd_forget(xn);
	else if (xp && (c->event == XFRM_MSG_NEWPOLICY ||
			c->event == XFRM_MSG_UPDPOLICY))
		xvti_spd_add(xn, xp, dir);
	else if (xp && (c->event == XFRM_MSG_DELPOLICY ||
			(c->event == XFRM_MSG_POLEXPIRE && c->data.hard)))
		xvti_spd_free(xvti_spd_find(xn, xp->index));
	xvti_sa_settle();
out:
	spin_unlock_bh(&xvti_sa_lock);
	return 0;
}

/* Called under the core's lock of the database. */
static int xvti_spd_walk_one(struct xfrm_policy *xp, int dir, int count,
			     void *data)
{
	struct xvti_net *xn = data;

	spin_lock_bh(&xvti_sa_lock);
	if (xn->tracking)
		xvti_spd_add(xn, xp, dir);
	spin_unlock_bh(&xvti_sa_lock);
	return 0;
}

/**
 * xvti_spd_walk() - copy what is there already, or was missed
 * @xn: underlay
 *
 * Context: process, in a walk over the SAs, which settles what has changed.
 */
void xvti_spd_walk(struct xvti_net *xn)
{
	struct xfrm_policy_walk walk;
	struct xvti_spd *pol, *next;

	xfrm_policy_walk_init(&walk, XFRM_POLICY_TYPE_MAIN);
	xfrm_policy_walk(xn->net, &walk, xvti_spd_walk_one, xn);
	xfrm_policy_walk_done(&walk, xn->net);

	spin_lock_bh(&xvti_sa_lock);
	list_for_each_entry_safe(pol, next, &xn->spd, net_node)
		if (pol->gen != xn->resync_gen)
			xvti_spd_free(pol);
	spin_unlock_bh(&xvti_sa_lock);
}

/**
 * xvti_spd_forget() - drop all copies of a netns
 * @xn: underlay
 *
 * Context: xvti_sa_lock.
 */
void xvti_spd_forget(struct xvti_net *xn)
{
	struct xvti_spd *pol, *next;

	lockdep_assert_held(&xvti_sa_lock);
	list_for_each_entry_safe(pol, next, &xn->spd, net_node)
		xvti_spd_free(pol);
}
