/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_SESSION_H
#define XVTI_SESSION_H

#include "netlink.h"

struct options;

/* The underlay namespaces of the devices on show, each opened once. */
struct underlay {
	int32_t id;
	bool named;
	char spec[256];		/* as -n takes it */
	bool open;
	struct nl nl;
};

struct session {
	struct nl nl;
	struct underlay **underlay;
	size_t underlays;
};

int session_open(struct session *session, const struct options *opt);
void session_close(struct session *session);

/* Closes the underlays: one that is open cannot go when it is deleted. */
void session_forget(struct session *session);
struct underlay *session_underlay(struct session *session, int32_t id);

/* The namespace that @dev is routed in, or NULL if it cannot be entered. */
struct nl *session_underlay_of(struct session *session, const struct dev *dev);

/* Reports a refusal; @step is the word to blame if the kernel names none. */
int refused(const struct nl_error *error, const char *name,
	    const struct conf *conf, enum word step);

#endif
