/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * Generic netlink interface of the xvti route-based IPsec device.
 *
 * The specification is Documentation/netlink/specs/xvti.yaml; this header
 * follows it name by name.  Devices are created, renamed, moved and deleted
 * by rtnetlink (kind "xvti"); this family configures and shows them.
 */

#ifndef _UAPI_LINUX_XVTI_H
#define _UAPI_LINUX_XVTI_H

#define XVTI_FAMILY_NAME	"xvti"
#define XVTI_FAMILY_VERSION	1

#define XVTI_MCGRP_EVENTS	"events"

/* Most packets that may wait for a first SA. */
#define XVTI_QUEUE_MAX		1024

/**
 * enum xvti_mode - who decides which SA a packet takes
 * @XVTI_MODE_DIRECT: the binding alone; bundles are cached
 * @XVTI_MODE_POLICY: the policy database, for each packet, by mark
 */
enum xvti_mode {
	XVTI_MODE_DIRECT,
	XVTI_MODE_POLICY,
};

/**
 * enum xvti_carrier - what the carrier of a device follows
 * @XVTI_CARRIER_ALWAYS: up whenever the device is administratively up
 * @XVTI_CARRIER_SA: up only while a usable SA pair exists
 */
enum xvti_carrier {
	XVTI_CARRIER_ALWAYS,
	XVTI_CARRIER_SA,
};

/**
 * enum xvti_mtu_source - where the current MTU of a device comes from
 * @XVTI_MTU_SOURCE_USER: a fixed number, set by the user
 * @XVTI_MTU_SOURCE_SA: exact for the outbound SA in use
 * @XVTI_MTU_SOURCE_ESTIMATE: no SA yet, worst case of the common ciphers
 * @XVTI_MTU_SOURCE_FLOOR: the smallest MTU that the inner families allow
 * @XVTI_MTU_SOURCE_DEFAULT: not configured, or no route to the peer
 */
enum xvti_mtu_source {
	XVTI_MTU_SOURCE_USER,
	XVTI_MTU_SOURCE_SA,
	XVTI_MTU_SOURCE_ESTIMATE,
	XVTI_MTU_SOURCE_FLOOR,
	XVTI_MTU_SOURCE_DEFAULT,
};

/* Attributes of a device. Addresses are 4 or 16 octets in network order;
 * integers are in host order, times in seconds of the epoch.
 */
enum {
	XVTI_A_DEV_PAD = 0,
	XVTI_A_DEV_IFINDEX,		/* u32 */
	XVTI_A_DEV_IFNAME,		/* string */
	XVTI_A_DEV_UNDERLAY_NETNSID,	/* s32, absent if same netns */
	XVTI_A_DEV_LOCAL,		/* binary, outer address */
	XVTI_A_DEV_REMOTE,		/* binary, all zero: any */
	XVTI_A_DEV_REQID,		/* u32, 0 in a set: none */
	XVTI_A_DEV_MARK,		/* u32 */
	XVTI_A_DEV_MARK_MASK,		/* u32, 0 in a set: none */
	XVTI_A_DEV_IF_ID,		/* u32, 0 in a set: none */
	XVTI_A_DEV_LINK,		/* u32, underlay ifindex, 0: none */
	XVTI_A_DEV_MODE,		/* u32, enum xvti_mode */
	XVTI_A_DEV_CARRIER,		/* u32, enum xvti_carrier */
	XVTI_A_DEV_MTU,			/* u32, in a set 0: automatic */
	XVTI_A_DEV_MTU_SOURCE,		/* u32, enum xvti_mtu_source */
	XVTI_A_DEV_LOWER_MTU,		/* u32, of the route to the peer */
	XVTI_A_DEV_QUEUE,		/* u32, packets that wait for an SA */
	XVTI_A_DEV_RUNNING,		/* u8, carrier is up */
	XVTI_A_DEV_SA_OUT,		/* u32, usable outbound SAs */
	XVTI_A_DEV_SA_IN,		/* u32, usable inbound SAs */
	XVTI_A_DEV_PEER,		/* binary, remote in use */
	XVTI_A_DEV_PEER_REQID,		/* u32, reqid in use */
	XVTI_A_DEV_STATS,		/* nest, XVTI_A_STATS_* */
	XVTI_A_DEV_SINCE,		/* u64, when SAs last came or went */
	XVTI_A_DEV_DROP_REASON,		/* u32, XVTI_A_STATS_* of the last */
	XVTI_A_DEV_DROP_TIME,		/* u64, when that was */

	__XVTI_A_DEV_MAX,
	XVTI_A_DEV_MAX = __XVTI_A_DEV_MAX - 1
};

/* Counters, u64 each. A packet that is dropped is counted by exactly one of
 * the tx or rx reasons.
 */
enum {
	XVTI_A_STATS_PAD = 0,
	XVTI_A_STATS_TX_UNCONFIGURED,	/* no endpoints or binding yet */
	XVTI_A_STATS_TX_PROTOCOL,	/* neither IPv4 nor IPv6, or malformed */
	XVTI_A_STATS_TX_NO_SA,		/* no usable SA */
	XVTI_A_STATS_TX_NO_ROUTE,	/* no route to the peer */
	XVTI_A_STATS_TX_LOOP,		/* route to the peer is this device */
	XVTI_A_STATS_TX_CLEAR,		/* the core offered no SA of ours */
	XVTI_A_STATS_TX_POLICY,		/* no policy lets it out */
	XVTI_A_STATS_TX_TOO_BIG,	/* over the path MTU, sender told */
	XVTI_A_STATS_TX_QUEUE,		/* waited for an SA in vain */
	XVTI_A_STATS_TX_ERROR,		/* refused by the xfrm core */
	XVTI_A_STATS_RX_WRONG_PEER,	/* the device is another peer's */
	XVTI_A_STATS_RX_MODE,		/* SA is not in tunnel mode */
	XVTI_A_STATS_RX_SELECTOR,	/* inner packet outside the SA */
	XVTI_A_STATS_RX_ECN,		/* congestion it cannot tell of */
	XVTI_A_STATS_RX_POLICY,		/* refused by an inbound policy */
	XVTI_A_STATS_RX_DOWN,		/* device is down */
	XVTI_A_STATS_RX_ERROR,		/* refused by the xfrm core */
	XVTI_A_STATS_CACHE_MISS,	/* bundle built, not a drop */
	XVTI_A_STATS_CACHE_FLUSH,	/* given up for an SA, not a drop */
	XVTI_A_STATS_CACHE_STALE,	/* outlived its route, not a drop */

	__XVTI_A_STATS_MAX,
	XVTI_A_STATS_MAX = __XVTI_A_STATS_MAX - 1
};

enum {
	XVTI_CMD_DEV_GET = 1,		/* do, dump */
	XVTI_CMD_DEV_SET,
	XVTI_CMD_DEV_NTF,		/* event, as the answer to a get */

	__XVTI_CMD_MAX,
	XVTI_CMD_MAX = __XVTI_CMD_MAX - 1
};

#endif /* _UAPI_LINUX_XVTI_H */
