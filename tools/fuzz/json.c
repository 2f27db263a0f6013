// SPDX-License-Identifier: GPL-2.0
/* Whether a text is JSON (RFC 8259), by a parser that shares nothing with the
 * tool.
 */

#include <string.h>

#include "fuzz.h"

#define DEPTH_MAX 16

struct text {
	const unsigned char *s;
	const unsigned char *end;
};

static bool value(struct text *t, int depth);

static void space(struct text *t)
{
	while (t->s < t->end && strchr(" \t\n\r", *t->s) && *t->s)
		t->s++;
}

static bool take(struct text *t, int c)
{
	if (t->s == t->end || *t->s != c)
		return false;
	t->s++;
	return true;
}

static bool literal(struct text *t, const char *word)
{
	for (; *word; word++)
		if (!take(t, *word))
			return false;
	return true;
}

static bool escape(struct text *t)
{
	int i;

	if (t->s == t->end)
		return false;
	if (*t->s != 'u')
		return *t->s && strchr("\"\\/bfnrt", *t->s++);
	for (t->s++, i = 0; i < 4; i++, t->s++)
		if (t->s == t->end || !*t->s ||
		    !strchr("0123456789abcdefABCDEF", *t->s))
			return false;
	return true;
}

/* The smallest character of its length, to tell one that is too long. */
static bool utf8(struct text *t, unsigned int c)
{
	static const unsigned int least[] = { 0, 0x80, 0x800, 0x10000 };
	int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1, i;

	if (c < 0xc0 || c > 0xf7)
		return false;
	c &= 0x3f >> more;
	for (i = 0; i < more; i++, t->s++) {
		if (t->s == t->end || (*t->s & 0xc0) != 0x80)
			return false;
		c = c << 6 | (*t->s & 0x3f);
	}
	return c >= least[more] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

static bool string(struct text *t)
{
	if (!take(t, '"'))
		return false;
	while (t->s < t->end) {
		unsigned char c = *t->s++;

		if (c == '"')
			return true;
		if (c < 0x20 || (c == '\\' && !escape(t)) ||
		    (c >= 0x80 && !utf8(t, c)))
			return false;
	}
	return false;
}

static bool number(struct text *t)
{
	const unsigned char *first;

	take(t, '-');
	first = t->s;
	while (t->s < t->end && *t->s >= '0' && *t->s <= '9')
		t->s++;
	return t->s > first && (*first != '0' || t->s == first + 1);
}

static bool list(struct text *t, int end, bool keys, int depth)
{
	space(t);
	if (take(t, end))
		return true;
	do {
		space(t);
		if (keys) {
			if (!string(t))
				return false;
			space(t);
			if (!take(t, ':'))
				return false;
		}
		if (!value(t, depth))
			return false;
		space(t);
	} while (take(t, ','));
	return take(t, end);
}

static bool value(struct text *t, int depth)
{
	space(t);
	if (t->s == t->end || depth > DEPTH_MAX)
		return false;
	switch (*t->s) {
	case '{':
		t->s++;
		return list(t, '}', true, depth + 1);
	case '[':
		t->s++;
		return list(t, ']', false, depth + 1);
	case '"':
		return string(t);
	case 't':
		return literal(t, "true");
	case 'f':
		return literal(t, "false");
	default:
		return number(t);
	}
}

/* One value and a newline; with @lines any number of those. */
bool json_valid(const char *s, size_t len, bool lines)
{
	struct text t = { (const void *)s, (const void *)(s + len) };

	while (t.s < t.end) {
		if (!value(&t, 0) || !take(&t, '\n'))
			return false;
		if (!lines)
			break;
	}
	return t.s == t.end;
}
