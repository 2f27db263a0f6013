// SPDX-License-Identifier: GPL-2.0
/*
 * Binding: which SA belongs to which device, and what a device learns of its
 * SAs: the reqid of a binding by mark or if_id, the peer of "remote any".
 *
 * Devices are hashed by the strongest part of their binding, so that the
 * arrival of an SA costs the same with one device and with ten thousand.
 *
 * Locking: all of it is under xvti_sa_lock, and what changes a configuration under
 * RTNL as well. Without it are xvti_binding_state(), which packets ask, and
 * xvti_binding_tmpl() for a configuration that is not in force yet: there RTNL is
 * enough.
 */

#include <linux/jhash.h>
#include <linux/rtnetlink.h>
#include <linux/timekeeping.h>

#include "binding.h"
#include "bundle.h"
#include "device.h"
#include "handover.h"
#include "policy.h"
#include "proto.h"
#include "queue.h"

#define XVTI_BINDING_BITS	12

static struct hlist_head xvti_bindings[1 << XVTI_BINDING_BITS];

/**
 * xvti_binding_hash() - hash of what SAs and devices are found by
 * @net: underlay
 * @key: which key
 * @value: its value
 *
 * Return: 32 bits, the upper ones to be used.
 */
u32 xvti_binding_hash(const struct net *net, enum xvti_key key, u32 value)
{
	return jhash_3words(key, value, net_hash_mix(net), 0);
}

static struct hlist_head *xvti_binding_chain(const struct net *net,
					     enum xvti_key key, u32 value)
{
	u32 hash = xvti_binding_hash(net, key, value);

	return &xvti_bindings[hash >> (32 - XVTI_BINDING_BITS)];
}

/* The strongest key of a binding, by which its device is hashed. */
static enum xvti_key xvti_conf_key(const struct xvti_conf *conf, u32 *value)
{
	if (conf->reqid) {
		*value = conf->reqid;
		return XVTI_KEY_REQID;
	}
	if (conf->if_id) {
		*value = conf->if_id;
		return XVTI_KEY_IF_ID;
	}
	*value = conf->mark.v & conf->mark.m;
	return XVTI_KEY_MARK;
}

static bool xvti_endpoints_match(const struct xvti_conf *conf,
				 const struct xvti_sa *sa, enum xvti_dir dir)
{
	const xfrm_address_t *local, *remote;

	if (conf->family != sa->family)
		return false;
	local = dir == XVTI_OUT ? &sa->saddr : &sa->daddr;
	remote = dir == XVTI_OUT ? &sa->daddr : &sa->saddr;
	return xfrm_addr_equal(local, &conf->local, sa->family) &&
	       (xvti_conf_remote_any(conf) ||
		xfrm_addr_equal(remote, &conf->remote, sa->family));
}

/* An outbound SA carries the mark, or its policies do. An inbound one may come
 * without: strongSwan leaves it out by default. Then the reqid says that it
 * belongs, the configured one or that of its counterpart.
 */
static bool xvti_mark_match(const struct xvti_conf *conf,
			    const struct xvti_sa *sa, enum xvti_dir dir,
			    bool paired)
{
	const struct xfrm_mark *mark = &conf->mark;

	if (mark->m && sa->bind_mark.m == mark->m &&
	    sa->bind_mark.v == mark->v)
		return true;
	if (dir == XVTI_OUT)
		return !mark->m && !sa->mark.v;
	return (!mark->m || !sa->mark.m) && (conf->reqid || conf->if_id ||
					     paired);
}

/* How well an SA fits a device: 0 not at all, otherwise more is better. */
static unsigned int xvti_binding_score(const struct xvti_dev *xv,
				       const struct xvti_sa *sa,
				       enum xvti_dir dir, bool paired)
{
	const struct xvti_conf *conf = &xv->conf;

	if (!xvti_endpoints_match(conf, sa, dir) || conf->if_id != sa->if_id ||
	    (conf->reqid && conf->reqid != sa->reqid) ||
	    !xvti_mark_match(conf, sa, dir, paired))
		return 0;
	return 1 + !xvti_conf_remote_any(conf) + 2 * (!!conf->reqid) +
	       2 * (!!conf->if_id) + 2 * (conf->mark.m && sa->bind_mark.m);
}

static void xvti_binding_best(const struct xvti_sa *sa, enum xvti_dir dir,
			      enum xvti_key key, u32 value,
			      struct xvti_dev **best, unsigned int *best_score)
{
	struct xvti_dev *xv;
	unsigned int score;

	hlist_for_each_entry(xv, xvti_binding_chain(sa->net, key, value),
			     key_node) {
		if (!net_eq(xv->net, sa->net))
			continue;
		score = xvti_binding_score(xv, sa, dir, false);
		if (score > *best_score) {
			*best_score = score;
			*best = xv;
		}
	}
}

/* The device by what the SA says itself. */
static struct xvti_dev *xvti_binding_own(const struct xvti_sa *sa,
					 enum xvti_dir *dir)
{
	struct xvti_dev *best = NULL;
	unsigned int score = 0, before;
	enum xvti_dir d;

	for (d = XVTI_OUT; d <= XVTI_IN; d++) {
		before = score;
		if (sa->reqid)
			xvti_binding_best(sa, d, XVTI_KEY_REQID, sa->reqid,
					  &best, &score);
		if (sa->if_id)
			xvti_binding_best(sa, d, XVTI_KEY_IF_ID, sa->if_id,
					  &best, &score);
		if (sa->bind_mark.m)
			xvti_binding_best(sa, d, XVTI_KEY_MARK,
					  sa->bind_mark.v & sa->bind_mark.m,
					  &best, &score);
		if (score > before)
			*dir = d;
	}
	return best;
}

/* The device of its counterpart, if it is for the SA, too. */
static struct xvti_dev *xvti_binding_follow(const struct xvti_sa *sa,
					    struct xvti_dev *paired,
					    enum xvti_dir *dir)
{
	if (!paired || !xvti_binding_score(paired, sa, XVTI_IN, true))
		return NULL;
	*dir = XVTI_IN;
	return paired;
}

/**
 * xvti_binding_find_paired() - the device that an SA belongs to
 * @sa: the SA
 * @paired: what xvti_sa_paired() says of it
 * @dir: set to the direction, as seen from the device
 *
 * Context: xvti_sa_lock.
 * Return: the device whose binding is the most specific, or NULL.
 */
struct xvti_dev *xvti_binding_find_paired(const struct xvti_sa *sa,
					  struct xvti_dev *paired,
					  enum xvti_dir *dir)
{
	lockdep_assert_held(&xvti_sa_lock);
	return xvti_binding_own(sa, dir) ?:
	       xvti_binding_follow(sa, paired, dir);
}

/**
 * xvti_binding_find() - the device that an SA belongs to
 * @sa: the SA, tracked or only filled in
 * @dir: set to the direction, as seen from the device
 *
 * Context: xvti_sa_lock.
 * Return: the device whose binding is the most specific, or NULL.
 */
struct xvti_dev *xvti_binding_find(const struct xvti_sa *sa,
				   enum xvti_dir *dir)
{
	lockdep_assert_held(&xvti_sa_lock);
	return xvti_binding_own(sa, dir) ?:
	       xvti_binding_follow(sa, xvti_sa_paired(sa), dir);
}

/**
 * xvti_binding_state() - is an outbound SA one for a device in policy mode
 * @xv: device
 * @x: the SA that the database has chosen
 *
 * Context: any; an SA while the configuration changes may be judged by parts
 * of both.
 */
bool xvti_binding_state(const struct xvti_dev *xv, const struct xfrm_state *x)
{
	const struct xvti_conf *conf = &xv->conf;

	return x->props.family == conf->family &&
	       (!conf->reqid || conf->reqid == x->props.reqid) &&
	       (conf->mark.v & x->mark.m) == x->mark.v &&
	       xfrm_addr_equal(&x->props.saddr, &conf->local, conf->family) &&
	       (xvti_conf_remote_any(conf) ||
		xfrm_addr_equal(&x->id.daddr, &conf->remote, conf->family));
}

/* Where the reqid is the same a mark cannot tell the inbound SAs apart: they
 * may come without one.
 */
static bool xvti_conf_same_binding(const struct xvti_conf *a,
				   const struct xvti_conf *b)
{
	return a->family == b->family && a->reqid == b->reqid &&
	       a->if_id == b->if_id &&
	       (a->reqid || (a->mark.v == b->mark.v &&
			     a->mark.m == b->mark.m)) &&
	       xfrm_addr_equal(&a->local, &b->local, a->family) &&
	       xfrm_addr_equal(&a->remote, &b->remote, a->family);
}

/**
 * xvti_binding_taken() - does another device have these endpoints and binding
 * @xv: the device that asks for them
 * @conf: what it asks for
 *
 * Context: process, RTNL, without which the answer may be old.
 */
bool xvti_binding_taken(const struct xvti_dev *xv,
			const struct xvti_conf *conf)
{
	const struct xvti_dev *other;
	bool taken = false;
	enum xvti_key key;
	u32 value;

	ASSERT_RTNL();
	key = xvti_conf_key(conf, &value);
	spin_lock_bh(&xvti_sa_lock);
	hlist_for_each_entry(other, xvti_binding_chain(xv->net, key, value),
			     key_node)
		if (other != xv && net_eq(other->net, xv->net) &&
		    xvti_conf_same_binding(&other->conf, conf))
			taken = true;
	spin_unlock_bh(&xvti_sa_lock);
	return taken;
}

/**
 * xvti_binding_tmpl() - the template of the private policies, if known
 * @xv: device
 * @conf: its configuration, now or soon
 * @tmpl: filled if true is returned
 *
 * Context: xvti_sa_lock, or RTNL while nothing learned is needed.
 * Return: whether peer and reqid are known.
 */
bool xvti_binding_tmpl(const struct xvti_dev *xv, const struct xvti_conf *conf,
		       struct xvti_tmpl *tmpl)
{
	const xfrm_address_t *remote;

	RCU_LOCKDEP_WARN(!lockdep_is_held(&xvti_sa_lock) &&
			 !lockdep_rtnl_is_held(),
			 "xvti: a template without xvti_sa_lock and RTNL");
	remote = xvti_conf_remote_any(conf) ? &xv->peer : &conf->remote;
	memset(tmpl, 0, sizeof(*tmpl));
	tmpl->reqid = conf->reqid ?: xv->reqid;
	if (!conf->family || !tmpl->reqid || conf->mode != XVTI_MODE_DIRECT ||
	    xfrm_addr_any(remote, conf->family))
		return false;
	tmpl->local = conf->local;
	tmpl->remote = *remote;
	tmpl->mark = conf->mark;
	tmpl->if_id = conf->if_id;
	tmpl->link = conf->link;
	tmpl->family = conf->family;
	return true;
}

static void xvti_carrier_update(struct xvti_dev *xv)
{
	bool up = xv->conf.carrier == XVTI_CARRIER_ALWAYS || xvti_has_pair(xv);

	if (up == netif_carrier_ok(xv->dev))
		return;
	if (up)
		netif_carrier_on(xv->dev);
	else
		netif_carrier_off(xv->dev);
	set_bit(XVTI_EVENT_CARRIER, &xv->events);
}

/* Is there one in transport mode that protects what IPComp's tunnel carries? */
static bool xvti_sa_protector(const struct xvti_dev *xv, enum xvti_dir dir)
{
	const struct xvti_sa *sa;

	list_for_each_entry(sa, &xv->sas, dev_node)
		if (sa->dir == dir && sa->mode == XFRM_MODE_TRANSPORT &&
		    xvti_proto_proves(sa->proto) && !sa->foreign)
			return true;
	return false;
}

/* Does a policy's lookup, the private one or the database's, find an SA? Of
 * several that go together the one in tunnel mode counts.
 */
static bool xvti_sa_usable(const struct xvti_dev *xv, const struct xvti_sa *sa)
{
	if (sa->mode != XFRM_MODE_TUNNEL || sa->foreign)
		return false;
	if (xv->conf.mode == XVTI_MODE_POLICY)
		return xvti_proto_proves(sa->proto) ||
		       xvti_sa_protector(xv, sa->dir);
	return sa->proto == IPPROTO_ESP && (sa->dir == XVTI_IN || sa->inner);
}

/* Return: bit mask of the inner families that have an outbound SA. */
static u8 xvti_binding_count(struct xvti_dev *xv)
{
	const struct xvti_sa *sa;
	u8 inner = 0;

	xv->sa_out = 0;
	xv->sa_in = 0;
	list_for_each_entry(sa, &xv->sas, dev_node) {
		if (!xvti_sa_usable(xv, sa))
			continue;
		if (sa->dir == XVTI_IN) {
			xv->sa_in++;
			continue;
		}
		xv->sa_out++;
		inner |= xv->conf.mode == XVTI_MODE_POLICY ? XVTI_INNER_ALL :
							     sa->inner;
	}
	return inner;
}

/* Are the private policies, if there are any, made for the present peer and
 * reqid?
 */
static bool xvti_out_current(const struct xvti_dev *xv, bool *wanted)
{
	const struct xvti_out *out = xvti_sa_dereference(xv->out);
	struct xvti_tmpl tmpl;

	*wanted = xvti_binding_tmpl(xv, &xv->conf, &tmpl);
	return *wanted && out && !memcmp(&out->tmpl, &tmpl, sizeof(tmpl));
}

/* The families that the private policies there are can carry until those for
 * another reqid are: as long as there are SAs with theirs.
 */
static u8 xvti_out_inner(const struct xvti_dev *xv)
{
	const struct xvti_out *out = xvti_sa_dereference(xv->out);
	const struct xvti_sa *sa;
	struct xvti_tmpl tmpl;
	u8 inner = 0;

	if (!out || !xvti_binding_tmpl(xv, &xv->conf, &tmpl))
		return 0;
	tmpl.reqid = out->tmpl.reqid;
	if (memcmp(&tmpl, &out->tmpl, sizeof(tmpl)))
		return 0;
	list_for_each_entry(sa, &xv->sas, dev_node)
		if (sa->dir == XVTI_OUT && xvti_sa_usable(xv, sa) &&
		    sa->reqid == tmpl.reqid)
			inner |= sa->inner;
	return inner;
}

static bool xvti_peer_has_pair(const struct xvti_dev *xv,
			       const xfrm_address_t *peer)
{
	const struct xvti_sa *sa;
	bool dir[2] = {};

	list_for_each_entry(sa, &xv->sas, dev_node)
		if (xfrm_addr_equal(xvti_sa_remote(sa), peer, sa->family))
			dir[sa->dir] = true;
	return dir[XVTI_OUT] && dir[XVTI_IN];
}

/* The peer of "remote any": the present one as long as it has a pair of SAs,
 * then that of the newest outbound SA, then that of any.
 */
static const xfrm_address_t *xvti_peer_choose(const struct xvti_dev *xv)
{
	const struct xvti_sa *sa;

	if (list_empty(&xv->sas) || xvti_peer_has_pair(xv, &xv->peer))
		return &xv->peer;
	list_for_each_entry(sa, &xv->sas, dev_node)
		if (sa->dir == XVTI_OUT)
			return xvti_sa_remote(sa);
	return xvti_sa_remote(list_first_entry(&xv->sas, struct xvti_sa,
					       dev_node));
}

static void xvti_learn_peer(struct xvti_dev *xv)
{
	struct xvti_sa *sa;

	if (!xvti_conf_remote_any(&xv->conf))
		return;
	xv->peer = *xvti_peer_choose(xv);
	list_for_each_entry(sa, &xv->sas, dev_node)
		WRITE_ONCE(sa->foreign,
			   !xfrm_addr_equal(xvti_sa_remote(sa), &xv->peer,
					    sa->family));
}

/* The reqid of the outbound SA in use, the newest but in a rekey, completes a
 * binding without one. It is kept when that SA goes: the next one most often
 * has it again.
 */
static void xvti_learn_reqid(struct xvti_dev *xv)
{
	const struct xvti_sa *sa;

	if (xv->conf.reqid)
		return;
	list_for_each_entry(sa, &xv->sas, dev_node) {
		if (sa->reqid && xvti_handover_sends(xv, sa)) {
			xv->reqid = sa->reqid;
			return;
		}
	}
}

/**
 * xvti_binding_update() - the SAs of a device have changed
 * @xv: device
 *
 * Counts them, follows with what is derived from them, and gives up the
 * bundles: a cached one would pin a dead SA, or go on with an old one.
 *
 * Context: xvti_sa_lock, under which nothing here calls into xfrm but
 * dst_release(), which only queues.
 */
void xvti_binding_update(struct xvti_dev *xv)
{
	bool current_out, wanted, had_pair = xvti_has_pair(xv);
	u8 inner;

	lockdep_assert_held(&xvti_sa_lock);
	xvti_learn_peer(xv);
	xvti_handover_update(xv);
	xvti_learn_reqid(xv);
	inner = xvti_binding_count(xv);
	if (xvti_has_pair(xv) != had_pair)
		xv->since = ktime_get_real_seconds();
	current_out = xvti_out_current(xv, &wanted);
	if (wanted && !current_out) {
		inner = xvti_out_inner(xv);
		xvti_schedule(xv, xvti_policy_wq, &xv->out_work);
	}
	/* after the policies: pairs with xvti_bundle_possible() */
	smp_store_release(&xv->usable_out, inner);
	xvti_bundle_flush(xv);
	xvti_carrier_update(xv);
	xvti_queue_kick(xv);

	set_bit(XVTI_EVENT_SA, &xv->events);
	xvti_schedule(xv, xvti_rtnl_wq, &xv->rtnl_work);
}

/**
 * xvti_binding_attach() - give a device its configuration and its SAs
 * @xv: device, not attached
 * @conf: configuration with endpoints and binding
 *
 * Context: xvti_sa_lock and RTNL.
 */
void xvti_binding_attach(struct xvti_dev *xv, const struct xvti_conf *conf)
{
	enum xvti_key key;
	u32 value;

	ASSERT_RTNL();
	lockdep_assert_held(&xvti_sa_lock);
	xv->conf = *conf;
	xv->peer = conf->remote;
	xv->reqid = conf->reqid;
	xv->lost = 0;
	xv->lost_named = 0;
	key = xvti_conf_key(conf, &value);
	hlist_add_head(&xv->key_node, xvti_binding_chain(xv->net, key, value));
	xvti_sa_bind_chain(xvti_pernet(xv->net), key, value);
	xvti_binding_update(xv);
	xvti_sa_settle();
}

/**
 * xvti_binding_detach() - take a device's SAs away from it
 * @xv: device
 *
 * Context: xvti_sa_lock and RTNL.
 */
void xvti_binding_detach(struct xvti_dev *xv)
{
	ASSERT_RTNL();
	lockdep_assert_held(&xvti_sa_lock);
	hlist_del_init(&xv->key_node);
	xvti_sa_rebind(xv);
	xvti_handover_update(xv);
}
