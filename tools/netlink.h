/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_NETLINK_H
#define XVTI_NETLINK_H

#include <linux/if_link.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/xvti.h>

#include "conf.h"

struct mnl_socket;

struct nl_sock {
	struct mnl_socket *mnl;
	bool generic;
	unsigned int portid;
	unsigned int seq;
};

/* The sockets of one network namespace. */
struct nl {
	int netns_fd;		/* -1: the namespace of this process */
	struct nl_sock route;
	struct nl_sock generic;
	struct nl_sock xfrm;	/* for nl_dump_xfrm() */
	uint16_t family;	/* 0: not asked yet */
	uint32_t events;	/* id of the multicast group */
};

/* Why the kernel refused. */
struct nl_error {
	int err;		/* errno */
	bool no_module;		/* there is no xvti in this kernel */
	bool again;		/* the first answer was lost */
	uint16_t attr;		/* XVTI_A_DEV_* at fault, 0 unknown */
	uint16_t missing;	/* XVTI_A_DEV_* that was not given, 0 none */
	char msg[256];		/* the kernel's own words, or empty */
};

struct link {
	uint32_t ifindex;
	char name[IFNAMSIZ];
	char kind[16];
	bool up;
	uint32_t master;	/* 0: none */
	struct rtnl_link_stats64 stats;
};

struct links {
	struct link *link;
	size_t count;
};

/* An XVTI_A_DEV_* message; has(dev, attr) tells what was in it. */
struct dev {
	uint32_t present;
	uint32_t ifindex;
	char name[IFNAMSIZ];
	int32_t underlay;
	struct addr local;
	struct addr remote;
	uint32_t reqid;
	uint32_t mark;
	uint32_t mark_mask;
	uint32_t if_id;
	uint32_t link;
	uint32_t mode;
	uint32_t carrier;
	uint32_t mtu;
	uint32_t mtu_source;
	uint32_t lower_mtu;
	uint32_t queue;
	bool running;
	uint32_t sa_out;
	uint32_t sa_in;
	struct addr peer;
	uint32_t peer_reqid;
	uint64_t stats[XVTI_A_STATS_MAX + 1];
	uint64_t since;		/* seconds of the epoch, as the next but one */
	uint32_t drop_reason;	/* XVTI_A_STATS_*, 0: none */
	uint64_t drop_time;
};

struct devs {
	struct dev *dev;
	size_t count;
};

static inline bool dev_has(const struct dev *dev, unsigned int attr)
{
	return dev->present & (1u << attr);
}

/* All return 0 or a negative errno; @error then says more. */
int nl_open(struct nl *nl, int netns_fd);
void nl_close(struct nl *nl);
int nl_within(const struct nl *nl, int (*run)(void *data), void *data);

int link_create(struct nl *nl, const char *name, struct nl_error *error);
int link_find(struct nl *nl, const char *name, struct link *link,
	      struct nl_error *error);
int link_get(struct nl *nl, uint32_t ifindex, struct link *link,
	     struct nl_error *error);
int link_dump(struct nl *nl, struct links *links, struct nl_error *error);
int link_move(struct nl *nl, uint32_t ifindex, int netns_fd,
	      struct nl_error *error);
int link_up(struct nl *nl, uint32_t ifindex, struct nl_error *error);
int link_delete(struct nl *nl, uint32_t ifindex, struct nl_error *error);
int link_delete_name(struct nl *nl, const char *name, struct nl_error *error);

int netnsid_of_fd(struct nl *nl, int netns_fd, int32_t *id);
int netnsid_of_pid(struct nl *nl, uint32_t pid, int32_t *id);

int dev_set(struct nl *nl, uint32_t ifindex, const struct conf *conf,
	    uint32_t dev_ifindex, struct nl_error *error);
int dev_get(struct nl *nl, const char *name, struct dev *dev,
	    struct nl_error *error);
int dev_dump(struct nl *nl, struct devs *devs, struct nl_error *error);

/* What has changed; the other pointer is NULL, or both. */
struct event {
	enum {
		EVENT_DEV,		/* @dev, of our own family */
		EVENT_LINK,		/* @link is as it says */
		EVENT_LINK_GONE,	/* @link is not here any more */
		EVENT_LOST,		/* events, too many at once */
	} type;
	const struct dev *dev;
	const struct link *link;
};

/* Returns false to stop. */
typedef bool (*event_fn)(const struct event *event, void *data);

/* What happens after events_join() is seen by events_run(). */
int events_join(struct nl *nl, struct nl_error *error);
int events_run(struct nl *nl, event_fn event, void *data,
	       struct nl_error *error);

#endif
