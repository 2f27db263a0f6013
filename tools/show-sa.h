/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_SHOW_SA_H
#define XVTI_SHOW_SA_H

#include "session.h"
#include "state.h"

/* The SAs of each namespace, read once. */
struct states_of {
	struct nl *nl;
	struct states states;
};

struct states_view {
	struct states_of *of;
	size_t count;
};

const struct states *states_find(struct states_view *view, struct nl *nl);
void show_sas(struct session *session, const struct dev *dev,
	      struct states_view *view);
void states_view_free(struct states_view *view);

/* How long ago that was, in the two units that matter; returns @buf. */
const char *age_text(uint64_t time, char *buf, size_t size);

#endif
