// SPDX-License-Identifier: GPL-2.0
/*
 * Configuration: from netlink attributes to a checked struct xvti_conf, and
 * from there to the device, all or nothing.
 *
 * Locking: RTNL, from the first check to the end, so that what was checked stays
 * true. Under it the workers that make an outbound side are waited for. Only then
 * xvti_sa_lock is taken, to put the configuration and its outbound side in force
 * at once.
 */

#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <net/ipv6.h>
#include <net/netlink.h>

#include "binding.h"
#include "conf.h"
#include "device.h"
#include "mtu.h"
#include "policy.h"
#include "proto.h"

static bool xvti_addr_multicast(const xfrm_address_t *addr, u16 family)
{
	return family == AF_INET6 ? ipv6_addr_is_multicast(&addr->in6) :
				    ipv4_is_multicast(addr->a4) ||
				    ipv4_is_lbcast(addr->a4);
}

static int xvti_parse_addr(const struct nlattr *attr, xfrm_address_t *addr,
			   u16 *family, struct netlink_ext_ack *extack)
{
	int len = nla_len(attr);

	if (len != sizeof(addr->a4) && len != sizeof(addr->in6)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "address is neither IPv4 nor IPv6");
		return -EINVAL;
	}
	*family = len == sizeof(addr->a4) ? AF_INET : AF_INET6;
	if (*family == AF_INET6 && !ipv6_mod_enabled()) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "IPv6 is turned off: ipv6.disable=1");
		return -EAFNOSUPPORT;
	}
	memset(addr, 0, sizeof(*addr));
	memcpy(addr, nla_data(attr), len);
	if (xvti_addr_multicast(addr, *family)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "multicast address as a tunnel endpoint");
		return -EINVAL;
	}
	return 0;
}

static int xvti_parse_endpoints(struct nlattr **attrs, struct xvti_conf *conf,
				struct netlink_ext_ack *extack)
{
	struct nlattr *local = attrs[XVTI_A_DEV_LOCAL];
	struct nlattr *remote = attrs[XVTI_A_DEV_REMOTE];
	u16 local_family = conf->family, remote_family = conf->family;
	int err;

	if (local) {
		err = xvti_parse_addr(local, &conf->local, &local_family,
				      extack);
		if (err)
			return err;
		if (xfrm_addr_any(&conf->local, local_family)) {
			NL_SET_ERR_MSG_ATTR(extack, local,
					    "local address is unspecified");
			return -EINVAL;
		}
	}
	if (remote) {
		err = xvti_parse_addr(remote, &conf->remote, &remote_family,
				      extack);
		if (err)
			return err;
	}
	if (!local_family) {
		NL_SET_ERR_MSG(extack, "local address is missing");
		return -EINVAL;
	}
	if (!remote_family) {
		NL_SET_ERR_MSG(extack, "remote address is missing");
		return -EINVAL;
	}
	if (local_family != remote_family) {
		NL_SET_ERR_MSG_ATTR(extack, remote ?: local,
				    "local and remote address differ in family");
		return -EINVAL;
	}
	if (xfrm_addr_equal(&conf->local, &conf->remote, local_family)) {
		NL_SET_ERR_MSG_ATTR(extack, remote ?: local,
				    "local and remote address are the same");
		return -EINVAL;
	}
	conf->family = local_family;
	return 0;
}

static int xvti_parse_mark(struct nlattr **attrs, struct xvti_conf *conf,
			   struct netlink_ext_ack *extack)
{
	struct nlattr *mark = attrs[XVTI_A_DEV_MARK];
	struct nlattr *mask = attrs[XVTI_A_DEV_MARK_MASK];

	if (!mark && !mask)
		return 0;
	if (!mask || (!mark && nla_get_u32(mask))) {
		NL_SET_ERR_MSG_ATTR(extack, mask ?: mark,
				    "mark and mark mask go together");
		return -EINVAL;
	}
	conf->mark.m = nla_get_u32(mask);
	conf->mark.v = mark ? nla_get_u32(mark) : 0;
	if (conf->mark.v & ~conf->mark.m) {
		NL_SET_ERR_MSG_ATTR(extack, mark, "mark has bits outside its mask");
		return -EINVAL;
	}
	if (conf->mark.m && !conf->mark.v) {
		NL_SET_ERR_MSG_ATTR(extack, mark, "mark is 0");
		return -EINVAL;
	}
	return 0;
}

static int xvti_parse_binding(struct nlattr **attrs, struct xvti_conf *conf,
			      struct netlink_ext_ack *extack)
{
	int err;

	if (attrs[XVTI_A_DEV_REQID])
		conf->reqid = nla_get_u32(attrs[XVTI_A_DEV_REQID]);
	if (attrs[XVTI_A_DEV_IF_ID])
		conf->if_id = nla_get_u32(attrs[XVTI_A_DEV_IF_ID]);
	if (conf->if_id && !xvti_have_if_id()) {
		NL_SET_ERR_MSG_ATTR(extack, attrs[XVTI_A_DEV_IF_ID],
				    "this kernel has no if_id, it came with 4.19");
		return -EOPNOTSUPP;
	}
	err = xvti_parse_mark(attrs, conf, extack);
	if (err)
		return err;
	if (!conf->reqid && !conf->if_id && !conf->mark.m) {
		NL_SET_ERR_MSG(extack,
			       "no binding: one of reqid, mark, if_id is needed");
		return -EINVAL;
	}
	return 0;
}

static int xvti_parse_link(const struct xvti_dev *xv, struct nlattr *attr,
			   struct xvti_conf *conf,
			   struct netlink_ext_ack *extack)
{
	if (!attr)
		return 0;
	conf->link = nla_get_u32(attr);
	if (conf->link && !__dev_get_by_index(xv->net, conf->link)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "no such device in the underlay");
		return -ENODEV;
	}
	if (conf->link == xv->dev->ifindex &&
	    net_eq(xv->net, dev_net(xv->dev))) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "a device cannot carry its own packets");
		return -EINVAL;
	}
	return 0;
}

static int xvti_parse_mode(struct nlattr *attr, struct xvti_conf *conf,
			   struct netlink_ext_ack *extack)
{
	if (attr)
		conf->mode = nla_get_u32(attr);
	if (conf->mode > XVTI_MODE_POLICY) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "unknown mode");
		return -EINVAL;
	}
	if (conf->mode == XVTI_MODE_DIRECT)
		return 0;
	if (conf->if_id) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "policy mode knows no if_id: only xfrmi can tell the core one");
		return -EOPNOTSUPP;
	}
	if (!conf->mark.m) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "policy mode needs a mark, by which policies are found");
		return -EINVAL;
	}
	return 0;
}

static int xvti_parse_rest(struct nlattr **attrs, struct xvti_conf *conf,
			   struct netlink_ext_ack *extack)
{
	if (attrs[XVTI_A_DEV_CARRIER]) {
		conf->carrier = nla_get_u32(attrs[XVTI_A_DEV_CARRIER]);
		if (conf->carrier > XVTI_CARRIER_SA) {
			NL_SET_ERR_MSG_ATTR(extack, attrs[XVTI_A_DEV_CARRIER],
					    "unknown kind of carrier");
			return -EINVAL;
		}
	}
	if (attrs[XVTI_A_DEV_QUEUE]) {
		conf->queue = nla_get_u32(attrs[XVTI_A_DEV_QUEUE]);
		if (conf->queue > XVTI_QUEUE_MAX) {
			NL_SET_ERR_MSG_ATTR(extack, attrs[XVTI_A_DEV_QUEUE],
					    "queue is not within 0 to 1024");
			return -ERANGE;
		}
	}
	if (attrs[XVTI_A_DEV_MTU]) {
		conf->mtu = nla_get_u32(attrs[XVTI_A_DEV_MTU]);
		if (conf->mtu &&
		    (conf->mtu < XVTI_MTU_MIN || conf->mtu > XVTI_MTU_MAX)) {
			NL_SET_ERR_MSG_ATTR(extack, attrs[XVTI_A_DEV_MTU],
					    "MTU is not within 576 to 65535");
			return -ERANGE;
		}
	}
	return 0;
}

/**
 * xvti_conf_parse() - merge netlink attributes into a configuration
 * @xv: device
 * @attrs: XVTI_A_DEV_* attributes; what is absent stays as it is
 * @conf: the present configuration in, the wanted one out
 * @extack: told what is wrong, and in which attribute
 *
 * Context: process, RTNL.
 * Return: 0 or a negative error.
 */
int xvti_conf_parse(const struct xvti_dev *xv, struct nlattr **attrs,
		    struct xvti_conf *conf, struct netlink_ext_ack *extack)
{
	int err;

	ASSERT_RTNL();
	err = xvti_parse_endpoints(attrs, conf, extack);
	if (err)
		return err;
	err = xvti_parse_binding(attrs, conf, extack);
	if (err)
		return err;
	err = xvti_parse_mode(attrs[XVTI_A_DEV_MODE], conf, extack);
	if (err)
		return err;
	err = xvti_parse_link(xv, attrs[XVTI_A_DEV_LINK], conf, extack);
	if (err)
		return err;
	err = xvti_parse_rest(attrs, conf, extack);
	if (err)
		return err;
	if (xvti_binding_taken(xv, conf)) {
		NL_SET_ERR_MSG(extack,
			       "another device has these endpoints and this binding");
		return -EEXIST;
	}
	return 0;
}

static bool xvti_conf_rebinds(const struct xvti_conf *a,
			      const struct xvti_conf *b)
{
	return a->family != b->family || a->reqid != b->reqid ||
	       a->if_id != b->if_id || a->link != b->link ||
	       a->mode != b->mode ||
	       a->mark.v != b->mark.v || a->mark.m != b->mark.m ||
	       !xfrm_addr_equal(&a->local, &b->local, a->family) ||
	       !xfrm_addr_equal(&a->remote, &b->remote, a->family);
}

/* The outbound side for a new configuration; NULL if the present one serves,
 * or if peer or reqid are yet to be learned.
 */
static struct xvti_out *xvti_conf_out(struct xvti_dev *xv,
				      const struct xvti_conf *conf)
{
	struct xvti_tmpl tmpl;

	if (!xvti_conf_rebinds(&xv->conf, conf) || !conf->reqid ||
	    xvti_conf_remote_any(conf) || !xvti_binding_tmpl(xv, conf, &tmpl))
		return NULL;
	return xvti_out_build(xv->net, &tmpl);
}

static void xvti_conf_commit(struct xvti_dev *xv, const struct xvti_conf *conf,
			     struct xvti_out *out)
{
	struct xvti_out *old = NULL;

	spin_lock_bh(&xvti_sa_lock);
	if (xvti_conf_rebinds(&xv->conf, conf)) {
		old = xvti_sa_dereference(xv->out);
		rcu_assign_pointer(xv->out, out);
		xvti_binding_detach(xv);
		xvti_binding_attach(xv, conf);
	} else {
		xv->conf = *conf;
		xvti_binding_update(xv);
	}
	spin_unlock_bh(&xvti_sa_lock);
	xvti_out_release(old);
}

/**
 * xvti_conf_apply() - give a device a configuration
 * @xv: device
 * @conf: checked configuration
 * @extack: told of a failure
 *
 * All that can fail comes before anything is changed.
 *
 * Context: process, RTNL.
 * Return: 0 or a negative error, with the old configuration in force.
 */
int xvti_conf_apply(struct xvti_dev *xv, const struct xvti_conf *conf,
		    struct netlink_ext_ack *extack)
{
	bool was_policy = xv->conf.mode == XVTI_MODE_POLICY;
	bool policy = conf->mode == XVTI_MODE_POLICY;
	struct xvti_out *out;
	int err;

	ASSERT_RTNL();
	if (policy && !was_policy) {
		err = xvti_proto_get(extack);
		if (err)
			return err;
	}
	out = xvti_conf_out(xv, conf);
	if (IS_ERR(out)) {
		NL_SET_ERR_MSG(extack, "cannot make the outbound policy");
		if (policy && !was_policy)
			xvti_proto_put();
		return PTR_ERR(out);
	}
	xvti_sa_track(xvti_pernet(xv->net));
	xvti_conf_commit(xv, conf, out);
	if (was_policy && !policy)
		xvti_proto_put();
	set_bit(XVTI_EVENT_CONF, &xv->events);
	flush_work(&xv->out_work);
	xvti_mtu_update(xv);
	return 0;
}
