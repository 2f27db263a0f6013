// SPDX-License-Identifier: GPL-2.0
/*
 * Private policies: how a device gets bundles from the xfrm core without a
 * policy in the database.
 *
 * A policy that hangs on a socket is found by nobody but who passes that
 * socket to xfrm_lookup(). So each device has a bare kernel socket for each
 * inner family, and on it an outbound policy with an any/any selector and one
 * tunnel template. No flush and no daemon removes it, and no other traffic
 * meets it.
 *
 * The core installs socket policies for its key managers only: from the data
 * that a user hands to setsockopt(), one of them compiles the policy. The
 * module is such a manager, for its own sockets.
 *
 * All of this runs in the workers of xvti_policy_wq: xfrm_user_policy()
 * refuses tasks with a compat ABI, reads "user" memory on older kernels, and
 * sk_alloc() would charge the cgroup of whoever configures the device. These
 * workers never take RTNL, so that RTNL holders can wait for them.
 *
 * Locking: an outbound side is made without a lock of the module, published in
 * xvti_dev.out under xvti_sa_lock, read under RCU, and freed by a worker after a
 * grace period. While it is published its policies are pinned under xvti_sa_lock;
 * the core reads their templates without it.
 */

#include <linux/slab.h>
#include <net/sock.h>

#include "binding.h"
#include "bundle.h"
#include "policy.h"

/* The owner stays NULL, or each socket would pin the module. */
static struct proto xvti_proto = {
	.name		= "XVTI",
	.obj_size	= sizeof(struct sock),
};

static void xvti_policy_fill(struct xfrm_policy *xp,
			     const struct xvti_tmpl *tmpl)
{
	struct xfrm_tmpl *t = &xp->xfrm_vec[0];

	xp->type = XFRM_POLICY_TYPE_MAIN;
	xp->action = XFRM_POLICY_ALLOW;
	xp->family = tmpl->inner;
	xp->selector.family = tmpl->inner;
	xp->mark = tmpl->mark;
	xvti_policy_set_if_id(xp, tmpl->if_id);
	xp->lft.soft_byte_limit = XFRM_INF;
	xp->lft.hard_byte_limit = XFRM_INF;
	xp->lft.soft_packet_limit = XFRM_INF;
	xp->lft.hard_packet_limit = XFRM_INF;
	xp->xfrm_nr = 1;

	t->id.daddr = tmpl->remote;
	t->id.proto = IPPROTO_ESP;
	t->saddr = tmpl->local;
	t->encap_family = tmpl->family;
	t->mode = XFRM_MODE_TUNNEL;
	t->share = XFRM_SHARE_ANY;
	t->reqid = tmpl->reqid;
	t->allalgs = 1;
	t->aalgos = ~0;
	t->ealgos = ~0;
	t->calgos = ~0;
}

/**
 * xvti_compile_policy() - xfrm_mgr::compile_policy
 * @sk: socket that the policy is for
 * @opt: option name, unused
 * @data: a struct xvti_tmpl if @sk is ours
 * @len: its size
 * @dir: XFRM_POLICY_OUT, or an error
 *
 * For sockets of others @dir is left as the managers before this one set it:
 * setsockopt() answers them as if the module were not there.
 *
 * Context: RCU read side.
 * Return: the policy, or NULL.
 */
struct xfrm_policy *xvti_compile_policy(struct sock *sk, int opt, u8 *data,
					int len, int *dir)
{
	struct xfrm_policy *xp;

	if (sk->sk_prot != &xvti_proto)
		return NULL;
	if (len != sizeof(struct xvti_tmpl)) {
		*dir = -EINVAL;
		return NULL;
	}
	xp = xfrm_policy_alloc(sock_net(sk), GFP_ATOMIC);
	if (!xp) {
		*dir = -ENOBUFS;
		return NULL;
	}
	xvti_policy_fill(xp, (const struct xvti_tmpl *)data);
	*dir = XFRM_POLICY_OUT;
	return xp;
}

static void xvti_sk_free(struct sock *sk)
{
	/* sk_free() alone would leak the policy; killing it makes every
	 * bundle that came from it stale.
	 */
	xfrm_sk_free_policy(sk);
	sk_free(sk);
}

static struct sock *xvti_sk_create(struct net *net, struct xvti_tmpl *tmpl)
{
	struct sock *sk;
	int err;

	sk = sk_alloc(net, PF_INET, GFP_KERNEL, &xvti_proto, 1);
	if (!sk)
		return ERR_PTR(-ENOMEM);
	sk->sk_family = AF_UNSPEC;
	sk->sk_mark = tmpl->mark.v;

	lock_sock(sk);
	err = xfrm_user_policy(sk, 0, KERNEL_SOCKPTR(tmpl), sizeof(*tmpl));
	release_sock(sk);
	if (!err && !rcu_access_pointer(sk->sk_policy[XFRM_POLICY_OUT]))
		err = -ENOBUFS;
	if (err) {
		xvti_sk_free(sk);
		return ERR_PTR(err);
	}
	return sk;
}

/**
 * xvti_out_pin() - have the policies find one SA and no other
 * @out: outbound side
 * @spi: SPI of that SA, or 0 for any
 *
 * A template may change while the core reads it, as it does in
 * xfrm_policy_migrate(): a lookup that meets the change finds one SA or the
 * other. The bundles are the caller's to flush.
 *
 * Context: xvti_sa_lock.
 */
void xvti_out_pin(struct xvti_out *out, __be32 spi)
{
	struct xfrm_policy *xp;
	int inner;

	lockdep_assert_held(&xvti_sa_lock);
	WRITE_ONCE(out->spi, spi);
	for (inner = 0; inner < XVTI_INNER_MAX; inner++) {
		/* there as long as the outbound side is published */
		xp = xvti_sa_dereference(out->sk[inner]->sk_policy[XFRM_POLICY_OUT]);
		WRITE_ONCE(xp->xfrm_vec[0].id.spi, spi);
	}
}

static void xvti_out_free(struct xvti_out *out)
{
	int inner;

	if (out->slots) {
		xvti_out_flush(out);
		free_percpu(out->slots);
	}
	for (inner = 0; inner < XVTI_INNER_MAX; inner++)
		if (out->sk[inner])
			xvti_sk_free(out->sk[inner]);
	kfree(out);
}

static void xvti_out_free_work(struct work_struct *work)
{
	xvti_out_free(container_of(work, struct xvti_out, free_work));
}

static void xvti_out_free_rcu(struct rcu_head *rcu)
{
	struct xvti_out *out = container_of(rcu, struct xvti_out, rcu);

	queue_work(xvti_policy_wq, &out->free_work);
}

/**
 * xvti_out_release() - free an outbound side that is no longer published
 * @out: outbound side, or NULL
 *
 * Context: any. It is gone after rcu_barrier() and a flush of xvti_policy_wq.
 */
void xvti_out_release(struct xvti_out *out)
{
	if (out)
		call_rcu(&out->rcu, xvti_out_free_rcu);
}

static struct xvti_out *xvti_out_create(struct net *net,
					const struct xvti_tmpl *tmpl)
{
	struct xvti_out *out;
	int inner, err;

	out = kzalloc(sizeof(*out), GFP_KERNEL);
	if (!out)
		return ERR_PTR(-ENOMEM);
	out->net = net;
	out->tmpl = *tmpl;
	INIT_WORK(&out->free_work, xvti_out_free_work);

	err = -ENOMEM;
	out->slots = alloc_percpu(struct xvti_slot);
	if (!out->slots)
		goto err_free;

	for (inner = 0; inner < XVTI_INNER_MAX; inner++) {
		struct xvti_tmpl t = *tmpl;
		struct sock *sk;

		t.inner = xvti_inner_family(inner);
		sk = xvti_sk_create(net, &t);
		if (IS_ERR(sk)) {
			err = PTR_ERR(sk);
			goto err_free;
		}
		out->sk[inner] = sk;
	}
	return out;

err_free:
	xvti_out_free(out);
	return ERR_PTR(err);
}

struct xvti_out_request {
	struct work_struct	work;
	struct net		*net;
	const struct xvti_tmpl	*tmpl;
	struct xvti_out		*out;
};

static void xvti_out_request_work(struct work_struct *work)
{
	struct xvti_out_request *req;

	req = container_of(work, struct xvti_out_request, work);
	req->out = xvti_out_create(req->net, req->tmpl);
}

/**
 * xvti_out_build() - build an outbound side and wait for it
 * @net: underlay
 * @tmpl: what its policies are made from
 *
 * Context: process; RTNL may be held.
 * Return: the outbound side, not yet published, or an ERR_PTR().
 */
struct xvti_out *xvti_out_build(struct net *net, const struct xvti_tmpl *tmpl)
{
	struct xvti_out_request req = { .net = net, .tmpl = tmpl };

	INIT_WORK_ONSTACK(&req.work, xvti_out_request_work);
	queue_work(xvti_policy_wq, &req.work);
	flush_work(&req.work);
	destroy_work_on_stack(&req.work);
	return req.out;
}

/* Publish an outbound side unless the device has moved on meanwhile. */
static struct xvti_out *xvti_out_publish(struct xvti_dev *xv,
					 struct xvti_out *out)
{
	struct xvti_out *old = out;
	struct xvti_tmpl tmpl;

	spin_lock_bh(&xvti_sa_lock);
	if (!xv->dead && xvti_binding_tmpl(xv, &xv->conf, &tmpl) &&
	    !memcmp(&tmpl, &out->tmpl, sizeof(tmpl))) {
		old = xvti_sa_dereference(xv->out);
		rcu_assign_pointer(xv->out, out);
		xvti_binding_update(xv);
	}
	spin_unlock_bh(&xvti_sa_lock);
	return old;
}

/* No memory, in all likelihood: without another change of its SAs the device would
 * never try again.
 */
static void xvti_out_failed(struct xvti_dev *xv, long err)
{
	net_warn_ratelimited("%s: no policy: error %ld\n", xv->dev->name, err);
	spin_lock_bh(&xvti_sa_lock);
	if (!xv->dead) {
		xvti_sa_dirty(xv);
		xvti_sa_retry(xvti_pernet(xv->net));
	}
	spin_unlock_bh(&xvti_sa_lock);
}

/**
 * xvti_out_work() - follow a learned peer or reqid
 * @work: &xvti_dev.out_work, which holds a reference to the device
 */
void xvti_out_work(struct work_struct *work)
{
	struct xvti_dev *xv = container_of(work, struct xvti_dev, out_work);
	struct xvti_out *out;
	struct xvti_tmpl tmpl;
	bool build;

	spin_lock_bh(&xvti_sa_lock);
	build = !xv->dead && xvti_binding_tmpl(xv, &xv->conf, &tmpl);
	out = xvti_sa_dereference(xv->out);
	if (out && build && !memcmp(&tmpl, &out->tmpl, sizeof(tmpl)))
		build = false;
	spin_unlock_bh(&xvti_sa_lock);

	if (build) {
		out = xvti_out_create(xv->net, &tmpl);
		if (IS_ERR(out))
			xvti_out_failed(xv, PTR_ERR(out));
		else
			xvti_out_release(xvti_out_publish(xv, out));
	}
	dev_put(xv->dev);
}
