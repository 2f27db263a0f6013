// SPDX-License-Identifier: GPL-2.0
/*
 * Any octets as a string: as JSON they stay valid, whatever they are, and as
 * text they do not act on a terminal.
 */

#include <stdlib.h>
#include <string.h>

#include "../output.h"
#include "fuzz.h"

static void write_strings(const char *s)
{
	out_array_open(NULL);
	out_object_open(NULL);
	out_str(s, s, s);
	out_colored("name", " ", COLOR_NAME, s);
	out_array_open("list");
	out_item(" ", s);
	out_item(" ", s);
	out_array_close();
	out_object_close();
	out_array_close();
}

static void check_json(const char *s, bool pretty)
{
	const char *said;
	size_t len;

	world_start(NULL, 0);
	out_start(true, pretty);
	out_start_color(true);
	write_strings(s);
	world_end();
	said = world_said(&len);
	must_be(!said || json_valid(said, len, false));
}

static void check_text(const char *s)
{
	const char *said;
	size_t i, len;

	world_start(NULL, 0);
	out_start(false, false);
	out_str("key", "", s);
	out_item(" ", s);
	world_end();
	said = world_said(&len);
	for (i = 0; said && i < len; i++)
		must_be((unsigned char)said[i] >= 0x20 && said[i] != 0x7f);
	must_be(!said || len == 2 * strlen(s) + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1);

	must_be(s);
	memcpy(s, data, size);
	s[size] = '\0';
	check_json(s, false);
	check_json(s, true);
	check_text(s);
	free(s);
	return 0;
}
