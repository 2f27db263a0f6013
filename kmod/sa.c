// SPDX-License-Identifier: GPL-2.0
/*
 * SA tracking: a copy of every SA of the netns that devices were born in.
 *
 * The xfrm core tells of SAs through struct xfrm_mgr, some events with
 * x->lock held; it is silent about migration and about flushes by offload and
 * netns. So a walk over the core's own list fills the copy when the first
 * device of a netns is configured, and again when a packet proves it wrong.
 *
 * Locking: xvti_sa_lock protects the copies, which device they are bound to, and
 * what devices derive from that. The core calls in with x->lock, xfrm_state_lock
 * or xfrm_policy_lock held, so it comes after these: no xfrm function is called
 * under it but those that only read their arguments. Of the module's own locks
 * RTNL and then xvti_sa_walk_mutex come before it, a device's queue.lock after it.
 *
 * Packets read the hash by SPI under RCU, and by it the device, which outlives
 * them: see device.c.
 */

#include <crypto/aead.h>
#include <crypto/hash.h>
#include <linux/jhash.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <net/ah.h>
#include <net/netns/hash.h>

#include "acquire.h"
#include "binding.h"
#include "device.h"
#include "handover.h"
#include "policy.h"
#include "spd.h"
#include "route.h"

/* Requests for a walk that packets make, at most one in this time. */
#define XVTI_RESYNC_INTERVAL	HZ
/* What found no memory is tried again after this. */
#define XVTI_RETRY_DELAY	(HZ / 4)

#define XVTI_SA_KEY_BITS	12
#define XVTI_SA_SPI_BITS	13

DEFINE_SPINLOCK(xvti_sa_lock);

/* SPIs are to be seen on the wire, and anybody may have SAs with the same in a
 * network namespace of his own: with the netns and a secret in the hash, those
 * are not in the way of others.
 */
static struct hlist_head xvti_sa_by_spi[1 << XVTI_SA_SPI_BITS];
static u32 xvti_sa_secret __read_mostly;

static struct hlist_head *xvti_sa_spi_chain(const struct net *net, __be32 spi)
{
	u32 hash = jhash_2words((__force u32)spi, net_hash_mix(net),
				xvti_sa_secret);

	return &xvti_sa_by_spi[hash >> (32 - XVTI_SA_SPI_BITS)];
}

static struct hlist_head
xvti_sa_by_key[XVTI_KEY_MAX][1 << XVTI_SA_KEY_BITS];

static u32 xvti_sa_key(const struct xvti_sa *sa, enum xvti_key key)
{
	switch (key) {
	case XVTI_KEY_REQID:
		return sa->reqid;
	case XVTI_KEY_IF_ID:
		return sa->if_id;
	default:
		return sa->bind_mark.v & sa->bind_mark.m;
	}
}

static struct hlist_head *xvti_sa_chain(const struct net *net,
					enum xvti_key key, u32 value)
{
	u32 hash = xvti_binding_hash(net, key, value);

	return &xvti_sa_by_key[key][hash >> (32 - XVTI_SA_KEY_BITS)];
}

/* The families for which the private policies' any/any flow finds an SA:
 * xfrm_state_find() matches the SA's selector against that flow.
 */
static u8 xvti_sa_inner(struct xfrm_state *x)
{
	const struct xfrm_selector *sel = &x->sel;

	if (x->id.proto != IPPROTO_ESP || xvti_x_packet_nic(x) ||
	    x->props.mode != XFRM_MODE_TUNNEL || sel->prefixlen_s ||
	    sel->prefixlen_d || sel->proto || sel->sport_mask ||
	    sel->dport_mask || sel->ifindex)
		return 0;
	switch (sel->family) {
	case AF_INET:
		return BIT(XVTI_INNER4);
	case AF_INET6:
		return BIT(XVTI_INNER6);
	default:
		return BIT(XVTI_INNER4) | BIT(XVTI_INNER6);
	}
}

static u32 xvti_sa_cipher_flags(const struct xfrm_state *x)
{
	const struct ah_data *ah = x->data;

	switch (x->id.proto) {
	case IPPROTO_ESP:
		return crypto_aead_alg(x->data)->base.cra_flags;
	case IPPROTO_AH:
		return crypto_hash_alg_common(ah->ahash)->base.cra_flags;
	default:
		return 0;
	}
}

/**
 * xvti_sa_async() - where the cipher of an SA may hand packets back
 * @x: the SA
 *
 * Wrappers of software ciphers (simd, cryptd, pcrypt) finish in a kernel
 * thread when they do not at once; drivers finish anywhere.
 *
 * Context: any.
 * Return: &enum xvti_async.
 */
u8 xvti_sa_async(const struct xfrm_state *x)
{
	u32 flags = x->data ? xvti_sa_cipher_flags(x) : 0;

	if (!(flags & CRYPTO_ALG_ASYNC))
		return XVTI_ASYNC_NEVER;
	if (flags & (CRYPTO_ALG_KERN_DRIVER_ONLY |
		     CRYPTO_ALG_ALLOCATES_MEMORY | CRYPTO_ALG_NEED_FALLBACK))
		return XVTI_ASYNC_ANYWHERE;
	return XVTI_ASYNC_WORKER;
}

/**
 * xvti_sa_fill() - copy what the module wants to know of an SA
 * @sa: filled; list members are left alone
 * @x: the SA
 *
 * Context: any; takes no lock: nothing of what is read here changes but if_id, by an
 * update of the SA that the next walk sees.
 */
void xvti_sa_fill(struct xvti_sa *sa, struct xfrm_state *x)
{
	sa->net = xs_net(x);
	sa->saddr = x->props.saddr;
	sa->daddr = x->id.daddr;
	sa->mark = x->mark;
	sa->bind_mark = x->mark;
	sa->spi = x->id.spi;
	sa->reqid = x->props.reqid;
	sa->if_id = xvti_x_if_id(x);
	sa->family = x->props.family;
	sa->proto = x->id.proto;
	sa->mode = x->props.mode;
	sa->inner = xvti_sa_inner(x);
	sa->async = xvti_sa_async(x);
	sa->per_cpu = xvti_x_per_cpu(x);
	sa->add_time = x->curlft.add_time;
}

static bool xvti_sa_is(const struct xvti_sa *sa, struct xfrm_state *x)
{
	return sa->spi == x->id.spi && net_eq(sa->net, xs_net(x)) &&
	       sa->proto == x->id.proto && sa->family == x->props.family &&
	       sa->mark.v == x->mark.v &&
	       sa->mark.m == x->mark.m &&
	       xfrm_addr_equal(&sa->daddr, &x->id.daddr, sa->family);
}

/**
 * xvti_sa_find() - the copy of an SA
 * @x: the SA
 *
 * Context: RCU read side or xvti_sa_lock.
 * Return: the copy, or NULL.
 */
struct xvti_sa *xvti_sa_find(struct xfrm_state *x)
{
	struct xvti_sa *sa;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held() &&
			 !lockdep_is_held(&xvti_sa_lock),
			 "xvti: an SA without RCU and xvti_sa_lock");
	hlist_for_each_entry_rcu(sa, xvti_sa_spi_chain(xs_net(x), x->id.spi),
				 spi_node)
		if (xvti_sa_is(sa, x))
			return sa;
	return NULL;
}

/* A bound SA by what a packet says of it. */
static struct xvti_sa *xvti_sa_find_spi(const struct net *net,
					const xfrm_address_t *daddr,
					__be32 spi, u8 proto, u16 family,
					enum xvti_dir dir, bool marked)
{
	struct xvti_sa *sa;

	hlist_for_each_entry_rcu(sa, xvti_sa_spi_chain(net, spi), spi_node)
		if (sa->spi == spi && net_eq(sa->net, net) &&
		    sa->proto == proto && sa->family == family &&
		    rcu_access_pointer(sa->xv) && sa->dir == dir &&
		    (!marked || sa->mark.m) &&
		    xfrm_addr_equal(&sa->daddr, daddr, family))
			return sa;
	return NULL;
}

/**
 * xvti_sa_find_marked() - an inbound SA of ours that the core would miss
 * @net: underlay
 * @daddr: outer destination of the packet
 * @spi: its SPI
 * @proto: IPPROTO_ESP or _AH
 * @family: outer family
 *
 * The core looks inbound SAs up with the packet's own mark, which is not the
 * one of a marked SA unless the administrator sets it.
 *
 * Context: RCU read side.
 * Return: an SA with a mark that is bound inbound to a device, or NULL.
 */
struct xvti_sa *xvti_sa_find_marked(const struct net *net,
				    const xfrm_address_t *daddr, __be32 spi,
				    u8 proto, u16 family)
{
	return xvti_sa_find_spi(net, daddr, spi, proto, family, XVTI_IN, true);
}

/**
 * xvti_sa_sender() - the device that an ESP or AH packet has left by
 * @net: underlay
 * @daddr: outer destination of the packet
 * @spi: its SPI
 * @proto: IPPROTO_ESP or _AH
 * @family: outer family
 *
 * Context: RCU read side.
 * Return: the device, or NULL.
 */
struct xvti_dev *xvti_sa_sender(const struct net *net,
				const xfrm_address_t *daddr, __be32 spi,
				u8 proto, u16 family)
{
	struct xvti_sa *sa;

	sa = xvti_sa_find_spi(net, daddr, spi, proto, family, XVTI_OUT, false);
	return sa ? rcu_dereference(sa->xv) : NULL;
}

static void xvti_sa_unset_dev(struct xvti_sa *sa)
{
	struct xvti_dev *xv = xvti_sa_dereference(sa->xv);
	struct xvti_net *xn = xvti_pernet(sa->net);

	if (!xv)
		return;
	if (sa->dir == XVTI_OUT)
		xvti_acquire_lost(xv, sa->spi);
	list_del_init(&sa->dev_node);
	RCU_INIT_POINTER(sa->xv, NULL);
	if (sa->dir == XVTI_IN && sa->mark.m)
		WRITE_ONCE(xn->marked_in, xn->marked_in - 1);
}

/* Newest first, whatever the order in which they were met. */
static void xvti_sa_set_dev(struct xvti_sa *sa, struct xvti_dev *xv,
			    enum xvti_dir dir)
{
	struct xvti_net *xn = xvti_pernet(sa->net);
	struct list_head *pos = &xv->sas;
	struct xvti_sa *other;

	lockdep_assert_held(&xvti_sa_lock);
	list_for_each_entry(other, &xv->sas, dev_node)
		if (other->add_time <= sa->add_time) {
			pos = &other->dev_node;
			break;
		}
	sa->dir = dir;
	WRITE_ONCE(sa->foreign, false);
	list_add_tail(&sa->dev_node, pos);
	rcu_assign_pointer(sa->xv, xv);
	if (dir == XVTI_IN && sa->mark.m)
		WRITE_ONCE(xn->marked_in, xn->marked_in + 1);
}

static bool xvti_sa_reversed(const struct xvti_sa *out,
			     const struct xvti_sa *in)
{
	return out->dir == XVTI_OUT && out->reqid == in->reqid &&
	       net_eq(out->net, in->net) && out->family == in->family &&
	       out->if_id == in->if_id &&
	       xfrm_addr_equal(&out->saddr, &in->daddr, in->family) &&
	       xfrm_addr_equal(&out->daddr, &in->saddr, in->family);
}

/**
 * xvti_sa_paired() - the device of an inbound SA's counterpart
 * @sa: the SA
 *
 * A daemon gives both SAs of a pair the same reqid.
 *
 * Context: xvti_sa_lock.
 * Return: the one device that outbound SAs with the endpoints reversed are
 * bound to, or NULL.
 */
struct xvti_dev *xvti_sa_paired(const struct xvti_sa *sa)
{
	struct xvti_dev *xv, *found = NULL;
	const struct xvti_sa *out;

	lockdep_assert_held(&xvti_sa_lock);
	if (!sa->reqid)
		return NULL;
	hlist_for_each_entry(out, xvti_sa_chain(sa->net, XVTI_KEY_REQID,
						sa->reqid),
			     key_node[XVTI_KEY_REQID]) {
		xv = xvti_sa_dereference(out->xv);
		/* a device that lets go of its SAs is in no hash any more */
		if (!xv || hlist_unhashed(&xv->key_node) ||
		    !xvti_sa_reversed(out, sa))
			continue;
		if (found && found != xv)
			return NULL;
		found = xv;
	}
	return found;
}

/* Devices whose SAs have changed, until xvti_sa_settle(); xvti_sa_lock. */
static LIST_HEAD(xvti_dirty);

/**
 * xvti_sa_dirty() - a device has to follow what has changed
 * @xv: device, not dead
 *
 * Context: xvti_sa_lock; xvti_sa_settle() has to follow.
 */
void xvti_sa_dirty(struct xvti_dev *xv)
{
	lockdep_assert_held(&xvti_sa_lock);
	if (list_empty(&xv->dirty_node))
		list_add_tail(&xv->dirty_node, &xvti_dirty);
}

/**
 * xvti_sa_settle() - let devices follow the changes of their SAs
 *
 * Once for each device, however many of its SAs have changed.
 *
 * Context: xvti_sa_lock, before it is released, or at the end of a walk.
 */
void xvti_sa_settle(void)
{
	struct xvti_dev *xv, *next;

	lockdep_assert_held(&xvti_sa_lock);
	list_for_each_entry_safe(xv, next, &xvti_dirty, dirty_node) {
		list_del_init(&xv->dirty_node);
		xvti_binding_update(xv);
	}
}

/* Bind an SA to a device, or none, and let go of the former one. Returns whether
 * it was another.
 */
static bool xvti_sa_move(struct xvti_sa *sa, struct xvti_dev *new,
			 enum xvti_dir dir)
{
	struct xvti_dev *old = xvti_sa_dereference(sa->xv);

	if (old == new)
		return false;
	if (old) {
		xvti_sa_unset_dev(sa);
		xvti_sa_dirty(old);
	}
	if (new) {
		xvti_sa_set_dev(sa, new, dir);
		xvti_sa_dirty(new);
	}
	return true;
}

/* Bind the counterparts of an outbound SA. There may be thousands, of whoever may
 * make a network namespace: what they are paired with is the same for all.
 */
static void xvti_sa_bind_paired(const struct xvti_sa *sa,
				const struct xvti_dev *xv)
{
	struct xvti_dev *new, *paired = NULL;
	bool known = false;
	enum xvti_dir dir;
	struct xvti_sa *in;

	hlist_for_each_entry(in, xvti_sa_chain(sa->net, XVTI_KEY_REQID,
					       sa->reqid),
			     key_node[XVTI_KEY_REQID]) {
		if (in == sa || rcu_access_pointer(in->xv) == xv ||
		    !xvti_sa_reversed(sa, in))
			continue;
		if (!known)
			paired = xvti_sa_paired(in);
		known = true;
		dir = XVTI_IN;
		new = xvti_binding_find_paired(in, paired, &dir);
		xvti_sa_move(in, new, dir);
	}
}

/* Bind an SA to the device that fits best. An outbound one whose device has no
 * reqid of its own brings its counterparts along.
 */
static void xvti_sa_bind(struct xvti_sa *sa)
{
	enum xvti_dir dir = XVTI_OUT;
	struct xvti_dev *xv;

	lockdep_assert_held(&xvti_sa_lock);
	xv = xvti_binding_find(sa, &dir);
	if (xvti_sa_move(sa, xv, dir) && xv && dir == XVTI_OUT &&
	    !xv->conf.reqid && sa->reqid)
		xvti_sa_bind_paired(sa, xv);
}

static void xvti_sa_remove(struct xvti_sa *sa)
{
	struct xvti_dev *xv = xvti_sa_dereference(sa->xv);
	int key;

	lockdep_assert_held(&xvti_sa_lock);
	hlist_del_init_rcu(&sa->spi_node);
	for (key = 0; key < XVTI_KEY_MAX; key++)
		hlist_del_init(&sa->key_node[key]);
	list_del(&sa->net_node);
	xvti_sa_unset_dev(sa);
	kfree_rcu(sa, rcu);
	if (xv)
		xvti_sa_dirty(xv);
}

static void xvti_sa_insert(struct xvti_net *xn, struct xvti_sa *sa)
{
	int key;

	lockdep_assert_held(&xvti_sa_lock);
	INIT_LIST_HEAD(&sa->dev_node);
	list_add(&sa->net_node, &xn->sas);
	if (!sa->mark.m)
		xvti_spd_mark(sa, &sa->bind_mark);
	hlist_add_head_rcu(&sa->spi_node, xvti_sa_spi_chain(sa->net, sa->spi));
	for (key = 0; key < XVTI_KEY_MAX; key++) {
		u32 value = xvti_sa_key(sa, key);

		INIT_HLIST_NODE(&sa->key_node[key]);
		if (value)
			hlist_add_head(&sa->key_node[key],
				       xvti_sa_chain(xn->net, key, value));
	}
	xvti_sa_bind(sa);
}

/**
 * xvti_sa_remark() - a policy has a mark for the SAs of a reqid
 * @xn: underlay
 * @reqid: the reqid
 *
 * Context: xvti_sa_lock; xvti_sa_settle() has to follow.
 */
void xvti_sa_remark(struct xvti_net *xn, u32 reqid)
{
	struct hlist_node *node;
	struct xvti_sa *sa;
	u32 value;

	lockdep_assert_held(&xvti_sa_lock);
	hlist_for_each_entry(sa, xvti_sa_chain(xn->net, XVTI_KEY_REQID, reqid),
			     key_node[XVTI_KEY_REQID]) {
		if (sa->reqid != reqid || sa->mark.m ||
		    !net_eq(sa->net, xn->net))
			continue;
		xvti_spd_mark(sa, &sa->bind_mark);
		node = &sa->key_node[XVTI_KEY_MARK];
		hlist_del_init(node);
		value = xvti_sa_key(sa, XVTI_KEY_MARK);
		if (value)
			hlist_add_head(node, xvti_sa_chain(xn->net,
							   XVTI_KEY_MARK,
							   value));
		xvti_sa_bind(sa);
	}
}

static bool xvti_sa_same(const struct xvti_sa *sa, struct xfrm_state *x)
{
	return sa->reqid == x->props.reqid && sa->if_id == xvti_x_if_id(x) &&
	       sa->mode == x->props.mode && sa->inner == xvti_sa_inner(x) &&
	       xfrm_addr_equal(&sa->saddr, &x->props.saddr, sa->family);
}

/* An SA was added or updated, or the walk came across it. Returns the copy,
 * or NULL.
 */
static struct xvti_sa *xvti_sa_add(struct xvti_net *xn, struct xfrm_state *x)
{
	struct xvti_sa *sa;

	lockdep_assert_held(&xvti_sa_lock);
	sa = xvti_sa_find(x);
	if (sa && !xvti_sa_same(sa, x)) {
		xvti_sa_remove(sa);
		sa = NULL;
	}
	if (!sa) {
		sa = kzalloc(sizeof(*sa), GFP_ATOMIC);
		if (!sa) {
			xvti_sa_retry(xn);
			return NULL;
		}
		xvti_sa_fill(sa, x);
		xvti_sa_insert(xn, sa);
	}
	sa->gen = xn->resync_gen;
	/* an update of the SA begins its lifetime anew */
	sa->expiring = READ_ONCE(x->km.dying);
	return sa;
}

/* The core has dropped all SAs of a protocol without an event for each. An
 * SA that came in between is found again by the walk.
 */
static void xvti_sa_flush(struct xvti_net *xn, u8 proto)
{
	struct xvti_sa *sa, *next;

	lockdep_assert_held(&xvti_sa_lock);
	list_for_each_entry_safe(sa, next, &xn->sas, net_node)
		if (xfrm_id_proto_match(sa->proto, proto))
			xvti_sa_remove(sa);
	queue_delayed_work(xvti_policy_wq, &xn->resync_work, 0);
}

static void xvti_sa_event(struct xvti_net *xn, struct xfrm_state *x,
			  const struct km_event *c)
{
	struct xvti_sa *sa = xvti_sa_find(x);

	lockdep_assert_held(&xvti_sa_lock);
	if (c->event == XFRM_MSG_UPDSA && x->km.state == XFRM_STATE_DEAD) {
		/* the request, of which the core's SA took what it wanted */
		queue_delayed_work(xvti_policy_wq, &xn->resync_work, 0);
	} else if (c->event == XFRM_MSG_NEWSA || c->event == XFRM_MSG_UPDSA) {
		bool completed = !sa && c->event == XFRM_MSG_UPDSA;

		sa = xvti_sa_add(xn, x);
		if (!sa)
			return;
		sa->owner = c->portid;
		if (completed)
			xvti_handover_begin(sa);
	} else if (sa && c->event == XFRM_MSG_EXPIRE && !c->data.hard) {
		sa->expiring = true;
	} else if (sa && (c->event == XFRM_MSG_DELSA ||
			  c->event == XFRM_MSG_EXPIRE)) {
		xvti_sa_remove(sa);
	}
}

/* Called by the core with any lock held, x->lock among them. */
static int xvti_km_notify(struct xfrm_state *x, const struct km_event *c)
{
	struct xvti_net *xn = xvti_pernet(x ? xs_net(x) : c->net);

	if (!READ_ONCE(xn->tracking))
		return 0;
	if (x && !xfrm_id_proto_match(x->id.proto, IPSEC_PROTO_ANY))
		return 0;

	spin_lock_bh(&xvti_sa_lock);
	/* the last device may have gone meanwhile */
	if (!xn->tracking)
		goto out;
	if (x)
		xvti_sa_event(xn, x, c);
	else if (c->event == XFRM_MSG_FLUSHSA)
		xvti_sa_flush(xn, c->data.proto);
	xvti_sa_settle();
out:
	spin_unlock_bh(&xvti_sa_lock);
	return 0;
}

/* Never the one to negotiate: the core asks its other managers. */
static int xvti_km_acquire(struct xfrm_state *x, struct xfrm_tmpl *tmpl,
			   struct xfrm_policy *xp)
{
	return -EINVAL;
}

struct xfrm_mgr xvti_mgr = {
	.notify		= xvti_km_notify,
	.acquire	= xvti_km_acquire,
	.compile_policy	= xvti_compile_policy,
	.notify_policy	= xvti_spd_notify,
};

static int xvti_sa_walk_one(struct xfrm_state *x, int seq, void *data)
{
	struct xvti_net *xn = data;

	if (x->km.state != XFRM_STATE_VALID)
		return 0;
	spin_lock_bh(&xvti_sa_lock);
	if (xn->tracking)
		xvti_sa_add(xn, x);
	spin_unlock_bh(&xvti_sa_lock);
	return 0;
}

/* Numbers of walks mean something only as long as there is one at a time. Held
 * under RTNL by who configures a device, by a worker without it.
 */
static DEFINE_MUTEX(xvti_sa_walk_mutex);

static void xvti_sa_walk(struct xvti_net *xn)
{
	struct xfrm_state_walk walk;
	struct xvti_sa *sa, *next;

	mutex_lock(&xvti_sa_walk_mutex);

	spin_lock_bh(&xvti_sa_lock);
	xn->resync_gen++;
	spin_unlock_bh(&xvti_sa_lock);

	xvti_spd_walk(xn);
	xfrm_state_walk_init(&walk, IPSEC_PROTO_ANY, NULL);
	xfrm_state_walk(xn->net, &walk, xvti_sa_walk_one, xn);
	xfrm_state_walk_done(&walk, xn->net);

	spin_lock_bh(&xvti_sa_lock);
	list_for_each_entry_safe(sa, next, &xn->sas, net_node)
		if (sa->gen != xn->resync_gen)
			xvti_sa_remove(sa);
	xvti_sa_settle();
	spin_unlock_bh(&xvti_sa_lock);
	mutex_unlock(&xvti_sa_walk_mutex);
}

/**
 * xvti_sa_resync_work() - walk over the SAs of a netns again
 * @work: &xvti_net.resync_work
 */
void xvti_sa_resync_work(struct work_struct *work)
{
	struct xvti_net *xn = container_of(to_delayed_work(work),
					   struct xvti_net, resync_work);

	if (READ_ONCE(xn->tracking))
		xvti_sa_walk(xn);
}

/**
 * xvti_sa_retry() - walk over the SAs again when there may be memory
 * @xn: underlay
 *
 * Context: any.
 */
void xvti_sa_retry(struct xvti_net *xn)
{
	queue_delayed_work(xvti_policy_wq, &xn->resync_work, XVTI_RETRY_DELAY);
}

/**
 * xvti_sa_resync() - a packet has shown that the copy is wrong
 * @xn: underlay
 *
 * Context: any. The walk follows from a work item, at most once in
 * XVTI_RESYNC_INTERVAL.
 */
void xvti_sa_resync(struct xvti_net *xn)
{
	unsigned long last = READ_ONCE(xn->resync_last);

	if (jiffies - last < XVTI_RESYNC_INTERVAL || !READ_ONCE(xn->tracking))
		return;
	if (cmpxchg(&xn->resync_last, last, jiffies) == last)
		queue_delayed_work(xvti_policy_wq, &xn->resync_work, 0);
}

/**
 * xvti_sa_init() - draw the secret of the hash by SPI
 */
void xvti_sa_init(void)
{
	xvti_sa_secret = get_random_u32();
}

/**
 * xvti_sa_track() - start to follow the SAs of a netns
 * @xn: underlay
 *
 * Context: process, RTNL.
 */
void xvti_sa_track(struct xvti_net *xn)
{
	ASSERT_RTNL();
	if (xn->tracking)
		return;
	xn->resync_last = jiffies - XVTI_RESYNC_INTERVAL;
	WRITE_ONCE(xn->tracking, true);
	xvti_sa_walk(xn);
	xvti_route_track(xn);
}

/**
 * xvti_sa_forget() - stop to follow the SAs of a netns
 * @xn: underlay, without devices
 *
 * Context: process, RTNL.
 */
void xvti_sa_forget(struct xvti_net *xn)
{
	struct xvti_sa *sa, *next;

	ASSERT_RTNL();
	spin_lock_bh(&xvti_sa_lock);
	WRITE_ONCE(xn->tracking, false);
	list_for_each_entry_safe(sa, next, &xn->sas, net_node)
		xvti_sa_remove(sa);
	xvti_spd_forget(xn);
	xvti_sa_settle();
	spin_unlock_bh(&xvti_sa_lock);
}

/**
 * xvti_sa_bind_chain() - look for the device of all SAs that share a key
 * @xn: underlay
 * @key: which key
 * @value: its value, not 0
 *
 * Context: xvti_sa_lock.
 */
void xvti_sa_bind_chain(struct xvti_net *xn, enum xvti_key key, u32 value)
{
	struct xvti_sa *sa;

	lockdep_assert_held(&xvti_sa_lock);
	hlist_for_each_entry(sa, xvti_sa_chain(xn->net, key, value),
			     key_node[key])
		if (net_eq(sa->net, xn->net) && xvti_sa_key(sa, key) == value)
			xvti_sa_bind(sa);
}

/**
 * xvti_sa_rebind() - find other devices for the SAs of one that lets them go
 * @xv: that device, no longer in the hash of bindings
 *
 * Context: xvti_sa_lock.
 */
void xvti_sa_rebind(struct xvti_dev *xv)
{
	struct xvti_sa *sa;

	lockdep_assert_held(&xvti_sa_lock);
	while ((sa = list_first_entry_or_null(&xv->sas, struct xvti_sa,
					      dev_node))) {
		xvti_sa_unset_dev(sa);
		xvti_sa_bind(sa);
	}
}
