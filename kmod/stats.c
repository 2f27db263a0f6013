// SPDX-License-Identifier: GPL-2.0
/*
 * Counters: traffic, one counter for each reason of a drop, and the cache's.
 *
 * Each CPU writes its own; readers add them up. Nothing here is shared
 * between CPUs on the packet's way.
 *
 * Locking: none. The traffic counters are written with BH disabled; the others fit
 * a word and are written by this_cpu operations, from any context.
 */

#include <linux/ethtool.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "device.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

const char xvti_stat_names[XVTI_A_STATS_MAX + 1][32] = {
	[XVTI_A_STATS_TX_UNCONFIGURED]	= "tx_unconfigured",
	[XVTI_A_STATS_TX_PROTOCOL]	= "tx_protocol",
	[XVTI_A_STATS_TX_NO_SA]		= "tx_no_sa",
	[XVTI_A_STATS_TX_NO_ROUTE]	= "tx_no_route",
	[XVTI_A_STATS_TX_LOOP]		= "tx_loop",
	[XVTI_A_STATS_TX_CLEAR]		= "tx_clear",
	[XVTI_A_STATS_TX_POLICY]	= "tx_policy",
	[XVTI_A_STATS_TX_TOO_BIG]	= "tx_too_big",
	[XVTI_A_STATS_TX_QUEUE]		= "tx_queue",
	[XVTI_A_STATS_TX_ERROR]		= "tx_error",
	[XVTI_A_STATS_RX_WRONG_PEER]	= "rx_wrong_peer",
	[XVTI_A_STATS_RX_MODE]		= "rx_mode",
	[XVTI_A_STATS_RX_SELECTOR]	= "rx_selector",
	[XVTI_A_STATS_RX_ECN]		= "rx_ecn",
	[XVTI_A_STATS_RX_POLICY]	= "rx_policy",
	[XVTI_A_STATS_RX_DOWN]		= "rx_down",
	[XVTI_A_STATS_RX_ERROR]		= "rx_error",
	[XVTI_A_STATS_CACHE_MISS]	= "cache_miss",
	[XVTI_A_STATS_CACHE_FLUSH]	= "cache_flush",
	[XVTI_A_STATS_CACHE_STALE]	= "cache_stale",
};

/**
 * xvti_stats_rx() - count a packet that is delivered to the overlay
 * @xv: device
 * @len: octets of the inner packet
 *
 * Context: BH disabled.
 */
void xvti_stats_rx(const struct xvti_dev *xv, unsigned int len)
{
	struct xvti_pcpu *p = this_cpu_ptr(xv->pcpu);

	u64_stats_update_begin(&p->syncp);
	p->rx_packets++;
	p->rx_bytes += len;
	u64_stats_update_end(&p->syncp);
}

/**
 * xvti_stats_tx() - count a packet that the xfrm core has taken
 * @xv: device
 * @len: octets of the inner packet
 *
 * Context: BH disabled.
 */
void xvti_stats_tx(const struct xvti_dev *xv, unsigned int len)
{
	struct xvti_pcpu *p = this_cpu_ptr(xv->pcpu);

	u64_stats_update_begin(&p->syncp);
	p->tx_packets++;
	p->tx_bytes += len;
	u64_stats_update_end(&p->syncp);
}

/**
 * xvti_stats_add() - add to a counter
 * @xv: device
 * @stat: XVTI_A_STATS_*
 * @n: how many
 *
 * Context: any.
 */
void xvti_stats_add(const struct xvti_dev *xv, unsigned int stat,
		    unsigned int n)
{
	this_cpu_add(xv->pcpu->count[stat], n);
}

/**
 * xvti_stats_inc() - add one to a counter
 * @xv: device
 * @stat: XVTI_A_STATS_*
 *
 * Context: any.
 */
void xvti_stats_inc(const struct xvti_dev *xv, unsigned int stat)
{
	xvti_stats_add(xv, stat, 1);
}

static void xvti_stats_dropped(const struct xvti_dev *xv, unsigned int reason)
{
	xvti_stats_inc(xv, reason);
	this_cpu_write(xv->pcpu->drop_reason, reason);
	this_cpu_write(xv->pcpu->drop_time, (u32)ktime_get_real_seconds());
}

/**
 * xvti_stats_last() - the last packet that went no further, on any CPU
 * @xv: device
 * @time: filled, in seconds of the epoch
 *
 * Context: any.
 * Return: XVTI_A_STATS_* of its reason, or 0 if there was none.
 */
unsigned int xvti_stats_last(const struct xvti_dev *xv, time64_t *time)
{
	unsigned int reason = 0;
	u32 last = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct xvti_pcpu *p = per_cpu_ptr(xv->pcpu, cpu);
		u32 when = READ_ONCE(p->drop_time);

		if (when < last || !READ_ONCE(p->drop_reason))
			continue;
		reason = READ_ONCE(p->drop_reason);
		last = when;
	}
	*time = last;
	return reason;
}

/**
 * xvti_stats_drop() - count and trace a packet that goes no further
 * @xv: device
 * @skb: the packet; the caller frees it
 * @reason: XVTI_A_STATS_TX_* or XVTI_A_STATS_RX_*
 *
 * Context: any.
 */
void xvti_stats_drop(const struct xvti_dev *xv, const struct sk_buff *skb,
		     unsigned int reason)
{
	xvti_stats_dropped(xv, reason);
	trace_xvti_drop(xv->dev, skb, ntohs(skb->protocol), skb->len, reason);
}

/**
 * xvti_stats_lost() - count and trace a packet that the core has freed
 * @xv: device
 * @skb: where the packet was, for comparison with other events
 * @inner: family that it had
 * @len: octets that it had
 *
 * Context: any.
 */
void xvti_stats_lost(const struct xvti_dev *xv, const void *skb,
		     enum xvti_inner inner, unsigned int len)
{
	xvti_stats_dropped(xv, XVTI_A_STATS_TX_ERROR);
	trace_xvti_drop(xv->dev, skb,
			inner == XVTI_INNER6 ? ETH_P_IPV6 : ETH_P_IP, len,
			XVTI_A_STATS_TX_ERROR);
}

/**
 * xvti_stats_count() - read a counter
 * @xv: device
 * @stat: XVTI_A_STATS_*
 *
 * Context: any.
 * Return: its value, summed over all CPUs.
 */
u64 xvti_stats_count(const struct xvti_dev *xv, unsigned int stat)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(xv->pcpu, cpu)->count[stat]);
	return sum;
}

static u64 xvti_stats_sum(const struct xvti_dev *xv, unsigned int first,
			  unsigned int last)
{
	u64 sum = 0;

	while (first <= last)
		sum += xvti_stats_count(xv, first++);
	return sum;
}

/**
 * xvti_stats_get() - ndo_get_stats64
 * @xv: device
 * @s: filled; dropped packets are the sum of their reasons
 *
 * Context: any.
 */
void xvti_stats_get(const struct xvti_dev *xv, struct rtnl_link_stats64 *s)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct xvti_pcpu *p = per_cpu_ptr(xv->pcpu, cpu);
		u64 rx_packets, rx_bytes, tx_packets, tx_bytes;
		unsigned int start;

		do {
			start = u64_stats_fetch_begin(&p->syncp);
			rx_packets = p->rx_packets;
			rx_bytes = p->rx_bytes;
			tx_packets = p->tx_packets;
			tx_bytes = p->tx_bytes;
		} while (u64_stats_fetch_retry(&p->syncp, start));

		s->rx_packets += rx_packets;
		s->rx_bytes += rx_bytes;
		s->tx_packets += tx_packets;
		s->tx_bytes += tx_bytes;
	}
	s->tx_dropped = xvti_stats_sum(xv, XVTI_A_STATS_TX_UNCONFIGURED,
				       XVTI_A_STATS_TX_ERROR);
	s->tx_errors = xvti_stats_count(xv, XVTI_A_STATS_TX_ERROR);
	s->rx_dropped = xvti_stats_sum(xv, XVTI_A_STATS_RX_WRONG_PEER,
				       XVTI_A_STATS_RX_ERROR);
	s->rx_errors = xvti_stats_count(xv, XVTI_A_STATS_RX_ERROR);
}

static int xvti_get_sset_count(struct net_device *dev, int sset)
{
	return sset == ETH_SS_STATS ? XVTI_A_STATS_MAX : -EOPNOTSUPP;
}

static void xvti_get_strings(struct net_device *dev, u32 sset, u8 *data)
{
	unsigned int i;

	if (sset != ETH_SS_STATS)
		return;
	BUILD_BUG_ON(sizeof(xvti_stat_names[0]) != ETH_GSTRING_LEN);
	for (i = 1; i <= XVTI_A_STATS_MAX; i++)
		memcpy(data + (i - 1) * ETH_GSTRING_LEN, xvti_stat_names[i],
		       ETH_GSTRING_LEN);
}

static void xvti_get_ethtool_stats(struct net_device *dev,
				   struct ethtool_stats *stats, u64 *data)
{
	const struct xvti_dev *xv = netdev_priv(dev);
	unsigned int i;

	for (i = 1; i <= XVTI_A_STATS_MAX; i++)
		data[i - 1] = xvti_stats_count(xv, i);
}

static void xvti_get_drvinfo(struct net_device *dev,
			     struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "xvti", sizeof(info->driver));
	strscpy(info->version, XVTI_VERSION, sizeof(info->version));
}

const struct ethtool_ops xvti_ethtool_ops = {
	.get_drvinfo		= xvti_get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_sset_count		= xvti_get_sset_count,
	.get_strings		= xvti_get_strings,
	.get_ethtool_stats	= xvti_get_ethtool_stats,
};
