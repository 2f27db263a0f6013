// SPDX-License-Identifier: GPL-2.0
/* Netlink sockets, and requests with their answers. */

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "exchange.h"

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

/* NLMSGERR_ATTR_MISS_TYPE, an enumerator that headers before 6.1 lack. */
#define ERR_ATTR_MISS_TYPE 5

/* The kernel's MAX_ERRNO. */
#define ERRNO_MAX 4095

/* Devices may come and go for as long as a dump lasts: give up at some time. */
#define DUMP_TRIES 10

static int sock_open(struct nl_sock *sock, int bus)
{
	int one = 1;

	sock->mnl = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!sock->mnl)
		return -errno;
	/* Kernels without one of these answer all the same, with less. */
	mnl_socket_setsockopt(sock->mnl, NETLINK_EXT_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(sock->mnl, NETLINK_CAP_ACK, &one, sizeof(one));
	mnl_socket_setsockopt(sock->mnl, NETLINK_GET_STRICT_CHK, &one,
			      sizeof(one));
	if (mnl_socket_bind(sock->mnl, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	sock->generic = bus == NETLINK_GENERIC;
	sock->portid = mnl_socket_get_portid(sock->mnl);
	return 0;
}

static int socks_open(void *data)
{
	struct nl *nl = data;
	int ret = sock_open(&nl->route, NETLINK_ROUTE);

	return ret ? ret : sock_open(&nl->generic, NETLINK_GENERIC);
}

/* Runs @run in the namespace of @nl; its result, or a negative errno. */
int nl_within(const struct nl *nl, int (*run)(void *data), void *data)
{
	int home, ret;

	if (nl->netns_fd < 0)
		return run(data);
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return -errno;
	if (setns(nl->netns_fd, CLONE_NEWNET)) {
		ret = -errno;
		close(home);
		return ret;
	}
	ret = run(data);
	/* Anything done in the wrong namespace is worse than not going on. */
	if (setns(home, CLONE_NEWNET))
		abort();
	close(home);
	return ret;
}

/*
 * @netns_fd < 0: the namespace of this process. A socket belongs for life to
 * the namespace that it was opened in.
 */
int nl_open(struct nl *nl, int netns_fd)
{
	int ret;

	memset(nl, 0, sizeof(*nl));
	nl->netns_fd = netns_fd < 0 ? -1 : fcntl(netns_fd, F_DUPFD_CLOEXEC, 0);
	if (netns_fd >= 0 && nl->netns_fd < 0)
		return -errno;
	ret = nl_within(nl, socks_open, nl);
	if (ret)
		nl_close(nl);
	return ret;
}

static int xfrm_open(void *data)
{
	return sock_open(&((struct nl *)data)->xfrm, NETLINK_XFRM);
}

/* Only when it is needed: a kernel may have to load a module for it. */
static int open_xfrm(struct nl *nl)
{
	return nl->xfrm.mnl ? 0 : nl_within(nl, xfrm_open, nl);
}

static void sock_close(struct nl_sock *sock)
{
	if (sock->mnl)
		mnl_socket_close(sock->mnl);
}

void nl_close(struct nl *nl)
{
	sock_close(&nl->route);
	sock_close(&nl->generic);
	sock_close(&nl->xfrm);
	if (nl->netns_fd >= 0)
		close(nl->netns_fd);
	memset(nl, 0, sizeof(*nl));
	nl->netns_fd = -1;
}

/* Type of the outermost attribute of @request that @offset lies in. */
static uint16_t attr_at(const struct nlmsghdr *request, size_t header,
			uint32_t offset)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, request, header) {
		size_t start = (const char *)attr - (const char *)request;

		if (offset >= start &&
		    offset < start + MNL_ALIGN(attr->nla_len))
			return mnl_attr_get_type(attr);
	}
	return 0;
}

struct exchange {
	const struct nlmsghdr *request;
	bool generic;
	unsigned int portid;
	reply_fn reply;		/* may be NULL */
	void *data;
	struct nl_error *error;
	bool interrupted;
	bool sent;
	bool done;
};

static void ack_attr(const struct nlattr *attr, struct exchange *x)
{
	size_t len = mnl_attr_get_payload_len(attr);
	const char *text = mnl_attr_get_payload(attr);
	struct nl_error *error = x->error;

	switch (mnl_attr_get_type(attr)) {
	case NLMSGERR_ATTR_MSG:
		snprintf(error->msg, sizeof(error->msg), "%.*s",
			 (int)strnlen(text, len), text);
		break;
	case NLMSGERR_ATTR_OFFS:
		if (x->generic && len >= sizeof(uint32_t))
			error->attr = attr_at(x->request,
					      sizeof(struct genlmsghdr),
					      mnl_attr_get_u32(attr));
		break;
	case ERR_ATTR_MISS_TYPE:
		if (x->generic && len >= sizeof(uint32_t))
			error->missing = (uint16_t)mnl_attr_get_u32(attr);
		break;
	}
}

/* The extended acknowledgment, after @header octets of an answer. */
static void ack_parse(const struct nlmsghdr *answer, size_t header,
		      struct exchange *x)
{
	const struct nlattr *attr;

	if (!(answer->nlmsg_flags & NLM_F_ACK_TLVS) ||
	    mnl_nlmsg_get_payload_len(answer) < header)
		return;
	mnl_attr_for_each(attr, answer, header)
		ack_attr(attr, x);
}

/* The result that an ACK, an error or the end of a dump carries. */
static int answer_result(const struct nlmsghdr *answer, struct exchange *x)
{
	struct nl_error *error = x->error;
	size_t len = mnl_nlmsg_get_payload_len(answer);
	size_t header = sizeof(int);
	int result = 0;

	if (len >= sizeof(int))
		memcpy(&result, mnl_nlmsg_get_payload(answer), sizeof(int));
	if (answer->nlmsg_type == NLMSG_ERROR) {
		header = sizeof(struct nlmsgerr);
		if (len < header)
			return -EBADMSG;
		/* Without NETLINK_CAP_ACK our own message comes in between. */
		if (result && !(answer->nlmsg_flags & NLM_F_CAPPED))
			header += MNL_ALIGN(x->request->nlmsg_len) -
				  MNL_NLMSG_HDRLEN;
	}
	ack_parse(answer, header, x);
	if (!result && error->msg[0]) {
		fprintf(stderr, "Warning: %s\n", error->msg);
		error->msg[0] = '\0';
	}
	/* The kernel has no such error; its negative may not even be a number. */
	if (result < -ERRNO_MAX)
		return -EBADMSG;
	return result < 0 ? result : 0;
}

/* One datagram of answers. */
static int exchange_read(struct exchange *x, char *buf, ssize_t len)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;
	int left = (int)len, ret = 0;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_seq != x->request->nlmsg_seq ||
		    nlh->nlmsg_pid != x->portid)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			x->interrupted = true;
		if (nlh->nlmsg_type == NLMSG_ERROR ||
		    nlh->nlmsg_type == NLMSG_DONE) {
			x->done = true;
			return answer_result(nlh, x);
		}
		if (x->reply && !ret)
			ret = x->reply(nlh, x->data);
	}
	return ret;
}

/*
 * One datagram. Who has CAP_NET_ADMIN in the namespace of the socket may send to
 * it as well: what is not from the kernel, port 0, is nothing.
 */
ssize_t nl_receive(struct nl_sock *sock, char *buf, size_t size)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from),
		.msg_iov = &iov, .msg_iovlen = 1
	};
	ssize_t len;

	do
		len = recvmsg(mnl_socket_get_fd(sock->mnl), &msg, 0);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return -errno;
	if (from.nl_pid)
		return 0;
	return msg.msg_flags & MSG_TRUNC ? -ENOSPC : len;
}

static int sock_send(struct nl_sock *sock, struct nlmsghdr *request)
{
	ssize_t len;

	request->nlmsg_seq = ++sock->seq;
	do
		len = mnl_socket_sendto(sock->mnl, request, request->nlmsg_len);
	while (len < 0 && errno == EINTR);
	return len < 0 ? -errno : 0;
}

static int sock_exchange(struct nl_sock *sock, struct exchange *x,
			 struct nlmsghdr *request)
{
	/* One command at a time: aligned for struct nlmsghdr, off the stack. */
	static union {
		struct nlmsghdr nlh;
		char bytes[REPLY_SIZE];
	} buf;
	int result = 0, ret;

	x->request = request;
	x->generic = sock->generic;
	x->portid = sock->portid;
	ret = sock_send(sock, request);
	x->sent = !ret;
	/* Read to the end even after a bad reply, or the next one reads it. */
	while (!ret && !x->done) {
		ssize_t len = nl_receive(sock, buf.bytes, sizeof(buf));

		if (len < 0)
			return (int)len;
		ret = exchange_read(x, buf.bytes, len);
		if (!result)
			result = ret;
		ret = 0;
	}
	return ret ? ret : result;
}

static int talk_once(struct nl_sock *sock, struct exchange *x,
		     struct nlmsghdr *request)
{
	int ret;

	memset(x->error, 0, sizeof(*x->error));
	ret = sock_exchange(sock, x, request);
	x->error->err = -ret;
	return ret;
}

/*
 * A request and its answers, to the final ACK. Where the kernel had no memory for
 * an answer nobody knows whether it has done what it was asked for: it is asked
 * again, and the error says so.
 */
int nl_talk(struct nl_sock *sock, struct nlmsghdr *request,
	    reply_fn reply, void *data, struct nl_error *error)
{
	struct exchange x = { .reply = reply, .data = data, .error = error };
	struct exchange again = x;
	int ret;

	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	ret = talk_once(sock, &x, request);
	if (ret != -ENOBUFS || !x.sent)
		return ret;
	ret = talk_once(sock, &again, request);
	error->again = true;
	return ret;
}

/*
 * A dump, once more from the start when something changed under it.
 * @restart empties what @reply has gathered.
 */
int nl_dump(struct nl_sock *sock, struct nlmsghdr *request,
	    reply_fn reply, void (*restart)(void *data), void *data,
	    struct nl_error *error)
{
	int tries, ret = 0;

	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
	for (tries = 0; tries < DUMP_TRIES; tries++) {
		struct exchange x = {
			.reply = reply, .data = data, .error = error
		};

		restart(data);
		ret = talk_once(sock, &x, request);
		if (ret ? ret != -EINTR : !x.interrupted)
			return ret;
	}
	if (!ret)
		fputs("Warning: devices changed during the dump, it may be inconsistent.\n",
		      stderr);
	return ret;
}

/* Of the policies or SAs of a namespace: a request that is all header. */
int nl_dump_xfrm(struct nl *nl, uint16_t type, size_t header, reply_fn reply,
		 void (*restart)(void *data), void *data)
{
	struct nl_error error;
	struct nlmsghdr *nlh;
	union request req;
	int ret = open_xfrm(nl);

	if (ret)
		return ret;
	nlh = mnl_nlmsg_put_header(&req);
	nlh->nlmsg_type = type;
	mnl_nlmsg_put_extra_header(nlh, header);
	return nl_dump(&nl->xfrm, nlh, reply, restart, data, &error);
}

/* Integers of a message may be shorter than they ought to be. */
uint32_t attr_u32(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) < sizeof(uint32_t) ?
	       0 : mnl_attr_get_u32(attr);
}

uint64_t attr_u64(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) < sizeof(uint64_t) ?
	       0 : mnl_attr_get_u64(attr);
}

void attr_name(const struct nlattr *attr, char *name, size_t size)
{
	const char *s = mnl_attr_get_payload(attr);

	snprintf(name, size, "%.*s",
		 (int)strnlen(s, mnl_attr_get_payload_len(attr)), s);
}

/* Room for one more element, at doubling sizes. */
void *array_grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return realloc(array, (count ? 2 * count : 1) * size);
}

void attr_addr(const struct nlattr *attr, struct addr *addr)
{
	size_t len = mnl_attr_get_payload_len(attr);

	if (len != 4 && len != 16)
		return;
	addr->family = len == 4 ? AF_INET : AF_INET6;
	memcpy(addr->bytes, mnl_attr_get_payload(attr), len);
}

/* XFRMA_MARK; one that is too short is none. */
void attr_mark(const struct nlattr *attr, uint32_t *mark, uint32_t *mask)
{
	const struct xfrm_mark *both = mnl_attr_get_payload(attr);

	if (mnl_attr_get_payload_len(attr) < sizeof(*both))
		return;
	*mark = both->v;
	*mask = both->m;
}

void addr_from_xfrm(struct addr *addr, int family, const xfrm_address_t *from)
{
	addr->family = family;
	memcpy(addr->bytes, from, addr_len(addr));
}
