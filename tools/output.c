// SPDX-License-Identifier: GPL-2.0
/* Text and JSON from one set of calls. */

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "output.h"

static struct {
	bool json;
	bool pretty;
	bool empty;		/* nothing yet in the innermost container */
	int depth;
	bool color;
} out;

void out_start(bool json, bool pretty)
{
	out.json = json;
	out.pretty = pretty;
	out.empty = true;
	out.depth = 0;
	out.color = false;
}

static void newline(void)
{
	int i;

	if (!out.pretty)
		return;
	putchar('\n');
	for (i = 0; i < out.depth; i++)
		putchar('\t');
}

/* Length of the UTF-8 sequence at @s, 0 if it is none (RFC 3629). */
static int utf8_len(const unsigned char *s)
{
	int len, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

/* A device name is any bytes; JSON is UTF-8. */
static void json_string(const char *value)
{
	const unsigned char *s = (const unsigned char *)value;
	int len;

	putchar('"');
	for (; *s; s += len ? len : 1) {
		len = utf8_len(s);
		if (!len)
			fputs("\\ufffd", stdout);
		else if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			printf("\\u%04x", *s);
		else
			printf("%.*s", len, (const char *)s);
	}
	putchar('"');
}

/* No control character of a name may reach the terminal. */
static void text_string(const char *value)
{
	const unsigned char *s;

	for (s = (const unsigned char *)value; *s; s++)
		putchar(*s < 0x20 || *s == 0x7f ? '?' : *s);
}

static void json_key(const char *key)
{
	if (!out.empty)
		putchar(',');
	out.empty = false;
	if (out.depth)
		newline();
	if (!key)
		return;
	json_string(key);
	putchar(':');
	if (out.pretty)
		putchar(' ');
}

static void container_open(const char *key, char c)
{
	if (!out.json)
		return;
	json_key(key);
	putchar(c);
	out.empty = true;
	out.depth++;
}

static void container_close(char c)
{
	if (!out.json)
		return;
	out.depth--;
	if (!out.empty)
		newline();
	putchar(c);
	out.empty = false;
	if (!out.depth) {
		putchar('\n');
		out.empty = true;
	}
}

void out_array_open(const char *key)
{
	container_open(key, '[');
}

void out_array_close(void)
{
	container_close(']');
}

void out_object_open(const char *key)
{
	container_open(key, '{');
}

void out_object_close(void)
{
	container_close('}');
}

/* True if a value is to follow. */
static bool field(const char *key, const char *lead)
{
	if (out.json) {
		if (key)
			json_key(key);
		return key != NULL;
	}
	if (lead)
		fputs(lead, stdout);
	return lead != NULL;
}

void out_str(const char *key, const char *lead, const char *value)
{
	if (!field(key, lead))
		return;
	if (out.json)
		json_string(value);
	else
		text_string(value);
}

void out_start_color(bool color)
{
	out.color = color && !out.json;
}

/* As ip has them on a light background. */
static const char *color_code(enum color color)
{
	static const char *const codes[] = {
		[COLOR_NONE] = "",
		[COLOR_NAME] = "\033[36m",
		[COLOR_IPV4] = "\033[35m",
		[COLOR_IPV6] = "\033[34m",
		[COLOR_GOOD] = "\033[32m",
		[COLOR_BAD] = "\033[31m"
	};

	return out.color ? codes[color] : "";
}

/* As out_str(), the value in colour. */
void out_colored(const char *key, const char *lead, enum color color,
		 const char *value)
{
	if (!field(key, lead))
		return;
	if (out.json) {
		json_string(value);
		return;
	}
	fputs(color_code(color), stdout);
	text_string(value);
	if (out.color && color != COLOR_NONE)
		fputs("\033[0m", stdout);
}

/* An element of an array, which has no key. */
void out_item(const char *lead, const char *value)
{
	if (out.json) {
		json_key(NULL);
		json_string(value);
		return;
	}
	fputs(lead, stdout);
	text_string(value);
}

void out_uint(const char *key, const char *lead, uint64_t value)
{
	if (field(key, lead))
		printf("%" PRIu64, value);
}

void out_int(const char *key, const char *lead, int64_t value)
{
	if (field(key, lead))
		printf("%" PRId64, value);
}

/* Marks and if_ids read best in hexadecimal, which JSON has not. */
void out_hex(const char *key, const char *lead, uint32_t value)
{
	if (field(key, lead))
		printf(out.json ? "%" PRIu32 : "0x%" PRIx32, value);
}

/* Text says yes or no in words of its own, by out_text(). */
void out_bool(const char *key, bool value)
{
	if (field(key, NULL))
		fputs(value ? "true" : "false", stdout);
}

void out_text(const char *text)
{
	if (!out.json)
		fputs(text, stdout);
}
