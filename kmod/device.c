// SPDX-License-Identifier: GPL-2.0
/*
 * The network device: created, moved and deleted by rtnetlink, born in its
 * underlay and gone when that goes.
 *
 * Locking: RTNL for the device's life, and xvti_sa_lock within it to change the
 * list of a netns's devices, which may be read under either. Packets may use a
 * device as long as they are RCU readers: unregistering waits for them after
 * ndo_uninit. Work items hold a reference to the device. Those on xvti_rtnl_wq
 * take RTNL and are never waited for under it; those on xvti_policy_wq never take
 * it, and may be.
 */

#include <linux/if_arp.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/timekeeping.h>
#include <net/ip_tunnels.h>
#include <net/netns/generic.h>
#include <net/rtnetlink.h>

#include "acquire.h"
#include "binding.h"
#include "bundle.h"
#include "device.h"
#include "handover.h"
#include "mtu.h"
#include "netlink.h"
#include "proto.h"
#include "queue.h"
#include "route.h"
#include "xmit.h"

#define XVTI_FEATURES	(NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA | \
			 NETIF_F_GSO_SOFTWARE | NETIF_F_HW_CSUM)

struct workqueue_struct *xvti_policy_wq;
struct workqueue_struct *xvti_rtnl_wq;

static unsigned int xvti_net_id;

/**
 * xvti_pernet() - what the module keeps of a netns
 * @net: the netns
 *
 * Context: any.
 * Return: its struct, never NULL while the netns lives.
 */
struct xvti_net *xvti_pernet(const struct net *net)
{
	return net_generic(net, xvti_net_id);
}

/**
 * xvti_schedule() - run work that needs the device to be there
 * @xv: device
 * @wq: workqueue
 * @work: work item of the device; drops the reference that this one takes
 *
 * Context: xvti_sa_lock, RTNL or RCU read side. Once the device is dead, nothing
 * is queued any more: unregistering takes both locks to say so, and waits for
 * readers afterwards.
 */
void xvti_schedule(struct xvti_dev *xv, struct workqueue_struct *wq,
		   struct work_struct *work)
{
	RCU_LOCKDEP_WARN(!lockdep_is_held(&xvti_sa_lock) &&
			 !lockdep_rtnl_is_held() && !rcu_read_lock_held(),
			 "xvti: the device may die before its work is queued");
	if (READ_ONCE(xv->dead))
		return;
	dev_hold(xv->dev);
	if (!queue_work(wq, work))
		dev_put(xv->dev);
}

static void xvti_rtnl_work(struct work_struct *work)
{
	struct xvti_dev *xv = container_of(work, struct xvti_dev, rtnl_work);

	rtnl_lock();
	if (xv->dev->reg_state == NETREG_REGISTERED) {
		xvti_mtu_update(xv);
		spin_lock_bh(&xvti_sa_lock);
		xvti_acquire_update(xv);
		spin_unlock_bh(&xvti_sa_lock);
		xvti_netlink_notify(xv);
	}
	rtnl_unlock();
	dev_put(xv->dev);
}

static int xvti_dev_init(struct net_device *dev)
{
	struct xvti_dev *xv = netdev_priv(dev);
	struct xvti_net *xn = xvti_pernet(xv->net);

	xv->pcpu = netdev_alloc_pcpu_stats(struct xvti_pcpu);
	if (!xv->pcpu)
		return -ENOMEM;
	xv->since = ktime_get_real_seconds();
	spin_lock_bh(&xvti_sa_lock);
	list_add_tail(&xv->net_node, &xn->devs);
	spin_unlock_bh(&xvti_sa_lock);
	return 0;
}

static void xvti_dev_uninit(struct net_device *dev)
{
	struct xvti_dev *xv = netdev_priv(dev);
	struct xvti_net *xn = xvti_pernet(xv->net);
	struct xvti_out *out;
	bool last;

	spin_lock_bh(&xvti_sa_lock);
	WRITE_ONCE(xv->dead, true);
	xvti_acquire_update(xv);
	xvti_binding_detach(xv);
	xvti_sa_settle();
	list_del_init(&xv->dirty_node);
	out = xvti_sa_dereference(xv->out);
	RCU_INIT_POINTER(xv->out, NULL);
	list_del(&xv->net_node);
	last = list_empty(&xn->devs);
	spin_unlock_bh(&xvti_sa_lock);
	xvti_out_release(out);
	if (last)
		xvti_sa_forget(xn);
	if (xv->conf.mode == XVTI_MODE_POLICY)
		xvti_proto_put();
}

static void xvti_dev_free(struct net_device *dev)
{
	struct xvti_dev *xv = netdev_priv(dev);

	free_percpu(xv->pcpu);
}

static int xvti_open(struct net_device *dev)
{
	struct xvti_dev *xv = netdev_priv(dev);

	/* IFF_UP follows when this returns; the worker waits for it */
	xvti_schedule(xv, xvti_rtnl_wq, &xv->rtnl_work);
	return 0;
}

static int xvti_stop(struct net_device *dev)
{
	struct xvti_dev *xv = netdev_priv(dev);

	spin_lock_bh(&xvti_sa_lock);
	xvti_bundle_flush(xv);
	xvti_acquire_stop(xv);
	spin_unlock_bh(&xvti_sa_lock);
	xvti_queue_purge(xv);
	return 0;
}

static void xvti_get_stats64(struct net_device *dev,
			     struct rtnl_link_stats64 *s)
{
	xvti_stats_get(netdev_priv(dev), s);
}

static int xvti_get_iflink(const struct net_device *dev)
{
	const struct xvti_dev *xv = netdev_priv(dev);

	return READ_ONCE(xv->conf.link);
}

static const struct net_device_ops xvti_netdev_ops = {
	.ndo_init		= xvti_dev_init,
	.ndo_uninit		= xvti_dev_uninit,
	.ndo_open		= xvti_open,
	.ndo_stop		= xvti_stop,
	.ndo_start_xmit		= xvti_xmit,
	.ndo_change_mtu		= xvti_change_mtu,
	.ndo_get_stats64	= xvti_get_stats64,
	.ndo_get_iflink		= xvti_get_iflink,
};

/**
 * xvti_is_xvti() - is a device one of ours
 * @dev: device
 *
 * Context: any.
 */
bool xvti_is_xvti(const struct net_device *dev)
{
	return dev->netdev_ops == &xvti_netdev_ops;
}

static void xvti_setup(struct net_device *dev)
{
	struct xvti_dev *xv = netdev_priv(dev);

	xv->dev = dev;
	xv->mtu_source = XVTI_MTU_SOURCE_DEFAULT;
	INIT_LIST_HEAD(&xv->sas);
	INIT_LIST_HEAD(&xv->dirty_node);
	INIT_LIST_HEAD(&xv->net_node);
	INIT_HLIST_NODE(&xv->key_node);
	INIT_WORK(&xv->out_work, xvti_out_work);
	INIT_WORK(&xv->rtnl_work, xvti_rtnl_work);
	INIT_DELAYED_WORK(&xv->acquire_work, xvti_acquire_work);
	INIT_DELAYED_WORK(&xv->handover_work, xvti_handover_work);
	INIT_DELAYED_WORK(&xv->queue_work, xvti_queue_work);
	skb_queue_head_init(&xv->queue);
	xv->acquire_last = jiffies - HZ;
	xv->lower_last = jiffies - HZ;
	xv->conf.queue = XVTI_QUEUE_DEFAULT;

	dev->netdev_ops = &xvti_netdev_ops;
	dev->ethtool_ops = &xvti_ethtool_ops;
	dev->type = ARPHRD_NONE;
	dev->flags = IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST;
	dev->mtu = IPV6_MIN_MTU;
	dev->min_mtu = XVTI_MTU_MIN;
	dev->max_mtu = XVTI_MTU_MAX;
	dev->features |= XVTI_FEATURES;
	dev->hw_features |= XVTI_FEATURES;
	xvti_dev_set_lltx(dev);
	dev->priv_flags |= IFF_NO_QUEUE;
	netif_keep_dst(dev);
	dev->needs_free_netdev = true;
	dev->priv_destructor = xvti_dev_free;
}

static int xvti_newlink(struct net_device *dev,
			struct rtnl_newlink_params *params,
			struct netlink_ext_ack *extack)
{
	struct xvti_dev *xv = netdev_priv(dev);

	xv->net = params->link_net ?: dev_net(dev);
	if (params->tb[IFLA_MTU]) {
		/* older kernels do not check it here */
		xv->conf.mtu = nla_get_u32(params->tb[IFLA_MTU]);
		if (xv->conf.mtu < XVTI_MTU_MIN || xv->conf.mtu > XVTI_MTU_MAX) {
			NL_SET_ERR_MSG_ATTR(extack, params->tb[IFLA_MTU],
					    "MTU is not within 576 to 65535");
			return -ERANGE;
		}
		xv->mtu_source = XVTI_MTU_SOURCE_USER;
	}
	return register_netdevice(dev);
}
XVTI_COMPAT_NEWLINK(xvti_newlink)

static void xvti_dellink(struct net_device *dev, struct list_head *head)
{
	unregister_netdevice_queue(dev, head);
}

static struct net *xvti_get_link_net(const struct net_device *dev)
{
	const struct xvti_dev *xv = netdev_priv(dev);

	return READ_ONCE(xv->net);
}

struct rtnl_link_ops xvti_link_ops __read_mostly = {
	.kind		= "xvti",
	.priv_size	= sizeof(struct xvti_dev),
	.setup		= xvti_setup,
	.newlink	= XVTI_NEWLINK(xvti_newlink),
	.dellink	= xvti_dellink,
	.get_link_net	= xvti_get_link_net,
};

/* A lower device has gone or come, or has another MTU: bundles must not pin
 * it, nor the offloaded SAs on it, and MTUs follow. Devices of ours come and
 * go by the thousand and are looked at only if they carry another's packets.
 */
static int xvti_netdev_event(struct notifier_block *nb, unsigned long event,
			     void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct xvti_net *xn = xvti_pernet(dev_net(dev));
	bool gone = event == NETDEV_DOWN || event == NETDEV_UNREGISTER;
	struct xvti_dev *xv;

	/* a netns that fails to come up may not have got so far */
	if (!xn)
		return NOTIFY_DONE;
	if (!gone && event != NETDEV_UP && event != NETDEV_CHANGEMTU)
		return NOTIFY_DONE;
	if (xvti_is_xvti(dev) &&
	    !READ_ONCE(((struct xvti_dev *)netdev_priv(dev))->is_lower))
		return NOTIFY_DONE;

	spin_lock_bh(&xvti_sa_lock);
	list_for_each_entry(xv, &xn->devs, net_node) {
		if (gone)
			xvti_bundle_flush(xv);
		if (xv->conf.family)
			xvti_schedule(xv, xvti_rtnl_wq, &xv->rtnl_work);
	}
	spin_unlock_bh(&xvti_sa_lock);
	return NOTIFY_DONE;
}

struct notifier_block xvti_netdev_notifier = {
	.notifier_call	= xvti_netdev_event,
};

static int __net_init xvti_net_init(struct net *net)
{
	struct xvti_net *xn = xvti_pernet(net);

	xn->net = net;
	INIT_LIST_HEAD(&xn->devs);
	INIT_LIST_HEAD(&xn->sas);
	INIT_LIST_HEAD(&xn->spd);
	INIT_DELAYED_WORK(&xn->resync_work, xvti_sa_resync_work);
	xvti_route_net_init(xn);
	return 0;
}

/* Unregister the devices of underlays that go, wherever they live by now. All
 * that they held of the netns must be gone before xfrm's own exit, which
 * comes later: it warns of policies that are left, and on older kernels
 * bundles count themselves in memory that it frees.
 */
static void __net_exit xvti_net_exit_batch(struct list_head *nets)
{
	struct xvti_dev *xv;
	LIST_HEAD(devs);
	struct net *net;

	rtnl_lock();
	list_for_each_entry(net, nets, exit_list)
		list_for_each_entry(xv, &xvti_pernet(net)->devs, net_node)
			unregister_netdevice_queue(xv->dev, &devs);
	unregister_netdevice_many(&devs);
	rtnl_unlock();

	list_for_each_entry(net, nets, exit_list) {
		xvti_route_net_exit(xvti_pernet(net));
		cancel_delayed_work_sync(&xvti_pernet(net)->resync_work);
	}
	/* workers that would have published an outbound side, outbound sides,
	 * their policies, and the bundles
	 */
	flush_workqueue(xvti_policy_wq);
	rcu_barrier();
	flush_workqueue(xvti_policy_wq);
	rcu_barrier();
}

struct pernet_operations xvti_pernet_ops = {
	.init		= xvti_net_init,
	.exit_batch	= xvti_net_exit_batch,
	.id		= &xvti_net_id,
	.size		= sizeof(struct xvti_net),
};
