// SPDX-License-Identifier: GPL-2.0
/*
 * A network interface that says it does IPsec: it takes SAs for crypto offload
 * and, with policies, for packet offload, and swallows what it is to send.
 * netdevsim knows crypto offload alone.
 *
 * Its name is nic0. "sas" and "policies" tell how many it has, "crypto" how
 * many packets came with an SA by which it was to encrypt them, "plain" how
 * many came without: those of packet offload are found by its policies, and
 * all others.
 */

#include <linux/etherdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <net/xfrm.h>

static atomic_t nic_sas, nic_policies, nic_crypto, nic_plain;

static int nic_state_add(struct xfrm_state *x)
{
	/* the core takes none for no handle */
	x->xso.offload_handle = 1;
	atomic_inc(&nic_sas);
	return 0;
}

static void nic_state_delete(struct xfrm_state *x)
{
	atomic_dec(&nic_sas);
}

/* Up to 4.18 the core calls it without looking whether it is there. */
static void nic_state_free(struct xfrm_state *x)
{
}

static int __maybe_unused nic_policy_add(struct xfrm_policy *xp,
					 struct netlink_ext_ack *extack)
{
	atomic_inc(&nic_policies);
	return 0;
}

static void __maybe_unused nic_policy_delete(struct xfrm_policy *xp)
{
	atomic_dec(&nic_policies);
}

static bool nic_offload_ok(struct sk_buff *skb, struct xfrm_state *x)
{
	return true;
}

XVTI_XDO_STATE(nic_state_add, nic_state_delete, nic_state_free)

static const struct xfrmdev_ops nic_xfrmdev_ops = {
	.xdo_dev_state_add	= nic_state_add_xdo,
	.xdo_dev_state_delete	= nic_state_delete_xdo,
	.xdo_dev_state_free	= nic_state_free_xdo,
	.xdo_dev_offload_ok	= nic_offload_ok,
	XVTI_XDO_POLICY(nic_policy_add, nic_policy_delete)
};

static netdev_tx_t nic_xmit(struct sk_buff *skb, struct net_device *dev)
{
	atomic_inc(xfrm_offload(skb) ? &nic_crypto : &nic_plain);
	dev->stats.tx_packets++;
	dev->stats.tx_bytes += skb->len;
	dev_consume_skb_any(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops nic_netdev_ops = {
	.ndo_start_xmit	= nic_xmit,
};

static void nic_setup(struct net_device *dev)
{
	ether_setup(dev);
	eth_hw_addr_random(dev);
	dev->netdev_ops = &nic_netdev_ops;
	dev->xfrmdev_ops = &nic_xfrmdev_ops;
	dev->flags |= IFF_NOARP;
	dev->features |= NETIF_F_HW_ESP | NETIF_F_HW_ESP_TX_CSUM;
	dev->hw_enc_features |= NETIF_F_HW_ESP | NETIF_F_HW_ESP_TX_CSUM;
}

static int nic_get_count(char *buffer, const struct kernel_param *kp)
{
	return sprintf(buffer, "%d\n", atomic_read(kp->arg));
}

static const struct kernel_param_ops nic_count_ops = {
	.get = nic_get_count,
};
module_param_cb(sas, &nic_count_ops, &nic_sas, 0444);
MODULE_PARM_DESC(sas, "SAs that it has");
module_param_cb(policies, &nic_count_ops, &nic_policies, 0444);
MODULE_PARM_DESC(policies, "policies that it has");
module_param_cb(crypto, &nic_count_ops, &nic_crypto, 0444);
MODULE_PARM_DESC(crypto, "packets that it was to encrypt by an SA");
module_param_cb(plain, &nic_count_ops, &nic_plain, 0444);
MODULE_PARM_DESC(plain, "packets that came without an SA");

static bool nic_knows_packets = XVTI_XDO_PACKETS;
module_param_named(knows_packets, nic_knows_packets, bool, 0444);
MODULE_PARM_DESC(knows_packets, "the kernel has packet offload");

static struct net_device *nic_dev;

static int __init nic_init(void)
{
	int err;

	nic_dev = alloc_netdev(0, "nic0", NET_NAME_USER, nic_setup);
	if (!nic_dev)
		return -ENOMEM;
	err = register_netdev(nic_dev);
	if (err)
		free_netdev(nic_dev);
	return err;
}

static void __exit nic_exit(void)
{
	unregister_netdev(nic_dev);
	free_netdev(nic_dev);
}

module_init(nic_init);
module_exit(nic_exit);

MODULE_DESCRIPTION("A network interface that takes IPsec SAs and policies");
MODULE_LICENSE("GPL");
