/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_DEVICE_H
#define _XVTI_DEVICE_H

#include <linux/netdevice.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "conf.h"
#include "inner.h"
#include "stats.h"

/* Bits of xvti_dev.events: what has changed since the last notification. */
enum {
	XVTI_EVENT_CONF,
	XVTI_EVENT_SA,
	XVTI_EVENT_CARRIER,
	XVTI_EVENT_MTU,
};

struct xvti_out;

/**
 * struct xvti_dev - one tunnel device
 * @dev: the network device; its netns is the overlay
 * @net: the underlay; not counted, the device goes when it does
 * @out: private policies and bundle cache; RCU, NULL until the peer and the
 *	reqid are known
 * @pcpu: traffic and drop counters
 * @usable_out: bit mask of &enum xvti_inner, families that a usable outbound
 *	SA carries; written under xvti_sa_lock, read anywhere
 * @conf: the configuration
 * @peer: remote address in use, the configured or the learned one
 * @reqid: reqid in use, the configured or the learned one
 * @sa_out: usable outbound SAs
 * @sa_in: usable inbound SAs
 * @since: time since when there is one in each direction, or is not
 * @sas: bound SAs, newest first
 * @dirty_node: in the list of devices whose SAs have changed
 * @net_node: in the list of the underlay's devices
 * @key_node: in the hash of devices by binding
 * @out_work: rebuilds @out; takes no RTNL
 * @rtnl_work: follows MTU and sends events; takes RTNL
 * @acquire_work: asks for an SA where no packet can
 * @acquire_delay: jiffies until it asks again
 * @acquire_last: jiffies when a packet last asked
 * @held_spi: SPI of the outbound SA held on to in a rekey, or 0
 * @handover_work: lets it go when that takes too long
 * @queue: packets that wait for an SA; has a lock of its own
 * @queue_work: sends them or drops them
 * @events: what rtnl_work has to tell
 * @lower: ifindex of the device that outer packets leave by, or 0
 * @bundle_mtu: MTU of the newest bundle
 * @lower_mtu: MTU of the route to the peer, or 0; RTNL
 * @mtu_source: &enum xvti_mtu_source of the current MTU; RTNL
 * @mtu_following: the module itself is changing the MTU; RTNL
 * @is_lower: another xvti device sends its outer packets here
 * @dead: unregistered; nothing may be published any more
 *
 * Without another word a member is protected by xvti_sa_lock.
 */
struct xvti_dev {
	/* read on each packet */
	struct net_device	*dev;
	struct net		*net;
	struct xvti_out __rcu	*out;
	struct xvti_pcpu __percpu *pcpu;
	u8			usable_out;

	struct xvti_conf	conf;
	xfrm_address_t		peer;
	u32			reqid;
	unsigned int		sa_out;
	unsigned int		sa_in;
	time64_t		since;
	struct list_head	sas;
	struct list_head	dirty_node;
	struct list_head	net_node;
	struct hlist_node	key_node;
	struct work_struct	out_work;
	struct work_struct	rtnl_work;
	struct delayed_work	acquire_work;
	unsigned long		acquire_delay;
	unsigned long		acquire_last;
	__be32			held_spi;
	struct delayed_work	handover_work;
	struct sk_buff_head	queue;
	struct delayed_work	queue_work;
	unsigned long		events;
	int			lower;
	u32			bundle_mtu;
	u32			lower_mtu;
	enum xvti_mtu_source	mtu_source;
	bool			mtu_following;
	bool			is_lower;
	bool			dead;
};

/* Is there a usable SA in each direction? xvti_sa_lock. */
static inline bool xvti_has_pair(const struct xvti_dev *xv)
{
	return xv->sa_out && xv->sa_in;
}

/**
 * struct xvti_net - what the module keeps per underlay
 * @net: the netns
 * @devs: devices born here; xvti_sa_lock
 * @sas: every SA known here; xvti_sa_lock
 * @spd: outbound policies with a mark; xvti_sa_lock
 * @resync_work: walks the SAs of the core again
 * @resync_last: jiffies when a packet last asked for a walk
 * @resync_gen: number of the walk; xvti_sa_lock
 * @route_nb: told of the netns's routes; registered once it is filled
 * @route_work: lets all MTUs follow a route
 * @route_last: jiffies when it last did
 * @marked_in: inbound SAs with a mark that are bound: read on each packet
 * @tracking: the SAs of this netns are known: read on each packet
 */
struct xvti_net {
	struct net		*net;
	struct list_head	devs;
	struct list_head	sas;
	struct list_head	spd;
	struct work_struct	resync_work;
	unsigned long		resync_last;
	u32			resync_gen;
	struct notifier_block	route_nb;
	struct delayed_work	route_work;
	unsigned long		route_last;
	unsigned int		marked_in;
	bool			tracking;
};

extern struct rtnl_link_ops xvti_link_ops;
extern struct pernet_operations xvti_pernet_ops;
extern struct notifier_block xvti_netdev_notifier;
extern struct workqueue_struct *xvti_policy_wq;
extern struct workqueue_struct *xvti_rtnl_wq;

struct xvti_net *xvti_pernet(const struct net *net);
bool xvti_is_xvti(const struct net_device *dev);
void xvti_schedule(struct xvti_dev *xv, struct workqueue_struct *wq,
		   struct work_struct *work);

#endif /* _XVTI_DEVICE_H */
