/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_DEVICE_H
#define _XVTI_DEVICE_H

#include <linux/netdevice.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "conf.h"
#include "inner.h"
#include "sa.h"
#include "stats.h"

/* Bits of xvti_dev.events: what has changed since the last notification. */
enum {
	XVTI_EVENT_CONF,
	XVTI_EVENT_SA,
	XVTI_EVENT_CARRIER,
	XVTI_EVENT_MTU,
};

/* As many SAs as a rekey and two ends that negotiate at once may leave. */
#define XVTI_LOST_SPIS	4

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
 * @acquire_last: jiffies when a packet last asked; whoever exchanges it may ask
 * @lost_spi: SPIs of the outbound SAs that went last, a ring
 * @lost: how many have gone
 * @lost_named: how many of them acquires have named
 * @held_spi: SPI of the outbound SA held on to in a rekey, or 0
 * @handover_work: lets it go when that takes too long
 * @queue: packets that wait for an SA; has a lock of its own
 * @queue_work: sends them or drops them
 * @changes: how often the SAs have changed; written under the queue's lock
 * @events: what rtnl_work has to tell; bits that are set and taken atomically
 * @lower: ifindex of the device that outer packets leave by, or 0; written by
 *	packets, no lock
 * @bundle_mtu: MTU of the newest bundle; likewise
 * @lower_last: jiffies when those two last changed, as @acquire_last
 * @lower_mtu: MTU of the route to the peer, or 0; RTNL
 * @mtu_source: &enum xvti_mtu_source of the current MTU; RTNL
 * @mtu_following: the module itself is changing the MTU; RTNL
 * @is_lower: another xvti device sends its outer packets here; set once, by a
 *	packet of that one
 * @dead: unregistered; nothing may be published any more; written under RTNL and
 *	xvti_sa_lock together
 *
 * Without another word a member is protected by xvti_sa_lock, or does not change
 * while the device is registered.
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
	__be32			lost_spi[XVTI_LOST_SPIS];
	unsigned int		lost;
	unsigned int		lost_named;
	__be32			held_spi;
	struct delayed_work	handover_work;
	struct sk_buff_head	queue;
	struct delayed_work	queue_work;
	unsigned int		changes;
	unsigned long		events;
	int			lower;
	u32			bundle_mtu;
	unsigned long		lower_last;
	u32			lower_mtu;
	enum xvti_mtu_source	mtu_source;
	bool			mtu_following;
	bool			is_lower;
	bool			dead;
};

/* Has that time passed since @last? Of several CPUs one is told so, and has to do what
 * is due.
 */
static inline bool xvti_due(unsigned long *last, unsigned long interval)
{
	unsigned long then = READ_ONCE(*last);

	return jiffies - then >= interval &&
	       cmpxchg(last, then, jiffies) == then;
}

/* Is there a usable SA in each direction? xvti_sa_lock. */
static inline bool xvti_has_pair(const struct xvti_dev *xv)
{
	lockdep_assert_held(&xvti_sa_lock);
	return xv->sa_out && xv->sa_in;
}

/**
 * struct xvti_net - what the module keeps per underlay
 * @net: the netns
 * @devs: devices born here; written under RTNL and xvti_sa_lock together, read
 *	under either
 * @sas: every SA known here; xvti_sa_lock
 * @spd: outbound policies with a mark; xvti_sa_lock
 * @resync_work: walks the SAs of the core again
 * @resync_last: jiffies when a packet last asked for a walk; no lock
 * @resync_gen: number of the walk; xvti_sa_lock
 * @route_nb: told of the netns's routes; registered once it is filled, which
 *	@route_work alone does
 * @route_work: lets all MTUs follow a route
 * @route_last: jiffies when it last did; no lock
 * @marked_in: inbound SAs with a mark that are bound: read on each packet;
 *	written under xvti_sa_lock
 * @tracking: the SAs of this netns are known: read on each packet; written under
 *	RTNL, and cleared under xvti_sa_lock as well
 */
struct xvti_net {
	struct net		*net;
	struct list_head	devs;
	struct list_head	sas;
	struct list_head	spd;
	struct delayed_work	resync_work;
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

/* Only lockdep looks: is this the way of a packet, an RCU reader which has the
 * CPU's own data to itself?
 */
static inline void xvti_assert_packet(void)
{
	RCU_LOCKDEP_WARN(!rcu_read_lock_held() || !rcu_read_lock_bh_held(),
			 "xvti: not an RCU reader with BH disabled");
}

struct xvti_net *xvti_pernet(const struct net *net);
bool xvti_is_xvti(const struct net_device *dev);
void xvti_schedule(struct xvti_dev *xv, struct workqueue_struct *wq,
		   struct work_struct *work);

#endif /* _XVTI_DEVICE_H */
