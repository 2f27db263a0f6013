// SPDX-License-Identifier: GPL-2.0
/* What the counters of drops mean, and what to do about each. */

#include <stddef.h>

#include <linux/xvti.h>

#include "counters.h"

/* tests/spec-drift.sh compares this table with the header. */
static const struct {
	const char *meaning;
	const char *advice;
} drops[XVTI_A_STATS_MAX + 1] = {
	[XVTI_A_STATS_TX_UNCONFIGURED] = {
		"sent before the device had endpoints and a binding",
		"configure it with xvti set, or create it with xvti add"
	},
	[XVTI_A_STATS_TX_PROTOCOL] = {
		"neither IPv4 nor IPv6, or malformed",
		"route only IP into the device; see what comes with tcpdump"
	},
	[XVTI_A_STATS_TX_NO_SA] = {
		"there was no usable outbound SA",
		"see what the IKE daemon logs, and ip xfrm state in the underlay"
	},
	[XVTI_A_STATS_TX_NO_ROUTE] = {
		"the underlay had no route to the peer",
		"add a route to the peer in the underlay"
	},
	[XVTI_A_STATS_TX_LOOP] = {
		"the route to the peer led into the device itself",
		"give the peer's own address a route by the lower device"
	},
	[XVTI_A_STATS_TX_CLEAR] = {
		"the kernel offered no encryption or the SA of another, so nothing was sent",
		"compare mark, if_id and reqid of the SA with the device's"
	},
	[XVTI_A_STATS_TX_POLICY] = {
		"blocked by a policy, or outside the policies of policy mode",
		"see ip xfrm policy in the underlay, and what IKE negotiated"
	},
	[XVTI_A_STATS_TX_TOO_BIG] = {
		"larger than the path MTU; the sender was told",
		"normal now and then; if it lasts, ICMP does not reach the sender: let it through, or clamp the TCP MSS"
	},
	[XVTI_A_STATS_TX_QUEUE] = {
		"waited for a first SA in vain",
		"see why the IKE daemon takes long; xvti set NAME queue N makes room for more"
	},
	[XVTI_A_STATS_TX_ERROR] = {
		"refused by the kernel's IPsec core on the way out",
		"see /proc/net/xfrm_stat in the underlay"
	},
	[XVTI_A_STATS_RX_WRONG_PEER] = {
		"came from a second peer while the device is another's",
		"a device with remote any serves one peer: add one for the other"
	},
	[XVTI_A_STATS_RX_MODE] = {
		"came by an SA that is not in tunnel mode",
		"negotiate tunnel mode; AH or ESP about IPComp's tunnel needs mode policy"
	},
	[XVTI_A_STATS_RX_SELECTOR] = {
		"decrypted, but outside the selector of the SA",
		"compare both ends' traffic selectors"
	},
	[XVTI_A_STATS_RX_ECN] = {
		"marked for congestion on the way, while its sender does not use ECN",
		"find the congested or broken router of the underlay; the SA flag noecn lets such packets pass"
	},
	[XVTI_A_STATS_RX_POLICY] = {
		"decrypted, but refused by an inbound policy",
		"see ip xfrm policy, direction in, and what IKE negotiated"
	},
	[XVTI_A_STATS_RX_DOWN] = {
		"came while the device was down",
		"set the device up"
	},
	[XVTI_A_STATS_RX_ERROR] = {
		"refused by the kernel's IPsec core on the way in",
		"see /proc/net/xfrm_stat in the underlay; both ends may use different keys"
	},
};

const char *stat_meaning(unsigned int stat)
{
	return stat <= XVTI_A_STATS_MAX ? drops[stat].meaning : NULL;
}

const char *stat_advice(unsigned int stat)
{
	return stat <= XVTI_A_STATS_MAX ? drops[stat].advice : NULL;
}
