/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_EXPLAIN_H
#define XVTI_EXPLAIN_H

#include "args.h"
#include "route.h"
#include "session.h"

#define TEXT_SIZE 512

enum verdict {
	V_OK,
	V_WARN,		/* something else will suffer */
	V_BAD,		/* the packet does not leave */
};

/* One question, and what has been found out about it. */
struct explain {
	const struct options *opt;
	struct session session;
	char name[IFNAMSIZ];
	struct addr to;
	struct addr from;		/* family 0: not given */
	char iif[IFNAMSIZ];		/* empty: not given */
	struct addr source;		/* in use, family 0: not known */
	char to_text[64];
	char from_text[64];
	struct dev dev;
	struct link link;
	struct link vrf;		/* ifindex 0: none */
	struct link in;			/* where from comes in, 0: here */
	unsigned int bad;
	char first_bad[TEXT_SIZE];
};

/* Reports one check. @advice may be NULL or empty. */
void finding(struct explain *ex, const char *check, enum verdict verdict,
	     const char *advice, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* @command as it has to be typed to act where the device lives. */
const char *explain_command(const struct explain *ex, const char *command,
			    char *buf, size_t size);

/* The remote address in use, or NULL. */
const struct addr *explain_peer(const struct explain *ex);

void find_vrf(struct nl *nl, const struct link *link, struct link *vrf);

void explain_inner(struct explain *ex);
void explain_outer(struct explain *ex);
void explain_policies(struct explain *ex);
void explain_sas(struct explain *ex);

#endif
