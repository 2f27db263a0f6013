// SPDX-License-Identifier: GPL-2.0
/*
 * xvti -b FILE: one command a line, as on the command line after "xvti".
 * A word may be quoted in '' or "", "#" starts a comment where a word could
 * start, "\" at the end of a line continues it.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "batch.h"
#include "report.h"

#define WORDS_MAX 256

struct batch {
	const char *name;
	int (*run)(struct args *args);
	void *data;
	FILE *file;
	unsigned int line;	/* last line read */
	unsigned int first;	/* line that the command began on */
	int error;		/* why not all of the file was read */
	char *buf;
	size_t size;
};

static bool append(char **command, size_t *len, const char *line, size_t n)
{
	char *more = realloc(*command, *len + n + 1);

	if (!more)
		return false;
	memcpy(more + *len, line, n);
	*len += n;
	more[*len] = '\0';
	*command = more;
	return true;
}

/*
 * The next command with its continuations, to be freed, and its length; NULL
 * at the end. A file that ends too early is not one that says less.
 */
static char *command_read(struct batch *batch, size_t *length)
{
	char *command = NULL;
	size_t len = 0;
	bool more = true;
	ssize_t n;

	batch->first = batch->line + 1;
	while (more) {
		n = getline(&batch->buf, &batch->size, batch->file);
		if (n < 0 && !feof(batch->file))
			batch->error = errno;
		if (n < 0)
			break;
		batch->line++;
		if (n && batch->buf[n - 1] == '\n')
			n--;
		more = n && batch->buf[n - 1] == '\\';
		if (more)
			batch->buf[n - 1] = ' ';
		if (!append(&command, &len, batch->buf, (size_t)n)) {
			batch->error = ENOMEM;
			break;
		}
	}
	*length = len;
	if (!batch->error)
		return command;
	free(command);
	return NULL;
}

/* Takes one word off *@in and unquotes it in place; NULL if a quote is open. */
static char *word_take(char **in)
{
	char *word = *in, *to = *in, *from = *in;
	char quote = '\0';

	for (; *from && (quote || !strchr(" \t\r", *from)); from++) {
		if (quote ? *from == quote : *from == '\'' || *from == '"')
			quote = quote ? '\0' : *from;
		else
			*to++ = *from;
	}
	*in = *from ? from + 1 : from;
	*to = '\0';
	return quote ? NULL : word;
}

/* The number of words, or negative after an error message. */
static int words_split(char *command, char **words)
{
	int n = 0;

	for (;;) {
		command += strspn(command, " \t\r");
		if (!*command || *command == '#')
			return n;
		if (n == WORDS_MAX) {
			usage_error("more than %d words in one command",
				    WORDS_MAX);
			return -1;
		}
		words[n] = word_take(&command);
		if (!words[n]) {
			usage_error("a quotation mark is left open");
			return -1;
		}
		n++;
	}
}

static int command_run(const struct batch *batch, char *command, size_t len,
		       const struct options *opt)
{
	/* Options of a line are for that line only. */
	struct options line = *opt;
	struct args args = {
		.opt = &line,
		.file = batch->name,
		.line = batch->first,
		.data = batch->data
	};
	char *words[WORDS_MAX];

	line.batch = NULL;
	line.force = false;
	/* Or what is behind it would go unread. */
	if (strlen(command) != len)
		return usage_error("a NUL character in a command");
	args.argc = words_split(command, words);
	args.argv = words;
	if (args.argc < 0)
		return XVTI_USAGE;
	return args.argc ? batch->run(&args) : 0;
}

static int commands_run(struct batch *batch, const struct options *opt)
{
	int worst = 0, ret;
	char *command;
	size_t len;

	while ((command = command_read(batch, &len))) {
		ret = command_run(batch, command, len, opt);
		free(command);
		if (!ret)
			continue;
		/* What a line printed comes before what is said about it. */
		fflush(stdout);
		fprintf(stderr, "Command failed %s:%u\n", batch->name,
			batch->first);
		if (ret > worst)
			worst = ret;
		if (!opt->force)
			break;
	}
	return worst;
}

/*
 * Runs each command of file @name, "-" for standard input; @word is to blame
 * where it cannot be read.
 */
int batch_file(const char *word, const char *name, const struct options *opt,
	       int (*run)(struct args *args), void *data)
{
	struct batch batch = {
		.name = name,
		.run = run,
		.data = data,
		.file = stdin
	};
	int ret;

	if (strcmp(name, "-"))
		batch.file = fopen(name, "re");
	if (!batch.file)
		return value_error(word, name, "%s", strerror(errno));
	ret = commands_run(&batch, opt);
	if (batch.error)
		ret = value_error(word, name, "cannot be read: %s",
				  strerror(batch.error));
	if (batch.file != stdin)
		fclose(batch.file);
	free(batch.buf);
	return ret;
}

int batch_run(const struct options *opt, int (*run)(struct args *args))
{
	return batch_file("-b", opt->batch, opt, run, NULL);
}
