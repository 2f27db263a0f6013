// SPDX-License-Identifier: GPL-2.0
/* xvti: sets up and shows route-based IPsec tunnel devices. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "batch.h"
#include "commands.h"
#include "report.h"

/* An abbreviation stands for the first command that it begins. */
static const struct {
	const char *name;
	int (*run)(struct args *args);
	const char *words;
	const char *description;
} commands[] = {
	{ "add", cmd_add, "NAME WORDS", "create and configure a device" },
	{ "delete", cmd_delete, "NAME...", "delete devices" },
	{ "explain", cmd_explain, "NAME to ADDR", "why a packet does or does not get through" },
	{ "export", cmd_export, "[NAME]", "print the commands that rebuild devices" },
	{ "help", cmd_help, "", "print this" },
	{ "load", cmd_load, "[FILE...]", "make devices what files say, /etc/xvti by default" },
	{ "monitor", cmd_monitor, "", "print devices as they change" },
	{ "show", cmd_show, "[NAME]", "show devices; the command if none is given" },
	{ "set", cmd_set, "NAME WORDS", "change the words given, keep the rest" },
	{ "version", cmd_version, "", "print the version" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char words_help[] =
	"WORDS:\n"
	"  local ADDR             outer address of this end\n"
	"  remote ADDR|any        outer address of the peer; any: learned from its SA\n"
	"  reqid N|none           SAs with this reqid belong to the device\n"
	"  mark V[/M]|none        SAs with this mark belong to the device\n"
	"  if_id N|none           SAs with this if_id belong to the device\n"
	"  dev IFNAME|none        lower device, or VRF, of the underlay\n"
	"  mode direct|policy     SAs by the binding, or by the policy database\n"
	"  carrier always|sa      always up, or up while there is a pair of SAs\n"
	"  mtu N|auto             fixed, or exact for the SA in use\n"
	"  queue N                packets that wait for a first SA\n"
	"  netns NAME|PID         move the device there\n"
	"  up                     set the device up\n";

static const char explain_help[] =
	"EXPLAIN:\n"
	"  to ADDR                where the packet is to go\n"
	"  from ADDR              its source; not an address of here: forwarded\n"
	"  iif IFNAME             where it comes in, if not by the route to from\n";

static const char options_help[] =
	"OPTIONS:\n"
	"  -j[son]  -p[retty]  -s[tatistics]  -d[etails]  -n[etns] NAME|PID\n"
	"  -c[olor][=always|auto|never]\n"
	"  before the command only: -b[atch] FILE|-  -f[orce]  -V[ersion]  -h[elp]\n";

int cmd_help(struct args *args)
{
	int ret = args_end(args);
	size_t i;

	if (ret)
		return ret;
	puts("Usage: xvti [OPTIONS] [COMMAND]\n\nCOMMAND:");
	for (i = 0; i < COMMANDS; i++)
		printf("  %-8s %-13s %s\n", commands[i].name,
		       commands[i].words, commands[i].description);
	printf("\n%s\n%s\n%s", words_help, explain_help, options_help);
	return 0;
}

static int version_print(void)
{
	puts("xvti " XVTI_VERSION);
	return 0;
}

int cmd_version(struct args *args)
{
	int ret = args_end(args);

	return ret ? ret : version_print();
}

static int command_find(const char *verb, int (**run)(struct args *args))
{
	size_t i;

	for (i = 0; *verb && i < COMMANDS; i++) {
		if (!strncmp(commands[i].name, verb, strlen(verb))) {
			*run = commands[i].run;
			return 0;
		}
	}
	return usage_error("\"%s\": unknown command, try \"xvti help\"", verb);
}

static int command_run(struct args *args)
{
	int (*run)(struct args *args) = NULL;
	char *verb;
	int ret;

	ret = args_word(args, &verb);
	if (!ret)
		ret = command_find(verb ? verb : "show", &run);
	if (ret)
		return ret;
	args->in_command = true;
	return run(args);
}

/* A batch in a batch would be a way to run in circles. */
static int batch_line(struct args *args)
{
	int ret = args_options(args);

	if (ret)
		return ret;
	if (args->opt->batch || args->opt->force)
		return usage_error("options -batch and -force: not in a batch");
	if (args->opt->version)
		return version_print();
	return command_run(args);
}

static int run(struct args *args)
{
	struct options *opt = args->opt;
	int ret = args_options(args);

	if (ret)
		return ret;
	if (opt->version)
		return version_print();
	if (opt->help) {
		args->argc = 0;
		return cmd_help(args);
	}
	if (!opt->batch)
		return command_run(args);
	ret = args_end(args);
	return ret ? ret : batch_run(opt, batch_line);
}

int main(int argc, char **argv)
{
	struct options opt = { 0 };
	struct args args = {
		.argc = argc > 0 ? argc - 1 : 0,
		.argv = argv + 1,
		.opt = &opt
	};
	int ret = run(&args);

	if (fflush(stdout) || ferror(stdout)) {
		usage_error("cannot write: %s", strerror(errno));
		return ret ? ret : XVTI_USAGE;
	}
	return ret;
}
