/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_CONF_H
#define _XVTI_CONF_H

#include <net/xfrm.h>
#include <uapi/linux/xvti.h>

/**
 * struct xvti_conf - what the user asked of a device
 * @local: outer source address
 * @remote: outer destination address; unspecified: one peer, learned
 * @mark: mark of the SAs, bound if the mask is not 0
 * @reqid: reqid of the SAs, bound if not 0
 * @if_id: interface id of the SAs, bound if not 0
 * @mtu: fixed MTU in octets, or 0 for the automatic one
 * @queue: packets that may wait for an SA
 * @link: ifindex in the underlay that outer packets leave by, or 0
 * @mode: who decides which SA a packet takes
 * @carrier: what the carrier follows
 * @family: address family of the endpoints; AF_UNSPEC: not configured
 *
 * Written under RTNL and xvti_sa_lock together, read under either.
 */
struct xvti_conf {
	xfrm_address_t		local;
	xfrm_address_t		remote;
	struct xfrm_mark	mark;
	u32			reqid;
	u32			if_id;
	u32			mtu;
	u32			queue;
	int			link;
	enum xvti_mode		mode;
	enum xvti_carrier	carrier;
	u16			family;
};

struct netlink_ext_ack;
struct nlattr;
struct xvti_dev;

int xvti_conf_parse(const struct xvti_dev *xv, struct nlattr **attrs,
		    struct xvti_conf *conf, struct netlink_ext_ack *extack);
int xvti_conf_apply(struct xvti_dev *xv, const struct xvti_conf *conf,
		    struct netlink_ext_ack *extack);

static inline bool xvti_conf_remote_any(const struct xvti_conf *conf)
{
	return xfrm_addr_any(&conf->remote, conf->family);
}

#endif /* _XVTI_CONF_H */
