// SPDX-License-Identifier: GPL-2.0
/*
 * Options and words of a command line. An option may stand wherever a word
 * may, but never in the place of a word's value: "reqid -1" is a bad reqid.
 */

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "report.h"

enum option {
	OPT_JSON,
	OPT_PRETTY,
	OPT_STATS,
	OPT_DETAILS,
	OPT_NETNS,
	OPT_BATCH,
	OPT_FORCE,
	OPT_VERSION,
	OPT_HELP,
	OPT_COLOR,
};

/* Any prefix stands for the option. */
static const struct {
	const char *name;
	enum option option;
	bool first;		/* only before the command */
} options[] = {
	{ "json", OPT_JSON, false },
	{ "pretty", OPT_PRETTY, false },
	{ "statistics", OPT_STATS, false },
	{ "stats", OPT_STATS, false },
	{ "details", OPT_DETAILS, false },
	{ "netns", OPT_NETNS, false },
	{ "color", OPT_COLOR, false },
	{ "batch", OPT_BATCH, true },
	{ "force", OPT_FORCE, true },
	{ "Version", OPT_VERSION, true },
	{ "version", OPT_VERSION, true },
	{ "help", OPT_HELP, true },
};

static char *shift(struct args *args)
{
	args->argc--;
	return *args->argv++;
}

static int option_value(struct args *args, const char *option,
			const char **value)
{
	if (!args->argc)
		return usage_error("option \"%s\": missing argument", option);
	*value = shift(args);
	return 0;
}

/* -color, or -color=always|auto|never */
static int color_apply(struct options *opt, const char *given)
{
	const char *when = strchr(given, '=');

	if (!when || !strcmp(when, "=always"))
		opt->color = true;
	else if (!strcmp(when, "=auto"))
		opt->color = isatty(STDOUT_FILENO);
	else if (!strcmp(when, "=never"))
		opt->color = false;
	else
		return usage_error("option \"%s\": must be always, auto or never",
				   given);
	return 0;
}

static int option_apply(struct args *args, enum option option,
			const char *given)
{
	struct options *opt = args->opt;

	switch (option) {
	case OPT_JSON:
		opt->json = true;
		return 0;
	case OPT_PRETTY:
		opt->pretty = true;
		return 0;
	case OPT_STATS:
		opt->stats = true;
		return 0;
	case OPT_DETAILS:
		opt->details = true;
		return 0;
	case OPT_FORCE:
		opt->force = true;
		return 0;
	case OPT_VERSION:
		opt->version = true;
		return 0;
	case OPT_HELP:
		opt->help = true;
		return 0;
	case OPT_NETNS:
		return option_value(args, given, &opt->netns);
	case OPT_BATCH:
		return option_value(args, given, &opt->batch);
	case OPT_COLOR:
		return color_apply(opt, given);
	}
	return 0;
}

/* Only the colour takes its value behind a "=", as with ip. */
static bool option_is(size_t i, const char *name)
{
	size_t len = strlen(name);

	if (options[i].option == OPT_COLOR)
		len = strcspn(name, "=");
	return len && !strncmp(options[i].name, name, len);
}

static int option_read(struct args *args)
{
	const char *given = shift(args);
	const char *name = given + 1;
	size_t i;

	if (*name == '-')
		name++;
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (!option_is(i, name))
			continue;
		if (options[i].first && args->in_command)
			return usage_error("option \"%s\": must stand before the command",
					   given);
		return option_apply(args, options[i].option, given);
	}
	return usage_error("option \"%s\" is unknown, try \"xvti help\"", given);
}

/* "-" alone is a word, the name of standard input. */
int args_options(struct args *args)
{
	while (args->argc && args->argv[0][0] == '-' && args->argv[0][1]) {
		int ret = option_read(args);

		if (ret)
			return ret;
	}
	return 0;
}

/* The next word, or NULL at the end. */
int args_word(struct args *args, char **word)
{
	int ret = args_options(args);

	*word = !ret && args->argc ? shift(args) : NULL;
	return ret;
}

int args_value(struct args *args, const char *word, char **value)
{
	if (!args->argc)
		return usage_error("%s: missing argument", word);
	*value = shift(args);
	return 0;
}

int args_end(struct args *args)
{
	char *word;
	int ret = args_word(args, &word);

	if (!ret && word)
		return usage_error("\"%s\": unexpected word", word);
	return ret;
}
