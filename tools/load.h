/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_LOAD_H
#define XVTI_LOAD_H

#include <sys/types.h>

#include "netlink.h"
#include "space.h"

struct options;

/* A line of the configuration, and the device that there is of it already. */
struct item {
	const char *file;
	unsigned int line;
	char **words;		/* what conf and netns point into */
	size_t count;
	const char *netns;	/* of -n; NULL: where load works */
	struct conf conf;
	struct space *under;
	struct space *over;
	uint32_t lower;		/* ifindex of conf.dev */
	uint32_t ifindex;	/* 0: there is none */
	struct dev old;		/* what it was before */
	bool up;
	bool ours;		/* load has made it, or made it so */
	enum {
		ITEM_KEEP,
		ITEM_SET,
		ITEM_ADD,
		ITEM_BAD,	/* left out, with -force */
	} todo;
	bool changed[W_COUNT];	/* of ITEM_SET */
	bool done;
};

/* A device that load has made, as the record knows it. */
struct loaded {
	char name[IFNAMSIZ];
	uint32_t ifindex;
	dev_t dev;		/* these two name its namespace */
	ino_t ino;
	char spec[256];		/* empty: where load works */
	struct space *over;
	bool wanted;		/* the configuration still has it */
	bool gone;		/* it was not there when load began */
	struct dev old;
	bool up;
};

/* It is there, and the configuration does not have it any more. */
static inline bool loaded_is_left(const struct loaded *old)
{
	return !old->wanted && !old->gone && old->ifindex;
}

struct load {
	const struct options *opt;
	struct spaces spaces;
	struct item *item;
	size_t items;
	struct loaded *loaded;
	size_t loadeds;
	bool bad;		/* lines were left out */
};

/* plan.c: what is there, and what is to be done about it. */
int plan_make(struct load *load);
bool binding_same(const struct conf *a, const struct conf *b);
int item_failed(const struct item *item, int ret);

/* apply.c: does it, or leaves everything as it was. */
int plan_apply(struct load *load);

/* record.c: the lock is held until it is closed. */
int record_open(struct load *load, int *lock);
int record_write(struct load *load);

#endif
