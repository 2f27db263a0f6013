/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_STATE_H
#define XVTI_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

struct dev;
struct nl;
struct nlmsghdr;
struct xfrm_usersa_info;

struct state {
	struct addr src;
	struct addr dst;
	uint8_t proto;
	uint8_t mode;
	uint32_t spi;
	uint32_t reqid;
	uint32_t mark;
	uint32_t mark_mask;
	uint32_t if_id;
	bool by_nic;		/* packet offload */
	bool narrow;		/* the selector leaves packets out */
	int inner;		/* the family it is for, 0: both */
};

struct states {
	struct state *state;
	size_t count;
};

void state_parse(const struct nlmsghdr *nlh,
		 const struct xfrm_usersa_info *info, struct state *state);
int states_get(struct nl *nl, struct states *states);
void states_free(struct states *states);
bool state_of(const struct state *state, const struct dev *dev);
void state_format(const struct state *state, char *buf, size_t size);
const char *state_fault(const struct state *state);

#endif
