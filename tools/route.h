/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_ROUTE_H
#define XVTI_ROUTE_H

#include <stdint.h>

#include "netlink.h"

/* What "ip route get" is asked; absent: family or index 0. */
struct route_query {
	struct addr dst;
	struct addr src;
	uint32_t oif;
	uint32_t iif;
};

struct route {
	uint8_t type;		/* RTN_* */
	uint32_t oif;		/* 0: none */
	struct addr source;
	struct addr gateway;
	char dev[IFNAMSIZ];	/* name of oif */
};

/* Without an answer, the reason is the negative errno. */
int route_get(struct nl *nl, const struct route_query *query,
	      struct route *route);

#endif
