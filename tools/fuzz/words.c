// SPDX-License-Identifier: GPL-2.0
/*
 * The values of words: what is accepted means the same when it is written out
 * and read again, and is in the range that the manual page has.
 */

#include <arpa/inet.h>
#include <linux/xvti.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../args.h"
#include "../conf.h"
#include "fuzz.h"

#define VALUE_MAX 300

static int parse(enum word word, char *value, struct conf *conf)
{
	char name[] = "xv0", said[16];
	char *argv[3] = { name, said, value };
	struct options opt = { 0 };
	struct args args = {
		.argc = 3, .argv = argv, .opt = &opt, .in_command = true
	};

	snprintf(said, sizeof(said), "%s", word_name(word));
	return conf_parse_set(&args, conf);
}

static void write_out(enum word word, const struct conf *conf, char *value,
		      size_t size)
{
	if (word == W_LOCAL)
		addr_format(&conf->local, value, size);
	else if (word == W_REMOTE && !conf->remote_any)
		addr_format(&conf->remote, value, size);
	else if (word == W_REQID && conf->reqid)
		snprintf(value, size, "%u", conf->reqid);
	else if (word == W_IF_ID && conf->if_id)
		snprintf(value, size, "%u", conf->if_id);
	else if (word == W_MARK && conf->mark_mask)
		snprintf(value, size, "0x%x/0x%x", conf->mark,
			 conf->mark_mask);
	else if (word == W_MTU && conf->mtu)
		snprintf(value, size, "%u", conf->mtu);
	else if (word == W_QUEUE)
		snprintf(value, size, "%u", conf->queue);
}

static void check_range(const struct conf *conf)
{
	must_be(!(conf->mark & ~conf->mark_mask));
	must_be(!conf->mtu || (conf->mtu >= 576 && conf->mtu <= 65535));
	must_be(conf->queue <= XVTI_QUEUE_MAX);
	must_be(!conf->local.family || !addr_unfit(&conf->local));
	must_be(!conf->remote.family || !addr_unfit(&conf->remote));
	must_be(conf->mode <= XVTI_MODE_POLICY);
	must_be(conf->carrier <= XVTI_CARRIER_SA);
	must_be(memchr(conf->dev, '\0', sizeof(conf->dev)));
}

static void check(enum word word, char *value)
{
	struct conf first, again;

	if (parse(word, value, &first))
		return;
	check_range(&first);
	write_out(word, &first, value, VALUE_MAX);
	must_be(!parse(word, value, &again));
	memset(first.given, 0, sizeof(first.given));
	memset(again.given, 0, sizeof(again.given));
	must_be(!memcmp(&first, &again, sizeof(first)));
}

/* An octet for the word, then the value. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char value[VALUE_MAX];

	if (!size || size >= VALUE_MAX)
		return 0;
	memcpy(value, data + 1, size - 1);
	value[size - 1] = '\0';
	world_start(NULL, 0);
	check(*data % W_UP, value);
	world_end();
	return 0;
}
