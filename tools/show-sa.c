// SPDX-License-Identifier: GPL-2.0
/* The SAs that a device uses, as show tells them. */

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "args.h"
#include "exchange.h"
#include "output.h"
#include "show-sa.h"

static const char *span_text(uint64_t seconds, char *buf, size_t size)
{
	if (seconds < 60)
		snprintf(buf, size, "%" PRIu64 "s", seconds);
	else if (seconds < 3600)
		snprintf(buf, size, "%" PRIu64 "m %" PRIu64 "s", seconds / 60,
			 seconds % 60);
	else if (seconds < 86400)
		snprintf(buf, size, "%" PRIu64 "h %" PRIu64 "m",
			 seconds / 3600, seconds / 60 % 60);
	else
		snprintf(buf, size, "%" PRIu64 "d %" PRIu64 "h",
			 seconds / 86400, seconds / 3600 % 24);
	return buf;
}

const char *age_text(uint64_t then, char *buf, size_t size)
{
	uint64_t now = (uint64_t)time(NULL);

	/* A clock that was set back makes no sense of it. */
	return span_text(now > then ? now - then : 0, buf, size);
}

static void show_times(const struct state *sa)
{
	uint64_t age = (uint64_t)time(NULL) - sa->added;
	char text[64];

	out_uint("added", NULL, sa->added);
	out_str(NULL, ", ", age_text(sa->added, text, sizeof(text)));
	out_text(" old");
	if (sa->soft && sa->soft > age)
		out_str(NULL, ", rekey in ",
			span_text(sa->soft - age, text, sizeof(text)));
	if (sa->hard && sa->hard > age)
		out_str(NULL, ", ends in ",
			span_text(sa->hard - age, text, sizeof(text)));
}

static const char *proto_name(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_ESP:
		return "esp";
	case IPPROTO_AH:
		return "ah";
	case IPPROTO_COMP:
		return "comp";
	default:
		return "unknown";
	}
}

static void show_sa(const struct state *sa, bool out)
{
	char spi[16];

	snprintf(spi, sizeof(spi), "0x%08x", sa->spi);
	out_object_open(NULL);
	out_str("dir", NULL, out ? "out" : "in");
	out_str("proto", out ? "\n      out    " : "\n      in     ",
		proto_name(sa->proto));
	out_str("spi", " spi ", spi);
	if (sa->algo[0])
		out_str("algo", " ", sa->algo);
	if (sa->udp)
		out_text(" in UDP");
	out_bool("udp", sa->udp);
	show_times(sa);
	out_uint("bytes", ", ", sa->bytes);
	out_uint("packets", " bytes ", sa->packets);
	out_text(" packets");
	out_object_close();
}

/* Those of a namespace that cannot be read are none. */
const struct states *states_find(struct states_view *view, struct nl *nl)
{
	struct states_of *more;
	size_t i;

	for (i = 0; i < view->count; i++)
		if (view->of[i].nl == nl)
			return &view->of[i].states;
	more = array_grow(view->of, view->count, sizeof(*more));
	if (!more)
		return NULL;
	view->of = more;
	more[view->count].nl = nl;
	states_get(nl, &more[view->count].states);
	return &more[view->count++].states;
}

void show_sas(struct session *session, const struct dev *dev,
	      struct states_view *view)
{
	struct nl *under = session_underlay_of(session, dev);
	const struct states *sas = under ? states_find(view, under) : NULL;
	size_t i;

	if (!sas)
		return;
	out_array_open("sas");
	for (i = 0; i < sas->count; i++) {
		const struct state *sa = &sas->state[i];

		if (state_out_of(sa, dev))
			show_sa(sa, true);
		else if (state_in_of(sa, dev))
			show_sa(sa, false);
	}
	out_array_close();
}

void states_view_free(struct states_view *view)
{
	while (view->count)
		states_free(&view->of[--view->count].states);
	free(view->of);
	view->of = NULL;
}
