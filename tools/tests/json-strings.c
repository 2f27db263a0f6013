// SPDX-License-Identifier: GPL-2.0
/* Writes what the JSON writer has to get right; json.sh reads it back. */

#include <stddef.h>

#include "../output.h"

static void write_all(void)
{
	out_array_open(NULL);
	out_object_open(NULL);
	out_str("plain", "", "xv0");
	out_str("quoted", " ", "a\"b\\c");
	out_str("control", " ", "\x01\x1b\x7f\t");
	out_str("utf8", " ", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	out_str("bad", " ", "a\xff\xc3(\xc0\x80\xed\xa0\x80\xf5z");
	out_str("cut", " ", "a\xe2\x82");
	out_str(NULL, " ", "text only");
	out_str("json only", NULL, "yes");
	out_uint("max", " ", UINT64_MAX);
	out_int("min", " ", -1);
	out_hex("hex", " ", 0xffffffff);
	out_bool("no", false);
	out_object_open("nested");
	out_object_close();
	out_array_open("list");
	out_object_open(NULL);
	out_object_close();
	out_object_open(NULL);
	out_bool("yes", true);
	out_object_close();
	out_item(" ", "item \"1\"");
	out_item(" ", "\x1b");
	out_array_close();
	out_object_close();
	out_array_close();
	out_text("\n");
}

/* Text, JSON and pretty JSON by the number of arguments. */
int main(int argc, char **argv)
{
	(void)argv;
	out_start(argc > 1, argc > 2);
	write_all();
	return 0;
}
