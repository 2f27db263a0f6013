/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernels for those who make a dst of their own, which
 * only the tests' module does. Included after compat.h by its Kbuild.
 */

#ifndef _XVTI_COMPAT_DST_H
#define _XVTI_COMPAT_DST_H

static inline void xvti_dst_set_child(struct dst_entry *dst,
				      struct dst_entry *child)
{
#ifdef XVTI_HAVE_DST_CHILD
	((struct xfrm_dst *)dst)->child = child;
#else
	dst->child = child;
#endif
}

/* lost the number of references to begin with in 6.4 */
#ifdef XVTI_HAVE_DST_INITIAL_REF
#define dst_alloc(ops, dev, obsolete, flags) \
	dst_alloc(ops, dev, 1, obsolete, flags)
#endif

#endif /* _XVTI_COMPAT_DST_H */
