/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_POLICY_H
#define _XVTI_POLICY_H

#include <linux/workqueue.h>
#include <net/xfrm.h>

#include "device.h"

/**
 * struct xvti_tmpl - what a private policy is made from
 * @local: outer source address
 * @remote: outer destination address
 * @mark: mark of the SAs
 * @reqid: reqid of the SAs
 * @if_id: interface id of the SAs
 * @link: outgoing interface of the outer route, or 0
 * @family: family of the outer addresses
 * @inner: family of the inner packets, in the data handed to the core only
 *
 * Zeroed before it is filled, so that it can be compared as memory.
 */
struct xvti_tmpl {
	xfrm_address_t		local;
	xfrm_address_t		remote;
	struct xfrm_mark	mark;
	u32			reqid;
	u32			if_id;
	int			link;
	u16			family;
	u16			inner;
};

/**
 * struct xvti_slot - cached bundles of one device on one CPU
 * @dst: one for each inner family, or NULL; a reference is held
 */
struct xvti_slot {
	struct dst_entry __rcu	*dst[XVTI_INNER_MAX];
};

/**
 * struct xvti_out - the outbound side of a device in direct mode
 * @tmpl: what the policies were made from
 * @net: underlay
 * @spi: SPI that the policies are pinned to, or 0
 * @sk: one bare kernel socket for each inner family, carrying its policy
 * @slots: bundle cache
 * @gen: counts flushes, so that a bundle built across one is not kept; written
 *	under xvti_sa_lock
 * @rcu: for the release
 * @free_work: for the release, which may sleep
 *
 * Immutable but for the SPI and the cache. Published in &xvti_dev.out under
 * xvti_sa_lock, read under RCU.
 */
struct xvti_out {
	struct xvti_tmpl	tmpl;
	struct net		*net;
	__be32			spi;
	struct sock		*sk[XVTI_INNER_MAX];
	struct xvti_slot __percpu *slots;
	unsigned int		gen;
	struct rcu_head		rcu;
	struct work_struct	free_work;
};

struct xfrm_policy *xvti_compile_policy(struct sock *sk, int opt, u8 *data,
					int len, int *dir);
struct xvti_out *xvti_out_build(struct net *net, const struct xvti_tmpl *tmpl);
void xvti_out_pin(struct xvti_out *out, __be32 spi);
void xvti_out_release(struct xvti_out *out);
void xvti_out_work(struct work_struct *work);

#endif /* _XVTI_POLICY_H */
