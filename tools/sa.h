/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_SA_H
#define XVTI_SA_H

#include "state.h"

struct dev;
struct nl;

/* What is worth knowing of an SA in use. */
struct sa {
	struct state state;
	char algo[64];
	uint64_t added;		/* seconds of the epoch */
	uint64_t used;		/* when a packet first used it, 0: none yet */
	uint64_t soft;		/* seconds after which it is to be rekeyed */
	uint64_t hard;		/* and is gone; 0: never */
	uint64_t bytes;
	uint64_t packets;
	bool udp;
};

struct sas {
	struct sa *sa;
	size_t count;
};

int sas_get(struct nl *nl, struct sas *sas);
void sas_free(struct sas *sas);

/* Whether @dev sends by @sa, or receives by it. */
bool sa_out_of(const struct sa *sa, const struct dev *dev);
bool sa_in_of(const struct sa *sa, const struct dev *dev);

#endif
