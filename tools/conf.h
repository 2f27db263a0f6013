/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_CONF_H
#define XVTI_CONF_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names.h"

/* Packets that a device lets wait that nobody gave a queue. */
#define QUEUE_DEFAULT 16

struct args;

struct addr {
	int family;		/* 0: none */
	uint8_t bytes[16];
};

/* What one add or set command asks for. */
struct conf {
	char name[IFNAMSIZ];
	const char *given[W_COUNT];	/* as typed; NULL: word absent */
	struct addr local;
	struct addr remote;
	bool remote_any;
	uint32_t reqid;			/* 0: none, as are the three below */
	uint32_t mark;
	uint32_t mark_mask;
	uint32_t if_id;
	char dev[IFNAMSIZ];		/* empty: none */
	uint32_t mode;
	uint32_t carrier;
	uint32_t mtu;			/* 0: automatic */
	uint32_t queue;
};

size_t addr_len(const struct addr *addr);
bool addr_is_any(const struct addr *addr);
bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_parse(const char *s, struct addr *addr);
const char *addr_unfit(const struct addr *addr);
const char *addr_format(const struct addr *addr, char *buf, size_t size);

int name_check(const char *word, const char *name);
int name_only(struct args *args, char **name);
int conf_parse_add(struct args *args, struct conf *conf);
int conf_parse_set(struct args *args, struct conf *conf);

#endif
