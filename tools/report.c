// SPDX-License-Identifier: GPL-2.0
/* Errors that the tool finds by itself. */

#include <stdarg.h>
#include <stdio.h>

#include "report.h"

int usage_error(const char *fmt, ...)
{
	va_list ap;

	fputs("Error: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs(".\n", stderr);
	return XVTI_USAGE;
}

int value_error(const char *word, const char *value, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "Error: %s: \"%s\": ", word, value);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs(".\n", stderr);
	return XVTI_USAGE;
}
