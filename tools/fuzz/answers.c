// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel answers to the commands that only look: JSON is valid, text
 * does not act on a terminal, and the lines of export can be read.
 */

#include <string.h>

#include "../args.h"
#include "../batch.h"
#include "../conf.h"
#include "fuzz.h"

enum {
	SHOW,
	SHOW_ONE,
	EXPLAIN,
	EXPLAIN_FROM,
	MONITOR,
	EXPORT,
	DELETE,
	SET,
	COMMANDS
};

/* Words that are bad are the kernel's; that they are words is the tool's. */
static int exported_line(struct args *args)
{
	struct conf conf;
	char *verb;

	must_be(!args_options(args));
	must_be(!args_word(args, &verb) && verb && !strcmp(verb, "add"));
	args->in_command = true;
	conf_parse_add(args, &conf);
	return 0;
}

static void check_export(void)
{
	const char *said;
	char copy[65536];
	struct options opt = { 0 };
	size_t len;

	said = world_said(&len);
	if (!said || len > sizeof(copy))
		return;
	memcpy(copy, said, len);
	world_start(copy, len);
	must_be(!batch_file("-b", "-", &opt, exported_line, NULL));
	must_be(!usage_errors);
	world_end();
}

static void check_said(bool json, bool lines)
{
	const char *said;
	size_t i, len;

	said = world_said(&len);
	if (said && json)
		must_be(!len || json_valid(said, len, lines));
	for (i = 0; said && !json && i < len; i++)
		must_be((unsigned char)said[i] >= 0x20 ? said[i] != 0x7f :
							 said[i] == '\n');
}

static void run_command(int command, const char *j, const char *s,
			const char *d)
{
	switch (command) {
	case SHOW:
		run_tool(4, j, s, d, "show");
		break;
	case SHOW_ONE:
		run_tool(5, j, s, d, "show", "xv0");
		break;
	case EXPLAIN:
		run_tool(5, j, "explain", "xv0", "to", "10.8.0.2");
		break;
	case EXPLAIN_FROM:
		run_tool(7, j, "explain", "xv0", "to", "fd08::2", "from",
			 "fd08::1");
		break;
	case MONITOR:
		run_tool(4, j, s, d, "monitor");
		break;
	case EXPORT:
		run_tool(1, "export");
		break;
	case DELETE:
		run_tool(2, "del", "xv0");
		break;
	case SET:
		run_tool(4, "set", "xv0", "remote", "any");
		break;
	}
}

/* An octet for the command and its options, then records of kernel.c. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int command = size ? *data % COMMANDS : SHOW;
	bool json = size && *data & 0x80;

	kernel_start(data + (size ? 1 : 0), size ? size - 1 : 0);
	world_start(NULL, 0);
	run_command(command, json ? "-j" : NULL,
		    size && *data & 0x40 ? "-s" : NULL,
		    size && *data & 0x20 ? "-d" : NULL);
	world_end();
	check_said(json && command != EXPORT, command == MONITOR);
	if (command == EXPORT)
		check_export();
	return 0;
}
