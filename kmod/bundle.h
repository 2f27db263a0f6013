/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_BUNDLE_H
#define _XVTI_BUNDLE_H

#include <net/dst.h>

#include "policy.h"

int xvti_bundle_init(void);
void xvti_bundle_exit(void);
unsigned int xvti_out_flush(struct xvti_out *out);
void xvti_bundle_flush(struct xvti_dev *xv);
bool xvti_bundle_probe(struct net *net, const struct flowi *fl,
		       const struct sock *sk, enum xvti_inner inner, u32 if_id);
struct dst_entry *xvti_bundle_spd(struct xvti_dev *xv, const struct flowi *fl,
				  enum xvti_inner inner, unsigned int *reason);
struct dst_entry *xvti_bundle_build(struct xvti_dev *xv, struct xvti_out *out,
				    enum xvti_inner inner,
				    unsigned int *reason);

/**
 * xvti_bundle_get() - the cached bundle, if it is still good
 * @out: outbound side of a device
 * @inner: inner family
 *
 * dst_check() asks the core whether the SA, the policy, the route and the
 * device of the bundle still stand.
 *
 * Context: RCU read side, BH disabled.
 * Return: the bundle with a reference for the caller, or NULL.
 */
static inline struct dst_entry *xvti_bundle_get(const struct xvti_out *out,
						enum xvti_inner inner)
{
	struct dst_entry *dst;

	dst = rcu_dereference(this_cpu_ptr(out->slots)->dst[inner]);
	if (likely(dst) && likely(dst_check(dst, 0)) &&
	    likely(dst_hold_safe(dst)))
		return dst;
	return NULL;
}

#endif /* _XVTI_BUNDLE_H */
