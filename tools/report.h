/* SPDX-License-Identifier: GPL-2.0 */
#ifndef XVTI_REPORT_H
#define XVTI_REPORT_H

#include <stdbool.h>
#include <stdio.h>

/* Exit codes, those of iproute2. */
enum {
	XVTI_OK = 0,
	XVTI_USAGE = 1,		/* the command line is wrong */
	XVTI_REFUSED = 2	/* the kernel said no */
};

/* Prints "Error: TEXT." on stderr; returns XVTI_USAGE, for use in a return. */
int usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Prints 'Error: WORD: "VALUE": TEXT.'; returns XVTI_USAGE. */
int value_error(const char *word, const char *value, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* With "?" for control characters, of which none may reach the terminal. */
void print_plain(FILE *file, const char *text);

static inline bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

#endif
