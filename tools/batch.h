/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_BATCH_H
#define XVTI_BATCH_H

struct args;
struct options;

int batch_file(const char *word, const char *name, const struct options *opt,
	       int (*run)(struct args *args), void *data);
int batch_run(const struct options *opt, int (*run)(struct args *args));

#endif
