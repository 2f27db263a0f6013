// SPDX-License-Identifier: GPL-2.0
/* The namespaces that one command works in, and what they refuse. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "netns.h"
#include "report.h"
#include "session.h"

int session_open(struct session *session, const struct options *opt)
{
	int fd = -1, ret;

	memset(session, 0, sizeof(*session));
	if (opt->netns) {
		fd = netns_open("-n", opt->netns);
		if (fd < 0)
			return XVTI_USAGE;
	}
	ret = nl_open(&session->nl, fd);
	if (fd >= 0)
		close(fd);
	if (!ret)
		return 0;
	if (opt->netns)
		value_error("-n", opt->netns, "%s", strerror(-ret));
	else
		usage_error("cannot open netlink: %s", strerror(-ret));
	return XVTI_REFUSED;
}

void session_forget(struct session *session)
{
	size_t i;

	for (i = 0; i < session->underlays; i++) {
		if (session->underlay[i]->open)
			nl_close(&session->underlay[i]->nl);
		free(session->underlay[i]);
	}
	free(session->underlay);
	session->underlay = NULL;
	session->underlays = 0;
}

void session_close(struct session *session)
{
	session_forget(session);
	nl_close(&session->nl);
}

static struct underlay *underlay_new(struct session *session, int32_t id)
{
	struct underlay *under = calloc(1, sizeof(*under));
	int fd;

	if (!under)
		return NULL;
	under->id = id;
	under->named = netns_find_id(&session->nl, id, under->spec,
				     sizeof(under->spec));
	if (!under->named)
		return under;
	fd = netns_open("netns", under->spec);
	if (fd >= 0) {
		under->open = !nl_open(&under->nl, fd);
		close(fd);
	}
	return under;
}

struct underlay *session_underlay(struct session *session, int32_t id)
{
	struct underlay **more;
	size_t i;

	for (i = 0; i < session->underlays; i++)
		if (session->underlay[i]->id == id)
			return session->underlay[i];
	more = realloc(session->underlay,
		       (session->underlays + 1) * sizeof(struct underlay *));
	if (!more)
		return NULL;
	session->underlay = more;
	more[session->underlays] = underlay_new(session, id);
	if (!more[session->underlays])
		return NULL;
	return more[session->underlays++];
}

struct nl *session_underlay_of(struct session *session, const struct dev *dev)
{
	struct underlay *under;

	if (!dev_has(dev, XVTI_A_DEV_UNDERLAY_NETNSID))
		return &session->nl;
	under = session_underlay(session, dev->underlay);
	return under && under->open ? &under->nl : NULL;
}

/* The kernel named no word: say all that it was asked to set. */
static void print_given(const struct conf *conf)
{
	const char *separator = "";
	enum word w;

	for (w = 0; w < W_COUNT; w++) {
		if (!conf->given[w] || w == W_NETNS || w == W_UP)
			continue;
		fprintf(stderr, "%s%s \"", separator, word_name(w));
		print_plain(stderr, conf->given[w]);
		separator = "\" ";
	}
	if (*separator)
		fputs("\": ", stderr);
}

static void print_word(enum word word, const struct conf *conf)
{
	if (word == W_NONE) {
		if (conf)
			print_given(conf);
		return;
	}
	fputs(word_name(word), stderr);
	if (conf && conf->given[word] && word != W_UP) {
		fputs(" \"", stderr);
		print_plain(stderr, conf->given[word]);
		fputc('"', stderr);
	}
	fputs(": ", stderr);
}

/* The kernel's words are shown as they are; only a full stop may be added. */
static void print_reason(const struct nl_error *error)
{
	const char *text = error->msg[0] ? error->msg : strerror(error->err);
	enum word missing = word_of_attr(error->missing);
	bool ended = strchr(".!", text[strlen(text) - 1]);

	fputs(text, stderr);
	if (missing != W_NONE)
		fprintf(stderr, " (missing: %s)", word_name(missing));
	fputs(ended && missing == W_NONE ? "\n" : ".\n", stderr);
}

int refused(const struct nl_error *error, const char *name,
	    const struct conf *conf, enum word step)
{
	enum word word = word_of_attr(error->attr);

	fputs("Error: ", stderr);
	if (name) {
		print_plain(stderr, name);
		fputs(": ", stderr);
	}
	if (error->no_module) {
		fputs("the xvti module is not loaded, try \"modprobe xvti\".\n",
		      stderr);
		return XVTI_REFUSED;
	}
	print_word(word != W_NONE ? word : step, conf);
	print_reason(error);
	return XVTI_REFUSED;
}
