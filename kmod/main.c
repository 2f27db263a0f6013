// SPDX-License-Identifier: GPL-2.0
/*
 * xvti: a route-based IPsec tunnel device.
 *
 * Reading order: device.h, conf.c, binding.c, sa.c, spd.c, policy.c, bundle.c,
 * xmit.c, inner.h, rcv.c, proto.c, handover.c, mtu.c, pmtu.c, acquire.c,
 * queue.c, route.c, stats.c, trace.h; then device.c and netlink.c, which tie
 * them together. Documentation/internals.rst has the rules of each.
 */

#include <linux/module.h>
#include <net/genetlink.h>
#include <net/rtnetlink.h>
#include <net/xfrm.h>

#include "bundle.h"
#include "device.h"
#include "netlink.h"
#include "rcv.h"
#include "route.h"
#include "sa.h"

static int __init xvti_init_wq(void)
{
	/* ordered: outbound sides are built one at a time */
	xvti_policy_wq = alloc_ordered_workqueue("xvti_policy", 0);
	if (!xvti_policy_wq)
		return -ENOMEM;
	xvti_rtnl_wq = alloc_ordered_workqueue("xvti_rtnl", 0);
	if (!xvti_rtnl_wq) {
		destroy_workqueue(xvti_policy_wq);
		return -ENOMEM;
	}
	return 0;
}

/* Devices are gone; wait for what they have left on its way. */
static void xvti_exit_wq(void)
{
	flush_workqueue(xvti_rtnl_wq);
	rcu_barrier();
	destroy_workqueue(xvti_rtnl_wq);
	destroy_workqueue(xvti_policy_wq);
	rcu_barrier();
}

static int __init xvti_init(void)
{
	int err;

	err = xvti_init_wq();
	if (err)
		return err;
	xvti_sa_init();
	err = xvti_bundle_init();
	if (err)
		goto err_wq;
	err = register_pernet_device(&xvti_pernet_ops);
	if (err)
		goto err_bundle;
	xvti_route_init();
	xfrm_register_km(&xvti_mgr);
	err = register_netdevice_notifier(&xvti_netdev_notifier);
	if (err)
		goto err_km;
	err = xvti_rcv_init();
	if (err)
		goto err_notifier;
	err = rtnl_link_register(&xvti_link_ops);
	if (err)
		goto err_rcv;
	err = xvti_netlink_init();
	if (err)
		goto err_link;
	return 0;

err_link:
	rtnl_link_unregister(&xvti_link_ops);
err_rcv:
	xvti_rcv_exit();
err_notifier:
	unregister_netdevice_notifier(&xvti_netdev_notifier);
err_km:
	xfrm_unregister_km(&xvti_mgr);
	xvti_route_exit();
	unregister_pernet_device(&xvti_pernet_ops);
err_bundle:
	xvti_bundle_exit();
err_wq:
	xvti_exit_wq();
	return err;
}

static void __exit xvti_exit(void)
{
	xvti_netlink_exit();
	rtnl_link_unregister(&xvti_link_ops);
	xvti_rcv_exit();
	unregister_netdevice_notifier(&xvti_netdev_notifier);
	xfrm_unregister_km(&xvti_mgr);
	xvti_route_exit();
	unregister_pernet_device(&xvti_pernet_ops);
	xvti_exit_wq();
	xvti_bundle_exit();
}

module_init(xvti_init);
module_exit(xvti_exit);

MODULE_DESCRIPTION("Route-based IPsec tunnel device");
MODULE_AUTHOR("The xvti developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(XVTI_VERSION);
MODULE_ALIAS_RTNL_LINK("xvti");
MODULE_ALIAS_GENL_FAMILY(XVTI_FAMILY_NAME);
