/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between kernels for a driver that takes SAs and policies, which
 * only the tests' module does. Included after compat.h by its Kbuild.
 */

#ifndef _XVTI_COMPAT_OFFLOAD_H
#define _XVTI_COMPAT_OFFLOAD_H

/* 6.3: there are words for the user; 6.16: the device is an argument */
#if defined(XVTI_HAVE_XDO_STATE_DEV)
#define XVTI_XDO_ADD_ARGS \
	struct net_device *dev, struct xfrm_state *x, \
	struct netlink_ext_ack *extack
#define XVTI_XDO_DELETE_ARGS	struct net_device *dev, struct xfrm_state *x
#elif defined(XVTI_HAVE_XDO_STATE_EXTACK)
#define XVTI_XDO_ADD_ARGS \
	struct xfrm_state *x, struct netlink_ext_ack *extack
#define XVTI_XDO_DELETE_ARGS	struct xfrm_state *x
#else
#define XVTI_XDO_ADD_ARGS	struct xfrm_state *x
#define XVTI_XDO_DELETE_ARGS	struct xfrm_state *x
#endif

/* Defines ADD_xdo(), DELETE_xdo() and FREE_xdo(), by which this kernel calls them. */
#define XVTI_XDO_STATE(add, delete, free) \
static int add##_xdo(XVTI_XDO_ADD_ARGS) \
{ \
	return add(x); \
} \
static void delete##_xdo(XVTI_XDO_DELETE_ARGS) \
{ \
	delete(x); \
} \
static void free##_xdo(XVTI_XDO_DELETE_ARGS) \
{ \
	free(x); \
}

/* 6.3, as above; what 6.2 has of it no kernel that lives on has */
#ifdef XVTI_HAVE_XDO_STATE_EXTACK
#define XVTI_XDO_PACKETS	true
#define XVTI_XDO_POLICY(add, delete) \
	.xdo_dev_policy_add = (add), .xdo_dev_policy_delete = (delete),
#else
#define XVTI_XDO_PACKETS	false
#define XVTI_XDO_POLICY(add, delete)
#endif

#endif /* _XVTI_COMPAT_OFFLOAD_H */
