// SPDX-License-Identifier: GPL-2.0
/* Names of what the netlink interface numbers. */

#include <stdio.h>

#include <linux/xvti.h>

#include "names.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char *const words[W_COUNT] = {
	[W_LOCAL] = "local",
	[W_REMOTE] = "remote",
	[W_REQID] = "reqid",
	[W_MARK] = "mark",
	[W_IF_ID] = "if_id",
	[W_DEV] = "dev",
	[W_MODE] = "mode",
	[W_CARRIER] = "carrier",
	[W_MTU] = "mtu",
	[W_QUEUE] = "queue",
	[W_NETNS] = "netns",
	[W_UP] = "up",
};

static const char *const modes[] = {
	[XVTI_MODE_DIRECT] = "direct",
	[XVTI_MODE_POLICY] = "policy",
};

static const char *const carriers[] = {
	[XVTI_CARRIER_ALWAYS] = "always",
	[XVTI_CARRIER_SA] = "sa",
};

static const char *const mtu_sources[] = {
	[XVTI_MTU_SOURCE_USER] = "user",
	[XVTI_MTU_SOURCE_SA] = "sa",
	[XVTI_MTU_SOURCE_ESTIMATE] = "estimate",
	[XVTI_MTU_SOURCE_FLOOR] = "floor",
	[XVTI_MTU_SOURCE_DEFAULT] = "default",
};

static const char *const mtu_source_texts[] = {
	[XVTI_MTU_SOURCE_USER] = "fixed by the user",
	[XVTI_MTU_SOURCE_SA] = "auto: exact for the SA in use",
	[XVTI_MTU_SOURCE_ESTIMATE] =
		"auto: no SA yet, worst case of the common ciphers",
	[XVTI_MTU_SOURCE_FLOOR] =
		"auto: smallest allowed, larger than what fits in one packet",
	[XVTI_MTU_SOURCE_DEFAULT] = "auto: not configured, or no route to the peer",
};

/* tests/spec-drift.sh compares this table with the header and the spec. */
static const char *const stats[XVTI_A_STATS_MAX + 1] = {
	[XVTI_A_STATS_TX_UNCONFIGURED] = "tx-unconfigured",
	[XVTI_A_STATS_TX_PROTOCOL] = "tx-protocol",
	[XVTI_A_STATS_TX_NO_SA] = "tx-no-sa",
	[XVTI_A_STATS_TX_NO_ROUTE] = "tx-no-route",
	[XVTI_A_STATS_TX_LOOP] = "tx-loop",
	[XVTI_A_STATS_TX_CLEAR] = "tx-clear",
	[XVTI_A_STATS_TX_POLICY] = "tx-policy",
	[XVTI_A_STATS_TX_TOO_BIG] = "tx-too-big",
	[XVTI_A_STATS_TX_QUEUE] = "tx-queue",
	[XVTI_A_STATS_TX_ERROR] = "tx-error",
	[XVTI_A_STATS_RX_WRONG_PEER] = "rx-wrong-peer",
	[XVTI_A_STATS_RX_MODE] = "rx-mode",
	[XVTI_A_STATS_RX_SELECTOR] = "rx-selector",
	[XVTI_A_STATS_RX_ECN] = "rx-ecn",
	[XVTI_A_STATS_RX_POLICY] = "rx-policy",
	[XVTI_A_STATS_RX_DOWN] = "rx-down",
	[XVTI_A_STATS_RX_ERROR] = "rx-error",
	[XVTI_A_STATS_CACHE_MISS] = "cache-miss",
	[XVTI_A_STATS_CACHE_FLUSH] = "cache-flush",
	[XVTI_A_STATS_CACHE_STALE] = "cache-stale",
};

const char *word_name(enum word word)
{
	return word < W_COUNT ? words[word] : "";
}

enum word word_of_attr(unsigned int attr)
{
	switch (attr) {
	case XVTI_A_DEV_LOCAL:
		return W_LOCAL;
	case XVTI_A_DEV_REMOTE:
		return W_REMOTE;
	case XVTI_A_DEV_REQID:
		return W_REQID;
	case XVTI_A_DEV_MARK:
	case XVTI_A_DEV_MARK_MASK:
		return W_MARK;
	case XVTI_A_DEV_IF_ID:
		return W_IF_ID;
	case XVTI_A_DEV_LINK:
		return W_DEV;
	case XVTI_A_DEV_MODE:
		return W_MODE;
	case XVTI_A_DEV_CARRIER:
		return W_CARRIER;
	case XVTI_A_DEV_MTU:
		return W_MTU;
	case XVTI_A_DEV_QUEUE:
		return W_QUEUE;
	default:
		return W_NONE;
	}
}

/* A newer module may know values that this tool does not. */
static const char *name_of(const char *const *table, size_t size, uint32_t n)
{
	return n < size && table[n] ? table[n] : "unknown";
}

const char *mode_name(uint32_t mode)
{
	return name_of(modes, ARRAY_SIZE(modes), mode);
}

const char *carrier_name(uint32_t carrier)
{
	return name_of(carriers, ARRAY_SIZE(carriers), carrier);
}

const char *mtu_source_name(uint32_t source)
{
	return name_of(mtu_sources, ARRAY_SIZE(mtu_sources), source);
}

const char *mtu_source_text(uint32_t source)
{
	return name_of(mtu_source_texts, ARRAY_SIZE(mtu_source_texts), source);
}

const char *stat_name(unsigned int stat)
{
	return name_of(stats, ARRAY_SIZE(stats), stat);
}
