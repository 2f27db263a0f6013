// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel as a fuzzer plays it, in the place of libmnl's sockets. A request
 * is answered by the next record of its kind: an octet for the kind, two for
 * the length, then a datagram as it is, but for the sequence and port, without
 * which the tool would not look at it. Where there is no record, all is well.
 */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <linux/xvti.h>
#include <net/if.h>
#include <poll.h>
#include <sanitizer/asan_interface.h>
#include <string.h>
#include <sys/socket.h>

#include "fuzz.h"

#define SOCKETS 64
#define RECORDS 64
#define FAMILY 0x20
#define PORT 4711

enum kind {
	K_DEV,
	K_LINK,
	K_ROUTE,
	K_NSID,
	K_SA,
	K_POLICY,
	K_DEV_EVENT,
	K_LINK_EVENT,
	K_COUNT,
	K_MORE = 0x80		/* another datagram follows in this answer */
};

struct record {
	uint8_t kind;
	bool used;
	const uint8_t *data;
	size_t len;
};

struct mnl_socket {
	int bus;
	bool open;
	bool asked;
	bool more;		/* of the answer is to come */
	enum kind kind;
	struct nlmsghdr request;
	char name[IFNAMSIZ];
};

static struct mnl_socket sockets[SOCKETS];
static struct record records[RECORDS];
static size_t record_count;
static bool link_made;

void kernel_start(const uint8_t *data, size_t size)
{
	memset(sockets, 0, sizeof(sockets));
	record_count = 0;
	link_made = false;
	while (size >= 3 && record_count < RECORDS) {
		struct record *record = &records[record_count++];
		size_t len = data[1] | data[2] << 8;

		size -= 3;
		record->kind = data[0];
		record->used = false;
		record->data = data + 3;
		record->len = len < size ? len : size;
		data += 3 + record->len;
		size -= record->len;
	}
}

unsigned int kernel_sockets(void)
{
	unsigned int i, open = 0;

	for (i = 0; i < SOCKETS; i++)
		open += sockets[i].open;
	return open;
}

static struct record *record_next(enum kind kind)
{
	size_t i;

	for (i = 0; i < record_count; i++)
		if (!records[i].used &&
		    (records[i].kind & ~K_MORE) % K_COUNT == kind)
			return &records[i];
	return NULL;
}

/* Sockets */

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	int i;

	for (i = 0; i < SOCKETS; i++) {
		if (sockets[i].open)
			continue;
		memset(&sockets[i], 0, sizeof(sockets[i]));
		sockets[i].bus = bus;
		sockets[i].open = true;
		return &sockets[i];
	}
	errno = EMFILE;
	return NULL;
}

int mnl_socket_bind(struct mnl_socket *sock, unsigned int groups, pid_t pid)
{
	return 0;
}

int mnl_socket_close(struct mnl_socket *sock)
{
	must_be(sock->open);
	sock->open = false;
	return 0;
}

unsigned int mnl_socket_get_portid(const struct mnl_socket *sock)
{
	return PORT;
}

int mnl_socket_get_fd(const struct mnl_socket *sock)
{
	return (int)(sock - sockets);
}

int mnl_socket_setsockopt(const struct mnl_socket *sock, int type, void *buf,
			  socklen_t len)
{
	return 0;
}

/* Requests */

static enum kind kind_of(const struct mnl_socket *sock, uint16_t type)
{
	if (sock->bus == NETLINK_GENERIC)
		return K_DEV;
	if (sock->bus == NETLINK_XFRM)
		return type == XFRM_MSG_GETSA ? K_SA : K_POLICY;
	return type == RTM_GETROUTE ? K_ROUTE :
	       type == RTM_GETNSID ? K_NSID : K_LINK;
}

static void name_of(struct mnl_socket *sock, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	sock->name[0] = '\0';
	if (sock->bus != NETLINK_ROUTE || sock->kind != K_LINK)
		return;
	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg)) {
		if (mnl_attr_get_type(attr) != IFLA_IFNAME)
			continue;
		must_be(mnl_attr_get_payload_len(attr) <= IFNAMSIZ);
		strcpy(sock->name, mnl_attr_get_str(attr));
	}
	if (nlh->nlmsg_flags & NLM_F_CREATE)
		link_made = true;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *to, const void *buf,
			  size_t len)
{
	struct mnl_socket *sock = &sockets[to - sockets];
	const struct nlmsghdr *nlh = buf;

	must_be(sock->open && len >= sizeof(*nlh) && len == nlh->nlmsg_len);
	sock->request = *nlh;
	sock->kind = kind_of(sock, nlh->nlmsg_type);
	sock->asked = true;
	sock->more = true;
	name_of(sock, nlh);
	return (ssize_t)len;
}

/* Answers */

static size_t put_done(const struct mnl_socket *sock, void *buf)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	const struct nlmsghdr *request = &sock->request;
	bool dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	struct nlmsgerr *error;

	nlh->nlmsg_type = dump ? NLMSG_DONE : NLMSG_ERROR;
	error = mnl_nlmsg_put_extra_header(nlh, sizeof(*error));
	if (!dump && request->nlmsg_type == RTM_GETLINK && sock->more)
		error->error = -ENODEV;
	return nlh->nlmsg_len;
}

static size_t put_family(void *buf)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	mnl_attr_put_u16(nlh, CTRL_ATTR_FAMILY_ID, FAMILY);
	return nlh->nlmsg_len;
}

/* What was just created is there. */
static size_t put_link(const struct mnl_socket *sock, void *buf)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;
	struct nlattr *info;

	nlh->nlmsg_type = RTM_NEWLINK;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = 7;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, sock->name);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_str(nlh, IFLA_INFO_KIND, XVTI_FAMILY_NAME);
	mnl_attr_nest_end(nlh, info);
	return nlh->nlmsg_len;
}

static void limit(void *buf, size_t len)
{
	struct nlmsghdr *nlh = buf;
	int left = (int)len;

	while (left >= (int)sizeof(*nlh)) {
		nlh->nlmsg_len &= INT32_MAX;
		if (!mnl_nlmsg_ok(nlh, left))
			break;
		nlh = mnl_nlmsg_next(nlh, &left);
	}
}

/*
 * The kernel pads what it sends, and has no message of more than 2 GiB, which
 * libmnl would take for a short one.
 */
static size_t put_record(struct record *record, void *buf, size_t size)
{
	size_t len = record->len < size ? record->len : size;

	record->used = true;
	memcpy(buf, record->data, len);
	while (len % NLMSG_ALIGNTO)
		((char *)buf)[len++] = 0;
	limit(buf, len);
	return len;
}

static size_t put_answer(struct mnl_socket *sock, void *buf, size_t size)
{
	bool control = sock->request.nlmsg_type == GENL_ID_CTRL;
	bool link = sock->request.nlmsg_type == RTM_GETLINK && sock->name[0];
	struct record *record = control ? NULL : record_next(sock->kind);
	size_t len = 0;

	if (sock->more && control)
		len = put_family(buf);
	else if (sock->more && record)
		len = put_record(record, buf, size);
	else if (sock->more && link && link_made)
		len = put_link(sock, buf);
	if (!len) {
		sock->asked = false;
		return put_done(sock, buf);
	}
	sock->more = record && record->kind & K_MORE;
	return len;
}

/* What nobody asked for; an empty record stands for those that were lost. */
static size_t put_event(const struct mnl_socket *sock, void *buf, size_t size)
{
	struct record *record = record_next(sock->bus == NETLINK_ROUTE ?
					    K_LINK_EVENT : K_DEV_EVENT);
	size_t len = record ? put_record(record, buf, size) : 0;

	errno = record ? ENOBUFS : EIO;
	return len;
}

static void address(const struct mnl_socket *sock, void *buf, size_t len)
{
	struct nlmsghdr *nlh = buf;
	int left = (int)len;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		nlh->nlmsg_seq = sock->request.nlmsg_seq;
		nlh->nlmsg_pid = PORT;
	}
}

/* libmnl itself is not built to be watched. */
#define CHECKED(type, name) \
	type name(const struct nlattr *attr) \
	{ \
		type value; \
		must_be(mnl_attr_get_payload_len(attr) >= sizeof(value)); \
		memcpy(&value, mnl_attr_get_payload(attr), sizeof(value)); \
		return value; \
	}

CHECKED(uint8_t, mnl_attr_get_u8)
CHECKED(uint16_t, mnl_attr_get_u16)
CHECKED(uint32_t, mnl_attr_get_u32)
CHECKED(uint64_t, mnl_attr_get_u64)

/* Nothing may be read beyond what was received. */
ssize_t fuzz_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct sockaddr_nl *from = msg->msg_name;
	struct mnl_socket *sock = &sockets[fd];
	size_t len, size = msg->msg_iov->iov_len;
	void *buf = msg->msg_iov->iov_base;

	must_be(sock->open);
	ASAN_UNPOISON_MEMORY_REGION(buf, size);
	memset(buf, 0xa5, size);
	memset(from, 0, sizeof(*from));
	if (!sock->asked) {
		len = put_event(sock, buf, size);
	} else {
		len = put_answer(sock, buf, size);
		address(sock, buf, len);
	}
	ASAN_POISON_MEMORY_REGION((char *)buf + len, size - len);
	return len ? (ssize_t)len : -1;
}

int fuzz_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	must_be(count == 2);
	fds[0].revents = record_next(K_LINK_EVENT) ? POLLIN : 0;
	fds[1].revents = record_next(K_DEV_EVENT) ? POLLIN : 0;
	if (fds[0].revents || fds[1].revents)
		return 1;
	errno = EIO;
	return -1;
}
