/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_STATE_H
#define XVTI_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

struct dev;
struct nl;

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
	bool udp;		/* ESP in UDP */
	char algo[64];		/* its ciphers by name */
	uint64_t added;		/* seconds of the epoch */
	uint64_t soft;		/* seconds after which it is to be rekeyed */
	uint64_t hard;		/* and is gone; 0: never */
	uint64_t bytes;
	uint64_t packets;
};

struct states {
	struct state *state;
	size_t count;
};

int states_get(struct nl *nl, struct states *states);
void states_free(struct states *states);
bool state_out_of(const struct state *state, const struct dev *dev);
bool state_in_of(const struct state *state, const struct dev *dev);
bool state_of(const struct state *state, const struct dev *dev);
void state_format(const struct state *state, char *buf, size_t size);
const char *state_fault(const struct state *state);

#endif
