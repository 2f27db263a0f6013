/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_OUTPUT_H
#define XVTI_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * One call writes a field in whichever form was asked for: as JSON under
 * @key, as text after @lead. A NULL key leaves it out of the JSON, a NULL
 * lead out of the text.
 */
enum color {
	COLOR_NONE,
	COLOR_NAME,
	COLOR_IPV4,
	COLOR_IPV6,
	COLOR_GOOD,
	COLOR_BAD
};

void out_start(bool json, bool pretty);
/* The text after this is coloured; JSON never is. */
void out_start_color(bool color);
void out_colored(const char *key, const char *lead, enum color color,
		 const char *value);
void out_array_open(const char *key);
void out_array_close(void);
void out_object_open(const char *key);
void out_object_close(void);
void out_str(const char *key, const char *lead, const char *value);
void out_item(const char *lead, const char *value);
void out_uint(const char *key, const char *lead, uint64_t value);
void out_int(const char *key, const char *lead, int64_t value);
void out_hex(const char *key, const char *lead, uint32_t value);
void out_bool(const char *key, bool value);
void out_text(const char *text);

#endif
