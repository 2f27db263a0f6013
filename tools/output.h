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
void out_start(bool json, bool pretty);
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
