// SPDX-License-Identifier: GPL-2.0
/* Errors that the tool finds by itself. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "report.h"

void print_plain(FILE *file, const char *text)
{
	for (; *text; text++)
		fputc(is_control(*text) ? '?' : *text, file);
}

static void error_format(const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		return;
	print_plain(stderr, text);
	free(text);
}

int usage_error(const char *fmt, ...)
{
	va_list ap;

	fputs("Error: ", stderr);
	va_start(ap, fmt);
	error_format(fmt, ap);
	va_end(ap);
	fputs(".\n", stderr);
	return XVTI_USAGE;
}

int value_error(const char *word, const char *value, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "Error: %s: \"", word);
	print_plain(stderr, value);
	fputs("\": ", stderr);
	va_start(ap, fmt);
	error_format(fmt, ap);
	va_end(ap);
	fputs(".\n", stderr);
	return XVTI_USAGE;
}
