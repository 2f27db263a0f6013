// SPDX-License-Identifier: GPL-2.0
/*
 * argv to struct conf. Whatever can be known without the kernel is refused
 * here, with the value and the word it belongs to.
 */

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/xvti.h>

#include "args.h"
#include "conf.h"
#include "report.h"

#define MTU_MIN 576
#define MTU_MAX 65535

size_t addr_len(const struct addr *addr)
{
	return addr->family == AF_INET6 ? 16 : addr->family ? 4 : 0;
}

bool addr_is_any(const struct addr *addr)
{
	static const uint8_t zero[16];

	return !memcmp(addr->bytes, zero, addr_len(addr));
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family &&
	       !memcmp(a->bytes, b->bytes, addr_len(a));
}

const char *addr_format(const struct addr *addr, char *buf, size_t size)
{
	if (!addr->family || !inet_ntop(addr->family, addr->bytes, buf, size))
		return "none";
	return buf;
}

bool addr_parse(const char *s, struct addr *addr)
{
	addr->family = strchr(s, ':') ? AF_INET6 : AF_INET;
	return inet_pton(addr->family, s, addr->bytes) == 1;
}

/* Why an address is not that of one host, or NULL. */
const char *addr_unfit(const struct addr *addr)
{
	static const uint8_t bcast[4] = { 255, 255, 255, 255 };
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (addr_is_any(addr))
		return "is unspecified";
	if (addr->family == AF_INET) {
		if (!memcmp(addr->bytes, bcast, sizeof(bcast)))
			return "is the broadcast address";
		return (addr->bytes[0] & 0xf0) == 0xe0 ? "is multicast" : NULL;
	}
	if (!memcmp(addr->bytes, mapped, sizeof(mapped)))
		return "is an IPv4 address in IPv6 form, write it as IPv4";
	return addr->bytes[0] == 0xff ? "is multicast" : NULL;
}

/* As the kernel's dev_valid_name(), which ip checks in part. */
int name_check(const char *word, const char *name)
{
	const char *p;

	if (!*name)
		return value_error(word, name, "is an empty name");
	if (strlen(name) >= IFNAMSIZ)
		return value_error(word, name, "is longer than %d characters",
				   IFNAMSIZ - 1);
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return value_error(word, name, "is not a device name");
	for (p = name; *p; p++)
		if (*p == '/' || *p == ':' || isspace((unsigned char)*p))
			return value_error(word, name,
					   "must not contain \"/\", \":\" or white space");
	return 0;
}

/* The rest of a command that takes the name of a device, or none. */
int name_only(struct args *args, char **name)
{
	int ret = args_word(args, name);

	if (!ret && *name)
		ret = name_check("name", *name);
	return ret ? ret : args_end(args);
}

/* strtoul alone takes signs, leading spaces and, on 64 bit, too much. */
static bool number_parse(const char *s, uint32_t *number)
{
	unsigned long long n;
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	n = strtoull(s, &end, 0);
	if (*end || errno || n > UINT32_MAX)
		return false;
	*number = (uint32_t)n;
	return true;
}

static int endpoint_parse(enum word word, const char *s, struct addr *addr)
{
	const char *why;

	if (strchr(s, '%'))
		return value_error(word_name(word), s,
				   "takes no scope, name the interface with dev");
	if (!addr_parse(s, addr))
		return value_error(word_name(word), s,
				   "is not an IPv4 or IPv6 address");
	why = addr_unfit(addr);
	if (why)
		return value_error(word_name(word), s, "%s%s", why,
				   word == W_REMOTE && addr_is_any(addr) ?
				   ", write \"any\" for a peer to be learned" : "");
	return 0;
}

static int remote_parse(const char *s, struct conf *conf)
{
	if (!strcmp(s, "any")) {
		conf->remote_any = true;
		return 0;
	}
	return endpoint_parse(W_REMOTE, s, &conf->remote);
}

/* reqid and if_id: 0 is the kernel's "none" and never a value. */
static int id_parse(enum word word, const char *s, uint32_t *id)
{
	*id = 0;
	if (!strcmp(s, "none"))
		return 0;
	if (!number_parse(s, id) || !*id)
		return value_error(word_name(word), s,
				   "must be 1 to 4294967295");
	return 0;
}

static int mark_parse(const char *s, struct conf *conf)
{
	const char *slash = strchr(s, '/');
	char value[16];
	size_t len = slash ? (size_t)(slash - s) : strlen(s);

	conf->mark = 0;
	conf->mark_mask = 0;
	if (!strcmp(s, "none"))
		return 0;
	if (len >= sizeof(value))
		return value_error("mark", s, "must be VALUE or VALUE/MASK");
	memcpy(value, s, len);
	value[len] = '\0';
	conf->mark_mask = UINT32_MAX;
	if (!number_parse(value, &conf->mark) ||
	    (slash && !number_parse(slash + 1, &conf->mark_mask)))
		return value_error("mark", s,
				   "must be VALUE or VALUE/MASK, each 0 to 0xffffffff");
	if (!conf->mark_mask)
		return value_error("mark", s, "the mask must not be 0");
	if (conf->mark & ~conf->mark_mask)
		return value_error("mark", s,
				   "the value has bits outside the mask");
	return 0;
}

static int dev_parse(const char *s, struct conf *conf)
{
	int ret;

	if (!strcmp(s, "none"))
		return 0;
	ret = name_check("dev", s);
	if (ret)
		return ret;
	if (!strcmp(s, conf->name))
		return value_error("dev", s, "is the device itself");
	strcpy(conf->dev, s);
	return 0;
}

static int mode_parse(const char *s, struct conf *conf)
{
	if (!strcmp(s, "direct"))
		conf->mode = XVTI_MODE_DIRECT;
	else if (!strcmp(s, "policy"))
		conf->mode = XVTI_MODE_POLICY;
	else
		return value_error("mode", s, "must be direct or policy");
	return 0;
}

static int carrier_parse(const char *s, struct conf *conf)
{
	if (!strcmp(s, "always"))
		conf->carrier = XVTI_CARRIER_ALWAYS;
	else if (!strcmp(s, "sa"))
		conf->carrier = XVTI_CARRIER_SA;
	else
		return value_error("carrier", s, "must be always or sa");
	return 0;
}

static int mtu_parse(const char *s, struct conf *conf)
{
	conf->mtu = 0;
	if (!strcmp(s, "auto"))
		return 0;
	if (!number_parse(s, &conf->mtu) ||
	    conf->mtu < MTU_MIN || conf->mtu > MTU_MAX)
		return value_error("mtu", s, "must be auto or %d to %d",
				   MTU_MIN, MTU_MAX);
	return 0;
}

static int queue_parse(const char *s, struct conf *conf)
{
	if (!number_parse(s, &conf->queue) || conf->queue > XVTI_QUEUE_MAX)
		return value_error("queue", s, "must be 0 to %d",
				   XVTI_QUEUE_MAX);
	return 0;
}

static int value_parse(enum word word, const char *s, struct conf *conf)
{
	switch (word) {
	case W_LOCAL:
		return endpoint_parse(word, s, &conf->local);
	case W_REMOTE:
		return remote_parse(s, conf);
	case W_REQID:
		return id_parse(word, s, &conf->reqid);
	case W_MARK:
		return mark_parse(s, conf);
	case W_IF_ID:
		return id_parse(word, s, &conf->if_id);
	case W_DEV:
		return dev_parse(s, conf);
	case W_MODE:
		return mode_parse(s, conf);
	case W_CARRIER:
		return carrier_parse(s, conf);
	case W_MTU:
		return mtu_parse(s, conf);
	case W_QUEUE:
		return queue_parse(s, conf);
	default:
		return *s ? 0 : value_error(word_name(word), s, "is an empty name");
	}
}

/* The word that @s is or abbreviates. */
static int word_find(const char *s, enum word *word)
{
	enum word found = W_NONE, w;

	for (w = 0; w < W_COUNT; w++) {
		if (!*s || strncmp(word_name(w), s, strlen(s)))
			continue;
		if (found != W_NONE)
			return usage_error("\"%s\": is short for both %s and %s",
					   s, word_name(found), word_name(w));
		found = w;
	}
	if (found == W_NONE)
		return usage_error("\"%s\": unknown word, try \"xvti help\"", s);
	*word = found;
	return 0;
}

static int word_parse(struct args *args, const char *s, struct conf *conf)
{
	static char nothing[1];
	char *value = nothing;
	enum word word = W_NONE;
	int ret;

	ret = word_find(s, &word);
	if (ret)
		return ret;
	if (word != W_UP) {
		ret = args_value(args, word_name(word), &value);
		if (ret)
			return ret;
	}
	if (conf->given[word])
		return word == W_UP ? usage_error("up: given twice") :
				      value_error(word_name(word), value,
						  "given twice");
	conf->given[word] = value;
	return word == W_UP ? 0 : value_parse(word, value, conf);
}

static int words_parse(struct args *args, struct conf *conf, const char *verb)
{
	char *s;
	int ret;

	memset(conf, 0, sizeof(*conf));
	ret = args_word(args, &s);
	if (ret)
		return ret;
	if (!s)
		return usage_error("%s: missing device name", verb);
	ret = name_check("name", s);
	if (ret)
		return ret;
	strcpy(conf->name, s);

	while (!(ret = args_word(args, &s)) && s) {
		ret = word_parse(args, s, conf);
		if (ret)
			return ret;
	}
	return ret;
}

/* "any" takes the family of local, which may come later on the line. */
static int endpoints_match(struct conf *conf)
{
	if (conf->remote_any && conf->local.family)
		conf->remote.family = conf->local.family;
	if (conf->local.family && conf->remote.family &&
	    conf->local.family != conf->remote.family)
		return value_error("remote", conf->given[W_REMOTE],
				   "is not of the address family of local \"%s\"",
				   conf->given[W_LOCAL]);
	return 0;
}

int conf_parse_add(struct args *args, struct conf *conf)
{
	int ret = words_parse(args, conf, "add");

	if (ret)
		return ret;
	/* The kernel would make a name of its own out of it. */
	if (strchr(conf->name, '%'))
		return value_error("name", conf->name, "must not contain \"%%\"");
	if (!conf->given[W_LOCAL])
		return value_error("name", conf->name, "needs a local address");
	if (!conf->given[W_REMOTE])
		return value_error("name", conf->name,
				   "needs a remote address, or remote any");
	if (!conf->reqid && !conf->mark_mask && !conf->if_id)
		return value_error("name", conf->name,
				   "needs a binding: reqid, mark or if_id");
	return endpoints_match(conf);
}

int conf_parse_set(struct args *args, struct conf *conf)
{
	int ret = words_parse(args, conf, "set");
	enum word w;

	if (ret)
		return ret;
	for (w = 0; w < W_COUNT; w++)
		if (conf->given[w])
			return endpoints_match(conf);
	return value_error("name", conf->name, "set without a word to set");
}
