/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_SHOW_SA_H
#define XVTI_SHOW_SA_H

#include "sa.h"
#include "session.h"

/* The SAs of each underlay, read once. */
struct sas_of {
	struct nl *nl;
	struct sas sas;
};

struct sas_view {
	struct sas_of *of;
	size_t count;
};

void show_sas(struct session *session, const struct dev *dev,
	      struct sas_view *view);
void sas_view_free(struct sas_view *view);

/* How long ago that was, in the two units that matter; returns @buf. */
const char *age_text(uint64_t time, char *buf, size_t size);

#endif
