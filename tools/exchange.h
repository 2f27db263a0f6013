/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_EXCHANGE_H
#define XVTI_EXCHANGE_H

#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <sys/types.h>

#include "netlink.h"

struct nlattr;

/* The kernel fills dumps up to what the reader offers, 32 KiB at most. */
#define REPLY_SIZE 32768
#define REQUEST_SIZE 1024

/* XFRMA_IF_ID, an enumerator that headers before 4.19 lack. */
#define ATTR_IF_ID 31
/* the flag of packet offload, likewise */
#define OFFLOAD_PACKET 4

union request {
	struct nlmsghdr nlh;
	char bytes[REQUEST_SIZE];
};

typedef int (*reply_fn)(const struct nlmsghdr *reply, void *data);

int nl_talk(struct nl_sock *sock, struct nlmsghdr *request, reply_fn reply,
	    void *data, struct nl_error *error);
int nl_dump(struct nl_sock *sock, struct nlmsghdr *request, reply_fn reply,
	    void (*restart)(void *data), void *data, struct nl_error *error);
int nl_dump_xfrm(struct nl *nl, uint16_t type, size_t header, reply_fn reply,
		 void (*restart)(void *data), void *data);
ssize_t nl_receive(struct nl_sock *sock, char *buf, size_t size);

/* Of messages that came without having been asked for. */
int family_get(struct nl *nl, struct nl_error *error);
int link_parse(const struct nlmsghdr *nlh, void *data);
int dev_parse(const struct nlmsghdr *nlh, void *data);

uint32_t attr_u32(const struct nlattr *attr);
uint64_t attr_u64(const struct nlattr *attr);
void attr_name(const struct nlattr *attr, char *name, size_t size);
void attr_addr(const struct nlattr *attr, struct addr *addr);
void attr_mark(const struct nlattr *attr, uint32_t *mark, uint32_t *mask);
void addr_from_xfrm(struct addr *addr, int family, const xfrm_address_t *from);
void *array_grow(void *array, size_t count, size_t size);

#endif
