/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_CONFIG_H
#define XVTI_CONFIG_H

#include "netlink.h"

/* Where a device is to go, opened before anything is changed. */
struct target {
	int fd;			/* -1: stays where it is */
	struct nl *nl;		/* NULL: need not be entered */
	struct nl own;
};

/* A device and the namespace where it can be reached now. */
struct place {
	struct nl *nl;
	uint32_t ifindex;
};

int config_lower(struct nl *under, const struct conf *conf, uint32_t *ifindex);
int config_create(struct place *place, const struct conf *conf,
		  uint32_t dev_ifindex, struct target *target);

#endif
