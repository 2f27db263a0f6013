/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_ARGS_H
#define XVTI_ARGS_H

#include <stdbool.h>

struct options {
	bool json;
	bool pretty;
	bool stats;
	bool details;
	bool force;
	bool version;
	bool help;
	bool color;
	const char *netns;
	const char *batch;
};

/* A cursor over the words of one command. */
struct args {
	int argc;
	char **argv;
	struct options *opt;
	bool in_command;	/* the verb has been read */
	const char *file;	/* of a batch: where the command stands */
	unsigned int line;
	void *data;		/* of batch_file() */
};

int args_options(struct args *args);
int args_word(struct args *args, char **word);
int args_value(struct args *args, const char *word, char **value);
int args_end(struct args *args);

#endif
