// SPDX-License-Identifier: GPL-2.0
/*
 * Routes of the underlay: when one changes, the way to a peer may lead over
 * another device, or have another "mtu" metric, and the MTUs have to follow.
 * Packets notice by themselves, as dst_check() fails for their bundles; this
 * is for the device that sends none, or whose MTU keeps them small.
 *
 * A router with a full table sees thousands of changes in a second, so it is
 * not looked at which they are: all devices of the underlay are looked at
 * once, a little later, and at most once in XVTI_ROUTE_INTERVAL.
 *
 * Locking: the core tells of routes in atomic context, which only queues work. The
 * work item alone registers a netns's notifier, before it takes RTNL for the list
 * of devices; the notifier goes when that work item can run no more.
 */

#include <linux/rtnetlink.h>
#include <net/fib_notifier.h>
#include <net/l3mdev.h>
#include <net/route.h>

#include "device.h"
#include "mtu.h"
#include "netlink.h"
#include "route.h"

#define XVTI_ROUTE_DELAY	(HZ / 10)
#define XVTI_ROUTE_INTERVAL	HZ

/**
 * xvti_route_oif() - interface by which the core looks an outer route up
 * @net: underlay
 * @link: interface of the device's configuration, or 0
 *
 * Context: any.
 * Return: the VRF that @link is in, or 0, as xfrm_dst_lookup() has it.
 */
int xvti_route_oif(struct net *net, int link)
{
	return l3mdev_master_ifindex_by_index(net, link);
}

/**
 * xvti_route_outer4() - the route of an outer IPv4 packet, as the core finds it
 * @net: underlay
 * @link: interface of the device's configuration, or 0
 * @local: source
 * @remote: destination
 * @mark: output mark of the SA
 *
 * Context: any but hard interrupts.
 * Return: the route with a reference, or ERR_PTR().
 */
struct rtable *xvti_route_outer4(struct net *net, int link,
				 const xfrm_address_t *local,
				 const xfrm_address_t *remote, u32 mark)
{
	struct flowi4 fl4 = {
		.daddr = remote->a4,
		.saddr = local->a4,
		.flowi4_oif = xvti_route_oif(net, link),
		.flowi4_mark = mark,
	};

	return ip_route_output_key(net, &fl4);
}

/* In atomic context, and while the notifier is registered for each route that
 * is there already.
 */
static int xvti_route_event(struct notifier_block *nb, unsigned long event,
			    void *ptr)
{
	struct xvti_net *xn = xvti_pernet(xvti_fib_net(nb, ptr));
	unsigned long next, delay = XVTI_ROUTE_DELAY;

	/* a netns that fails to come up may not have got so far */
	if (!xn || !READ_ONCE(xn->tracking))
		return NOTIFY_DONE;
	next = READ_ONCE(xn->route_last) + XVTI_ROUTE_INTERVAL;
	if (time_after(next, jiffies + delay))
		delay = next - jiffies;
	queue_delayed_work(xvti_rtnl_wq, &xn->route_work, delay);
	return NOTIFY_DONE;
}

static void xvti_route_refused(int err)
{
	pr_warn("xvti: MTUs follow routes with traffic only: error %d\n", err);
}

/* The core takes RTNL to register, so this cannot be done where the first
 * device of a netns is configured. Without a notifier all works as well, but
 * for a device that sends nothing.
 */
static void xvti_route_register(struct xvti_net *xn)
{
	int err;

	if (xn->route_nb.notifier_call)
		return;
	xn->route_nb.notifier_call = xvti_route_event;
	err = xvti_fib_register_net(xn->net, &xn->route_nb);
	if (err) {
		xn->route_nb.notifier_call = NULL;
		xvti_route_refused(err);
	}
}

static void xvti_route_work(struct work_struct *work)
{
	struct xvti_net *xn = container_of(to_delayed_work(work),
					   struct xvti_net, route_work);
	struct xvti_dev *xv;

	xvti_route_register(xn);
	WRITE_ONCE(xn->route_last, jiffies);
	rtnl_lock();
	list_for_each_entry(xv, &xn->devs, net_node) {
		if (!xv->conf.family)
			continue;
		xvti_mtu_update(xv);
		xvti_netlink_notify(xv);
	}
	rtnl_unlock();
}

/**
 * xvti_route_track() - start to follow the routes of a netns
 * @xn: underlay
 *
 * Context: any.
 */
void xvti_route_track(struct xvti_net *xn)
{
	queue_delayed_work(xvti_rtnl_wq, &xn->route_work, 0);
}

/**
 * xvti_route_net_init() - prepare the struct of a netns
 * @xn: underlay
 */
void xvti_route_net_init(struct xvti_net *xn)
{
	xn->route_last = jiffies - XVTI_ROUTE_INTERVAL;
	INIT_DELAYED_WORK(&xn->route_work, xvti_route_work);
}

/**
 * xvti_route_net_exit() - follow the routes of a netns no longer
 * @xn: underlay, without devices
 *
 * Context: process, without RTNL.
 */
void xvti_route_net_exit(struct xvti_net *xn)
{
	cancel_delayed_work_sync(&xn->route_work);
	if (!xn->route_nb.notifier_call)
		return;
	xvti_fib_unregister_net(xn->net, &xn->route_nb);
	/* an event in between may have queued it once more */
	cancel_delayed_work_sync(&xn->route_work);
}

static struct notifier_block xvti_route_nb = {
	.notifier_call	= xvti_route_event,
};

/**
 * xvti_route_init() - follow routes where the core has one chain for all netns
 *
 * Context: process, without RTNL, after the netns have their structs.
 */
void xvti_route_init(void)
{
	int err = xvti_fib_register_all(&xvti_route_nb);

	if (err)
		xvti_route_refused(err);
}

/**
 * xvti_route_exit() - undo xvti_route_init()
 */
void xvti_route_exit(void)
{
	xvti_fib_unregister_all(&xvti_route_nb);
}
