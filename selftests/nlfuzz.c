// SPDX-License-Identifier: GPL-2.0
/*
 * nlfuzz - messages that nobody would send to the xvti netlink family
 *
 * usage: nlfuzz [-s SEED] [-n MESSAGES] [-t] DEVICE...
 *
 * Sends messages of the structure that the specification gives, sound ones,
 * some with a flaw and some that are noise, and looks at each answer: it is as
 * the specification says, and what was refused has changed nothing. The same
 * seed sends the same messages, but for indices of devices. Prints what was
 * accepted and refused of each attribute; with -t there are up to eight times as
 * many, until each was both, and the exit code is 1 if one was not. The attributes
 * are checked against the specification by tools/tests/spec-drift.sh.
 */

#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum kind { NONE, U8, U32, U64, STRING, ADDRESS, NEST };

/* In a request of dev-get, or of dev-set. */
enum { GET = 1, SET = 2 };

struct field {
	const char *name;
	enum kind kind;
	int requests;
};

/* By their numbers. */
static const struct field fields[] = {
	{ "pad", NONE, 0 },
	{ "ifindex", U32, GET | SET },
	{ "ifname", STRING, GET | SET },
	{ "underlay-netnsid", U32, 0 },
	{ "local", ADDRESS, SET },
	{ "remote", ADDRESS, SET },
	{ "reqid", U32, SET },
	{ "mark", U32, SET },
	{ "mark-mask", U32, SET },
	{ "if-id", U32, SET },
	{ "link", U32, SET },
	{ "mode", U32, SET },
	{ "carrier", U32, SET },
	{ "mtu", U32, SET },
	{ "mtu-source", U32, 0 },
	{ "lower-mtu", U32, 0 },
	{ "queue", U32, SET },
	{ "running", U8, 0 },
	{ "sa-out", U32, 0 },
	{ "sa-in", U32, 0 },
	{ "peer", ADDRESS, 0 },
	{ "peer-reqid", U32, 0 },
	{ "stats", NEST, 0 },
	{ "since", U64, 0 },
	{ "drop-reason", U32, 0 },
	{ "drop-time", U64, 0 },
};

#define COUNT(x)	(sizeof(x) / sizeof((x)[0]))
#define FIELDS		COUNT(fields)

/* What is sent needs numbers; the rest goes by the table alone. */
enum {
	IFINDEX = 1, IFNAME, LOCAL = 4, REMOTE, REQID, MARK, MARK_MASK, IF_ID,
	LINK, MODE, CARRIER, MTU, MTU_SOURCE, QUEUE = 16,
};

enum { CMD_GET = 1, CMD_SET, CMD_NTF };

#define SOURCE_USER	0
#define MAX_DEVICES	16
#define REPLY_MAX	65536

struct message {
	union {
		struct nlmsghdr nlh;
		char data[4096];
	};
	size_t len;		/* of what is sent, whatever the header says */
	int device;		/* that is meant, -1 if nobody knows */
};

struct config {
	bool known;
	size_t len[FIELDS];
	unsigned char value[FIELDS][16];
};

static char **devices;
static int n_devices;
static struct config configs[MAX_DEVICES];
static uint32_t indices[MAX_DEVICES];
static int family, route, events;
static uint32_t group, seq;
static uint64_t state;
static bool counted = true;
static unsigned long sent, accepted[CMD_NTF], refused[CMD_NTF], silent, dumped,
	links, heard, sound[CMD_NTF][FIELDS], flawed[CMD_NTF][FIELDS], wrong;
static char reply[REPLY_MAX] __attribute__((aligned(8)));

/* --- numbers -------------------------------------------------------------- */

/* xorshift64* */
static uint32_t rnd(uint32_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1dULL) >> 32) % below;
}

static bool one_in(uint32_t n)
{
	return !rnd(n);
}

#define PICK(list)	((list)[rnd(COUNT(list))])

/* --- messages ------------------------------------------------------------- */

static void start(struct message *msg, int type, int flags)
{
	memset(&msg->nlh, 0, sizeof(msg->nlh));
	msg->nlh.nlmsg_type = type;
	msg->nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	msg->nlh.nlmsg_seq = ++seq;
	msg->len = NLMSG_HDRLEN;
	msg->device = -1;
}

static void put(struct message *msg, int type, const void *data, size_t len)
{
	struct nlattr nla = { .nla_len = NLA_HDRLEN + len, .nla_type = type };

	if (msg->len + NLA_HDRLEN + NLA_ALIGN(len) > sizeof(msg->data))
		return;
	memcpy(msg->data + msg->len, &nla, sizeof(nla));
	memset(msg->data + msg->len + NLA_HDRLEN, 0, NLA_ALIGN(len));
	memcpy(msg->data + msg->len + NLA_HDRLEN, data, len);
	msg->len += NLA_HDRLEN + NLA_ALIGN(len);
}

static void put_u32(struct message *msg, int type, uint32_t value)
{
	put(msg, type, &value, sizeof(value));
}

static void start_genl(struct message *msg, int cmd, int flags)
{
	struct genlmsghdr genl = { .cmd = cmd, .version = 1 };

	start(msg, family, flags);
	memcpy(msg->data + msg->len, &genl, sizeof(genl));
	msg->len += GENL_HDRLEN;
}

/* The index of a device, 0 if there is none. For if_nametoindex() of a name that
 * is not there the kernel runs modprobe, which takes longer than all of the rest.
 */
static uint32_t index_of(const char *name)
{
	struct ifinfomsg ifi = { 0 };
	struct nlmsghdr *nlh;
	struct message msg;
	uint32_t index = 0;
	ssize_t len;

	start(&msg, RTM_GETLINK, 0);
	memcpy(msg.data + msg.len, &ifi, sizeof(ifi));
	msg.len += NLMSG_ALIGN(sizeof(ifi));
	put(&msg, IFLA_IFNAME, name, strlen(name) + 1);
	put_u32(&msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	msg.nlh.nlmsg_len = msg.len;
	if (send(route, msg.data, msg.len, 0) < 0)
		err(2, "rtnetlink");
	while ((len = recv(route, reply, sizeof(reply), MSG_DONTWAIT)) > 0)
		for (nlh = (void *)reply; NLMSG_OK(nlh, len);
		     nlh = NLMSG_NEXT(nlh, len))
			if (nlh->nlmsg_type == RTM_NEWLINK)
				index = ((struct ifinfomsg *)NLMSG_DATA(nlh))->ifi_index;
	return index;
}

static void put_device(struct message *msg)
{
	const char *name;

	msg->device = rnd(n_devices);
	name = devices[msg->device];
	if (one_in(2))
		put(msg, IFNAME, name, strlen(name) + 1);
	else
		put_u32(msg, IFINDEX, indices[msg->device]);
	/* meanwhile it may have become another */
	if (one_in(8))
		indices[msg->device] = index_of(name);
}

static void put_addresses(struct message *msg)
{
	static const unsigned char v4[][4] = {
		{ 192, 0, 2, 1 }, { 192, 0, 2, 2 }, { 198, 51, 100, 1 }, { 0 },
	};
	static const unsigned char v6[][16] = {
		{ 0x20, 1, 0xd, 0xb8, [15] = 1 }, { 0x20, 1, 0xd, 0xb8, [15] = 2 },
		{ 0xfe, 0x80, [15] = 1 }, { 0 },
	};

	if (one_in(2)) {
		put(msg, LOCAL, v4[rnd(3)], 4);
		put(msg, REMOTE, PICK(v4), 4);
	} else {
		put(msg, LOCAL, v6[rnd(3)], 16);
		put(msg, REMOTE, PICK(v6), 16);
	}
}

static void put_mark(struct message *msg)
{
	static const uint32_t masks[] = { 0, 0xff, 0xffffffff, 0x80000000 };
	uint32_t mask = PICK(masks);

	put_u32(msg, MARK, mask & (mask ? 0x80000001 + rnd(3) : 0));
	put_u32(msg, MARK_MASK, mask);
}

/* All of a configuration by which packets pass, by one of the SAs of fuzz.sh. */
static void working_set(struct message *msg)
{
	static const unsigned char local[] = { 192, 0, 2, 1 }, remote[] = { 192, 0, 2, 2 };

	put(msg, LOCAL, local, sizeof(local));
	put(msg, REMOTE, remote, sizeof(remote));
	put_u32(msg, REQID, 1 + rnd(5));
	put_u32(msg, MARK, 0);
	put_u32(msg, MARK_MASK, 0);
	put_u32(msg, IF_ID, 0);
	put_u32(msg, LINK, 0);
	put_u32(msg, MODE, 0);
}

/* A set as a user might send it, of all attributes, of most or of few. */
static void sane_set(struct message *msg)
{
	static const uint32_t mtus[] = { 0, 576, 1280, 1400, 65535 };
	static const uint32_t queues[] = { 0, 1, 16, 1024 };
	uint32_t often = 1 + rnd(6);

	start_genl(msg, CMD_SET, 0);
	put_device(msg);
	if (one_in(16)) {
		working_set(msg);
		return;
	}
	if (one_in(often))
		put_addresses(msg);
	if (one_in(often))
		put_u32(msg, REQID, rnd(6));
	if (one_in(often))
		put_mark(msg);
	if (one_in(2 * often))
		put_u32(msg, IF_ID, rnd(3));
	if (one_in(2 * often))
		put_u32(msg, LINK, rnd(4) ? 0 : index_of("v0"));
	if (one_in(2 * often))
		put_u32(msg, MODE, rnd(2));
	if (one_in(often))
		put_u32(msg, CARRIER, rnd(2));
	if (one_in(often))
		put_u32(msg, MTU, PICK(mtus));
	if (one_in(often))
		put_u32(msg, QUEUE, PICK(queues));
}

/* One more attribute, with any value of any length. */
static void odd_attribute(struct message *msg)
{
	static const uint32_t values[] = {
		0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 575, 65536, 1025,
	};
	static const uint8_t lengths[] = { 0, 1, 3, 4, 5, 8, 15, 16, 17, 64 };
	int type = rnd(FIELDS + 3);
	unsigned char data[64];
	uint32_t value = PICK(values);
	size_t i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = rnd(256);
	if (one_in(2)) {
		memcpy(data, &value, sizeof(value));
		put(msg, type, data, sizeof(value));
	} else {
		put(msg, type, data, PICK(lengths));
	}
}

/* Damage to one place of a sound message. */
static void damage(struct message *msg)
{
	size_t body = NLMSG_HDRLEN + GENL_HDRLEN;
	size_t at = body + (msg->len > body ? rnd(msg->len - body) : 0);
	struct genlmsghdr *genl = NLMSG_DATA(&msg->nlh);

	switch (rnd(9)) {
	case 0:
		msg->data[at] ^= 1 << rnd(8);
		break;
	case 1:
		msg->data[at & ~3] = rnd(256);
		break;
	case 2:
		msg->data[(at & ~3) + 3] |= 0x80 >> rnd(2);
		break;
	case 3:
		msg->len -= rnd(msg->len - body + 1);
		break;
	case 4:
		genl->cmd = rnd(256);
		break;
	case 5:
		genl->version = rnd(256);
		genl->reserved = rnd(3);
		break;
	case 6:
		msg->nlh.nlmsg_flags |= 1 << rnd(12);
		break;
	default:
		odd_attribute(msg);
	}
}

static void noise(struct message *msg)
{
	size_t len = rnd(256), i;

	start_genl(msg, rnd(5), one_in(4) ? NLM_F_DUMP : 0);
	for (i = 0; i < len; i++)
		msg->data[msg->len + i] = rnd(one_in(2) ? 256 : 32);
	msg->len += len;
}

/* --- answers -------------------------------------------------------------- */

static void complain(const char *what, const char *name)
{
	wrong++;
	fprintf(stderr, "message %lu: %s%s%s\n", sent, what, name ? " " : "",
		name ?: "");
}

static bool length_fits(const struct field *field, size_t len)
{
	switch (field->kind) {
	case U8:
		return len == 1;
	case U32:
		return len == 4;
	case U64:
		return len == 8;
	case STRING:
		return len >= 2 && len <= IFNAMSIZ;
	case ADDRESS:
		return len == 4 || len == 16;
	case NEST:
		return len > 0 && len % 4 == 0;
	default:
		return len == 0;
	}
}

/* The attributes of one device, which must be of the specification. */
static void read_device(char *data, size_t len, struct config *config)
{
	struct nlattr *nla;
	size_t size;
	int type;

	memset(config, 0, sizeof(*config));
	for (; len >= NLA_HDRLEN; data += size, len -= size) {
		nla = (struct nlattr *)data;
		size = NLA_ALIGN(nla->nla_len);
		type = nla->nla_type & NLA_TYPE_MASK;
		if (nla->nla_len < NLA_HDRLEN || size > len) {
			complain("an attribute of the answer is cut off", NULL);
			return;
		}
		if (type >= (int)FIELDS ||
		    !length_fits(&fields[type], nla->nla_len - NLA_HDRLEN)) {
			complain("not by the specification:",
				 type < (int)FIELDS ? fields[type].name : "a number");
			continue;
		}
		config->len[type] = nla->nla_len - NLA_HDRLEN;
		if (config->len[type] <= sizeof(config->value[type]))
			memcpy(config->value[type], data + NLA_HDRLEN,
			       config->len[type]);
	}
	config->known = config->len[IFNAME];
	if (!config->known)
		complain("a device without a name", NULL);
}

static uint32_t number(const struct config *config, int type)
{
	uint32_t value;

	memcpy(&value, config->value[type], sizeof(value));
	return value;
}

static void check_device(const struct config *config)
{
	if (number(config, MARK) & ~number(config, MARK_MASK))
		complain("mark has bits outside its mask", NULL);
	if (config->len[LOCAL] != config->len[REMOTE])
		complain("addresses of two families", NULL);
	if (number(config, MODE) > 1 || number(config, CARRIER) > 1 ||
	    number(config, QUEUE) > 1024 || number(config, MTU_SOURCE) > 4)
		complain("a value beyond its limit", NULL);
}

/* What was wrong, by the kernel's extended acknowledgement. */
static void count_refusal(const struct message *msg, int cmd,
			  struct nlmsghdr *nlh)
{
	size_t at = NLMSG_HDRLEN + sizeof(struct nlmsgerr);
	struct nlattr *nla, *bad;
	uint32_t offset;

	refused[cmd]++;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	for (; at + NLA_HDRLEN <= nlh->nlmsg_len; at += NLA_ALIGN(nla->nla_len)) {
		nla = (struct nlattr *)((char *)nlh + at);
		if (nla->nla_len < NLA_HDRLEN)
			break;
		if (nla->nla_type != NLMSGERR_ATTR_OFFS)
			continue;
		memcpy(&offset, (char *)nla + NLA_HDRLEN, sizeof(offset));
		if (offset + NLA_HDRLEN > msg->len) {
			complain("the offset of the error is outside", NULL);
			return;
		}
		bad = (struct nlattr *)(msg->data + offset);
		if ((bad->nla_type & NLA_TYPE_MASK) < (int)FIELDS)
			flawed[cmd][bad->nla_type & NLA_TYPE_MASK]++;
	}
}

static void count_acceptance(const struct message *msg, int cmd)
{
	size_t at = NLMSG_HDRLEN + GENL_HDRLEN, size;
	const struct nlattr *nla;

	accepted[cmd]++;
	for (; at + NLA_HDRLEN <= msg->len; at += size) {
		nla = (const struct nlattr *)(msg->data + at);
		size = NLA_ALIGN(nla->nla_len);
		if (nla->nla_len < NLA_HDRLEN)
			break;
		if ((nla->nla_type & NLA_TYPE_MASK) < (int)FIELDS)
			sound[cmd][nla->nla_type & NLA_TYPE_MASK]++;
	}
}

/* Sends a message, and takes all answers, which are there when it was sent,
 * but for those of a dump. Returns the error, 0, or 1 if there was no answer.
 */
static int exchange(int fd, struct message *msg, struct config *config)
{
	struct genlmsghdr *genl = NLMSG_DATA(&msg->nlh);
	int cmd = genl->cmd <= CMD_SET ? genl->cmd : 0, result = 1, err;
	struct nlmsghdr *nlh;
	struct config one;
	ssize_t len;

	msg->nlh.nlmsg_len = msg->len;
	if (send(fd, msg->data, msg->len, 0) < 0)
		return -errno;
	while ((len = recv(fd, reply, sizeof(reply), MSG_DONTWAIT)) > 0) {
		for (nlh = (void *)reply; NLMSG_OK(nlh, len);
		     nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_type == family) {
				read_device((char *)NLMSG_DATA(nlh) + GENL_HDRLEN,
					    nlh->nlmsg_len - NLMSG_HDRLEN -
					    GENL_HDRLEN, config ?: &one);
				check_device(config ?: &one);
			} else if (nlh->nlmsg_type == NLMSG_DONE) {
				dumped++;
				result = 0;
			} else if (nlh->nlmsg_type == NLMSG_ERROR) {
				memcpy(&err, NLMSG_DATA(nlh), sizeof(err));
				result = err;
				if (msg->nlh.nlmsg_type != family || !counted)
					continue;
				if (err)
					count_refusal(msg, cmd, nlh);
				else
					count_acceptance(msg, cmd);
			}
		}
	}
	return result;
}

/* --- what is refused changes nothing ---------------------------------------- */

static void learn(int fd, int device)
{
	struct message msg;

	start_genl(&msg, CMD_GET, 0);
	put(&msg, IFNAME, devices[device], strlen(devices[device]) + 1);
	configs[device].known = false;
	counted = false;
	exchange(fd, &msg, &configs[device]);
	counted = true;
}

static void compare(int fd, int device)
{
	static const int settings[] = {
		LOCAL, REMOTE, REQID, MARK, MARK_MASK, IF_ID, LINK, MODE,
		CARRIER, QUEUE,
	};
	struct config before = configs[device], *after = &configs[device];
	size_t i;

	learn(fd, device);
	/* others may have deleted it, and made another of that name */
	if (!before.known || !after->known ||
	    number(&before, IFINDEX) != number(after, IFINDEX))
		return;
	for (i = 0; i < COUNT(settings); i++)
		if (before.len[settings[i]] != after->len[settings[i]] ||
		    memcmp(before.value[settings[i]], after->value[settings[i]],
			   before.len[settings[i]]))
			complain("was refused and has changed",
				 fields[settings[i]].name);
	if (number(&before, MTU_SOURCE) == SOURCE_USER &&
	    number(&before, MTU) != number(after, MTU))
		complain("was refused and has changed", "mtu");
}

static void forget(int device)
{
	int i;

	for (i = 0; i < n_devices; i++)
		if (device < 0 || i == device)
			configs[i].known = false;
}

static void fuzz_set(int fd)
{
	struct message msg;
	int flaws = one_in(3) ? 1 + rnd(3) : 0, device, err;
	bool compared = one_in(4);

	sane_set(&msg);
	device = msg.device;
	if (compared && !configs[device].known)
		learn(fd, device);
	while (flaws-- > 0) {
		damage(&msg);
		msg.device = -1;
	}
	err = exchange(fd, &msg, NULL);
	sent++;
	if (err > 0)
		silent++;
	if (err == 0)
		forget(msg.device);
	else if (compared && configs[device].known)
		compare(fd, device);
}

static void fuzz_get(int fd)
{
	struct message msg;

	start_genl(&msg, CMD_GET, one_in(8) ? NLM_F_DUMP : 0);
	put_device(&msg);
	if (one_in(3))
		damage(&msg);
	exchange(fd, &msg, NULL);
	sent++;
}

static void fuzz_noise(int fd)
{
	struct message msg;

	noise(&msg);
	exchange(fd, &msg, NULL);
	sent++;
	forget(-1);
}

/* --- links ------------------------------------------------------------------ */

static void put_info(struct message *msg)
{
	size_t at = msg->len;
	struct nlattr *nest;
	unsigned char data[32];
	size_t i;

	put(msg, IFLA_LINKINFO, NULL, 0);
	put(msg, IFLA_INFO_KIND, "xvti", 5);
	for (i = 0; i < sizeof(data); i++)
		data[i] = rnd(64);
	if (one_in(2))
		put(msg, IFLA_INFO_DATA, data, rnd(sizeof(data)));
	nest = (struct nlattr *)(msg->data + at);
	nest->nla_len = msg->len - at;
}

/* A device made in any way that rtnetlink has, and taken away again. */
static void fuzz_link(void)
{
	static const uint32_t mtus[] = { 0, 1, 575, 576, 1500, 65535, 65536, ~0u };
	/* up to 4096 are allowed, each of them an object with files in sysfs */
	static const uint32_t tx_queues[] = { 0, 1, 2, 16, 4097, ~0u };
	struct ifinfomsg ifi = { .ifi_change = one_in(2) ? ~0u : 0,
				 .ifi_flags = rnd(65536) & ~IFF_PROMISC };
	unsigned char address[32] = { 2, 1 };
	struct message msg;

	start(&msg, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	memcpy(msg.data + msg.len, &ifi, sizeof(ifi));
	msg.len += NLMSG_ALIGN(sizeof(ifi));
	put(&msg, IFLA_IFNAME, "fuzzed", 7);
	if (one_in(2))
		put_u32(&msg, IFLA_MTU, PICK(mtus));
	if (one_in(4))
		put(&msg, IFLA_ADDRESS, address, rnd(sizeof(address)));
	if (one_in(4))
		put_u32(&msg, IFLA_LINK, rnd(4));
	if (one_in(8))
		put_u32(&msg, IFLA_TXQLEN, rnd(2000));
	if (one_in(8))
		put_u32(&msg, IFLA_NUM_TX_QUEUES, PICK(tx_queues));
	put_info(&msg);
	exchange(route, &msg, NULL);
	sent++;

	memset(&ifi, 0, sizeof(ifi));
	ifi.ifi_index = index_of("fuzzed");
	if (!ifi.ifi_index)
		return;
	links++;
	start(&msg, RTM_DELLINK, 0);
	memcpy(msg.data + msg.len, &ifi, sizeof(ifi));
	msg.len += NLMSG_ALIGN(sizeof(ifi));
	if (exchange(route, &msg, NULL))
		complain("a device that was made cannot be deleted", NULL);
}

/* --- start ------------------------------------------------------------------ */

static int netlink(int protocol)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), one = 1;

	if (fd < 0 || bind(fd, (const void *)&any, sizeof(any)))
		err(2, "netlink");
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	return fd;
}

/* The numbers of the family and of its group, the only one. */
static void find_family(int fd)
{
	struct message msg;
	struct nlattr *nla, *part;
	ssize_t len, at;

	family = GENL_ID_CTRL;
	start_genl(&msg, CTRL_CMD_GETFAMILY, 0);
	put(&msg, CTRL_ATTR_FAMILY_NAME, "xvti", 5);
	msg.nlh.nlmsg_len = msg.len;
	if (send(fd, msg.data, msg.len, 0) < 0)
		err(2, "netlink");
	len = recv(fd, reply, sizeof(reply), 0);
	family = 0;
	for (at = NLMSG_HDRLEN + GENL_HDRLEN; at + NLA_HDRLEN <= len;
	     at += NLA_ALIGN(nla->nla_len)) {
		nla = (struct nlattr *)(reply + at);
		if (nla->nla_len < NLA_HDRLEN)
			break;
		if (nla->nla_type == CTRL_ATTR_FAMILY_ID)
			family = *(uint16_t *)(nla + 1);
		if ((nla->nla_type & NLA_TYPE_MASK) != CTRL_ATTR_MCAST_GROUPS)
			continue;
		/* a nest of nests of a name and a number, in either order */
		part = nla + 2;
		if ((part->nla_type & NLA_TYPE_MASK) != CTRL_ATTR_MCAST_GRP_ID)
			part = (void *)((char *)part + NLA_ALIGN(part->nla_len));
		group = *(uint32_t *)(part + 1);
	}
	if (!family || !group)
		errx(2, "there is no family xvti");
	recv(fd, reply, sizeof(reply), MSG_DONTWAIT);
}

/* What listeners are told is by the specification, too. */
static void listen_to_events(void)
{
	struct nlmsghdr *nlh;
	struct config config;
	ssize_t len;

	while ((len = recv(events, reply, sizeof(reply), MSG_DONTWAIT)) > 0 ||
	       (len < 0 && errno == ENOBUFS)) {
		for (nlh = (void *)reply; len > 0 && NLMSG_OK(nlh, len);
		     nlh = NLMSG_NEXT(nlh, len)) {
			heard++;
			read_device((char *)NLMSG_DATA(nlh) + GENL_HDRLEN,
				    nlh->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN,
				    &config);
			check_device(&config);
		}
	}
}

static bool requested(unsigned int cmd, unsigned int i)
{
	return fields[i].requests & (cmd == CMD_SET ? SET : GET);
}

/* Has each attribute of each request been accepted, and refused? */
static bool whole(void)
{
	unsigned int i, cmd;

	for (cmd = CMD_GET; cmd <= CMD_SET; cmd++)
		for (i = 0; i < FIELDS; i++)
			if (requested(cmd, i) &&
			    !(sound[cmd][i] && flawed[cmd][i]))
				return false;
	return true;
}

static bool report(bool thorough)
{
	unsigned int i, cmd;

	for (cmd = CMD_GET; cmd <= CMD_SET; cmd++)
		for (i = 0; i < FIELDS; i++)
			if (requested(cmd, i))
				printf("%s %s accepted=%lu refused=%lu\n",
				       cmd == CMD_SET ? "set" : "get",
				       fields[i].name, sound[cmd][i],
				       flawed[cmd][i]);
	printf("messages=%lu accepted=%lu refused=%lu silent=%lu dumps=%lu links=%lu events=%lu wrong=%lu\n",
	       sent, accepted[CMD_GET] + accepted[CMD_SET],
	       refused[0] + refused[CMD_GET] + refused[CMD_SET], silent, dumped,
	       links, heard, wrong);
	return !wrong && (!thorough || whole());
}

int main(int argc, char **argv)
{
	unsigned long count = 10000, i;
	bool thorough = false;
	int opt, genl;
	uint32_t what;

	state = 1;
	while ((opt = getopt(argc, argv, "s:n:t")) != -1) {
		if (opt == 's')
			state = strtoull(optarg, NULL, 0);
		else if (opt == 'n')
			count = strtoul(optarg, NULL, 0);
		else if (opt == 't')
			thorough = true;
		else
			errx(2, "usage: nlfuzz [-s SEED] [-n MESSAGES] [-t] DEVICE...");
	}
	devices = argv + optind;
	n_devices = argc - optind;
	if (!state || n_devices < 1 || n_devices > MAX_DEVICES)
		errx(2, "a seed above 0, and 1 to %d devices", MAX_DEVICES);
	genl = netlink(NETLINK_GENERIC);
	route = netlink(NETLINK_ROUTE);
	events = netlink(NETLINK_GENERIC);
	find_family(genl);
	if (setsockopt(events, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
		       sizeof(group)))
		err(2, "group");
	/* what others do meanwhile is not drawn by the seed */
	for (i = 0; i < count || (thorough && i < 8 * count && !whole()); i++) {
		if (wrong >= 20)
			break;
		what = rnd(400);
		if (what < 280)
			fuzz_set(genl);
		else if (what < 336)
			fuzz_get(genl);
		else if (what < 399)
			fuzz_noise(genl);
		else
			fuzz_link();
		if (i % 64 == 0)
			listen_to_events();
	}
	return report(thorough) ? 0 : 1;
}
