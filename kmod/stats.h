/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_STATS_H
#define _XVTI_STATS_H

#include <linux/ethtool.h>
#include <linux/netdevice.h>
#include <linux/u64_stats_sync.h>
#include <uapi/linux/xvti.h>

#include "inner.h"

struct xvti_dev;

/**
 * struct xvti_pcpu - counters of one device on one CPU
 * @syncp: lets readers on 32-bit machines see whole traffic counters
 * @rx_packets: inner packets received
 * @rx_bytes: their octets
 * @tx_packets: inner packets sent
 * @tx_bytes: their octets
 * @count: one counter for each XVTI_A_STATS_* attribute
 * @drop_reason: XVTI_A_STATS_* of the last drop, or 0
 * @drop_time: when that was; seconds of the epoch, in one word until 2106
 */
struct xvti_pcpu {
	struct u64_stats_sync	syncp;
	u64			rx_packets;
	u64			rx_bytes;
	u64			tx_packets;
	u64			tx_bytes;
	unsigned long		count[XVTI_A_STATS_MAX + 1];
	u32			drop_reason;
	u32			drop_time;
};

extern const struct ethtool_ops xvti_ethtool_ops;
extern const char xvti_stat_names[XVTI_A_STATS_MAX + 1][32];

void xvti_stats_get(const struct xvti_dev *xv, struct rtnl_link_stats64 *s);
unsigned int xvti_stats_last(const struct xvti_dev *xv, time64_t *time);
u64 xvti_stats_count(const struct xvti_dev *xv, unsigned int stat);
void xvti_stats_rx(const struct xvti_dev *xv, unsigned int len);
void xvti_stats_tx(const struct xvti_dev *xv, unsigned int len);
void xvti_stats_add(const struct xvti_dev *xv, unsigned int stat,
		    unsigned int n);
void xvti_stats_inc(const struct xvti_dev *xv, unsigned int stat);
void xvti_stats_drop(const struct xvti_dev *xv, const struct sk_buff *skb,
		     unsigned int reason);
void xvti_stats_lost(const struct xvti_dev *xv, const void *skb,
		     enum xvti_inner inner, unsigned int len);

#endif /* _XVTI_STATS_H */
