/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_POLICY_H
#define XVTI_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

struct dev;
struct nl;
struct state;

struct policy {
	bool out;		/* else in */
	bool block;
	uint32_t priority;	/* the smallest wins */
	struct addr src;	/* selector */
	struct addr dst;
	uint8_t src_len;
	uint8_t dst_len;
	uint8_t proto;
	uint16_t sport;
	uint16_t dport;
	uint32_t mark;
	uint32_t mark_mask;
	uint32_t if_id;
	bool tunnel;		/* the template has endpoints */
	bool esp;		/* it is the only one, ESP in tunnel mode */
	struct addr local;	/* template, as seen from this end */
	struct addr remote;
	uint32_t reqid;
};

struct policies {
	struct policy *policy;
	size_t count;
};

int policies_get(struct nl *nl, struct policies *policies);
bool policy_is_narrow(const struct policy *policy);
void policies_free(struct policies *policies);
bool policy_of(const struct policy *policy, const struct dev *dev);
bool policy_leads_to(const struct policy *policy, const struct state *state);
const struct policy *policies_match(const struct policies *policies,
				    uint32_t mark, const struct addr *src,
				    const struct addr *dst);
void policy_format(const struct policy *policy, char *buf, size_t size);

#endif
