/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_STEPS_H
#define XVTI_STEPS_H

#include "load.h"

/* A device as it was, and what its index is now. */
struct former {
	const struct dev *dev;
	struct space *over;
	bool up;
	uint32_t *ifindex;
};

struct step {
	enum {
		STEP_SET,
		STEP_ADD,
		STEP_DELETE,
	} what;
	struct item *item;	/* of the first two */
	struct former former;	/* of the last */
};

struct steps {
	struct step *step;
	size_t count;
};

/* Each prints what it did; on an error nothing was done. */
int step_set(struct load *load, struct item *item, struct steps *steps);
int step_add(struct load *load, struct item *item, struct steps *steps);
int step_delete(struct load *load, const struct former *former,
		struct steps *steps);
void steps_undo(struct load *load, struct steps *steps);

void conf_of_dev(struct conf *conf, const struct dev *dev, const bool *only);

#endif
