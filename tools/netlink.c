// SPDX-License-Identifier: GPL-2.0
/* Everything that speaks netlink, and nothing else. */

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

/* NLMSGERR_ATTR_MISS_TYPE, an enumerator that headers before 6.1 lack. */
#define ERR_ATTR_MISS_TYPE 5

/* The kernel fills dumps up to what the reader offers, 32 KiB at most. */
#define REPLY_SIZE 32768
#define REQUEST_SIZE 1024

/* Devices may come and go for as long as a dump lasts: give up at some time. */
#define DUMP_TRIES 10

#define DEV_BIT(attr) (1u << (attr))

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

static int socks_open(struct nl *nl)
{
	int ret = sock_open(&nl->route, NETLINK_ROUTE);

	return ret ? ret : sock_open(&nl->generic, NETLINK_GENERIC);
}

/* A socket belongs for life to the namespace that it was opened in. */
static int socks_open_in(struct nl *nl, int netns_fd)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int ret;

	if (home < 0)
		return -errno;
	if (setns(netns_fd, CLONE_NEWNET)) {
		ret = -errno;
		close(home);
		return ret;
	}
	ret = socks_open(nl);
	/* Anything done in the wrong namespace is worse than not going on. */
	if (setns(home, CLONE_NEWNET))
		abort();
	close(home);
	return ret;
}

/* @netns_fd < 0: the namespace of this process. */
int nl_open(struct nl *nl, int netns_fd)
{
	int ret;

	memset(nl, 0, sizeof(*nl));
	ret = netns_fd < 0 ? socks_open(nl) : socks_open_in(nl, netns_fd);
	if (ret)
		nl_close(nl);
	return ret;
}

void nl_close(struct nl *nl)
{
	if (nl->route.mnl)
		mnl_socket_close(nl->route.mnl);
	if (nl->generic.mnl)
		mnl_socket_close(nl->generic.mnl);
	memset(nl, 0, sizeof(*nl));
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

typedef int (*reply_fn)(const struct nlmsghdr *reply, void *data);

struct exchange {
	const struct nlmsghdr *request;
	bool generic;
	unsigned int portid;
	reply_fn reply;		/* may be NULL */
	void *data;
	struct nl_error *error;
	bool interrupted;
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

static ssize_t sock_receive(struct nl_sock *sock, char *buf, size_t size)
{
	ssize_t len;

	do
		len = mnl_socket_recvfrom(sock->mnl, buf, size);
	while (len < 0 && errno == EINTR);
	return len < 0 ? -errno : len;
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
	/* Read to the end even after a bad reply, or the next one reads it. */
	while (!ret && !x->done) {
		ssize_t len = sock_receive(sock, buf.bytes, sizeof(buf));

		if (len < 0)
			return (int)len;
		ret = exchange_read(x, buf.bytes, len);
		if (!result)
			result = ret;
		ret = 0;
	}
	return ret ? ret : result;
}

/* A request and its answers, to the final ACK. */
static int talk(struct nl_sock *sock, struct nlmsghdr *request,
		reply_fn reply, void *data, struct nl_error *error)
{
	struct exchange x = { .reply = reply, .data = data, .error = error };
	int ret;

	memset(error, 0, sizeof(*error));
	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	ret = sock_exchange(sock, &x, request);
	error->err = -ret;
	return ret;
}

/*
 * A dump, once more from the start when something changed under it.
 * @restart empties what @reply has gathered.
 */
static int dump(struct nl_sock *sock, struct nlmsghdr *request,
		reply_fn reply, void (*restart)(void *data), void *data,
		struct nl_error *error)
{
	int tries, ret = 0;

	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
	for (tries = 0; tries < DUMP_TRIES; tries++) {
		struct exchange x = {
			.reply = reply, .data = data, .error = error
		};

		memset(error, 0, sizeof(*error));
		restart(data);
		ret = sock_exchange(sock, &x, request);
		error->err = -ret;
		if (ret ? ret != -EINTR : !x.interrupted)
			return ret;
	}
	if (!ret)
		fputs("Warning: devices changed during the dump, it may be inconsistent.\n",
		      stderr);
	return ret;
}

/* Integers of a message may be shorter than they ought to be. */
static uint32_t attr_u32(const struct nlattr *attr)
{
	return mnl_attr_get_payload_len(attr) < sizeof(uint32_t) ?
	       0 : mnl_attr_get_u32(attr);
}

static void attr_name(const struct nlattr *attr, char *name, size_t size)
{
	const char *s = mnl_attr_get_payload(attr);

	snprintf(name, size, "%.*s",
		 (int)strnlen(s, mnl_attr_get_payload_len(attr)), s);
}

/* rtnetlink: the life of a device */

union request {
	struct nlmsghdr nlh;
	char bytes[REQUEST_SIZE];
};

static struct nlmsghdr *link_request(union request *req, uint16_t type,
				     uint32_t ifindex)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(req);
	struct ifinfomsg *ifi;

	nlh->nlmsg_type = type;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = (int)ifindex;
	return nlh;
}

static void link_put_kind(struct nlmsghdr *nlh)
{
	struct nlattr *info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);

	mnl_attr_put_str(nlh, IFLA_INFO_KIND, XVTI_FAMILY_NAME);
	mnl_attr_nest_end(nlh, info);
}

static void link_kind_parse(const struct nlattr *info, struct link *link)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, info)
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
			attr_name(attr, link->kind, sizeof(link->kind));
}

static void link_stats_parse(const struct nlattr *attr, struct link *link)
{
	size_t len = mnl_attr_get_payload_len(attr);

	/* The structure grows with the kernel. */
	if (len > sizeof(link->stats))
		len = sizeof(link->stats);
	memcpy(&link->stats, mnl_attr_get_payload(attr), len);
}

static int link_parse(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct link *link = data;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWLINK ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return 0;
	memset(link, 0, sizeof(*link));
	link->ifindex = (uint32_t)ifi->ifi_index;
	link->up = ifi->ifi_flags & IFF_UP;
	mnl_attr_for_each(attr, nlh, sizeof(*ifi)) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			attr_name(attr, link->name, sizeof(link->name));
			break;
		case IFLA_LINKINFO:
			link_kind_parse(attr, link);
			break;
		case IFLA_STATS64:
			link_stats_parse(attr, link);
			break;
		}
	}
	return 0;
}

int link_find(struct nl *nl, const char *name, struct link *link,
	      struct nl_error *error)
{
	union request req;
	struct nlmsghdr *nlh = link_request(&req, RTM_GETLINK, 0);

	memset(link, 0, sizeof(*link));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return talk(&nl->route, nlh, link_parse, link, error);
}

int link_get(struct nl *nl, uint32_t ifindex, struct link *link,
	     struct nl_error *error)
{
	union request req;
	struct nlmsghdr *nlh = link_request(&req, RTM_GETLINK, ifindex);

	memset(link, 0, sizeof(*link));
	return talk(&nl->route, nlh, link_parse, link, error);
}

/* Room for one more element, at doubling sizes. */
static void *grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return realloc(array, (count ? 2 * count : 1) * size);
}

static int links_add(const struct nlmsghdr *nlh, void *data)
{
	struct links *links = data;
	struct link *more = grow(links->link, links->count, sizeof(*more));

	if (!more)
		return -ENOMEM;
	links->link = more;
	more[links->count].ifindex = 0;
	link_parse(nlh, &more[links->count]);
	/* Kernels that do not filter by kind send every device. */
	if (more[links->count].ifindex &&
	    !strcmp(more[links->count].kind, XVTI_FAMILY_NAME))
		links->count++;
	return 0;
}

static void links_restart(void *data)
{
	((struct links *)data)->count = 0;
}

int link_dump(struct nl *nl, struct links *links, struct nl_error *error)
{
	union request req;
	struct nlmsghdr *nlh = link_request(&req, RTM_GETLINK, 0);

	memset(links, 0, sizeof(*links));
	link_put_kind(nlh);
	return dump(&nl->route, nlh, links_add, links_restart, links, error);
}

static int family_get(struct nl *nl, struct nl_error *error);

int link_create(struct nl *nl, const char *name, struct nl_error *error)
{
	union request req;
	struct nlmsghdr *nlh = link_request(&req, RTM_NEWLINK, 0);
	struct nl_error family;
	int ret;

	nlh->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	link_put_kind(nlh);
	ret = talk(&nl->route, nlh, NULL, NULL, error);
	/* What rtnetlink says of a kind it does not know differs by kernel. */
	if (ret == -EOPNOTSUPP && family_get(nl, &family))
		error->no_module = family.no_module;
	return ret;
}

int link_move(struct nl *nl, uint32_t ifindex, int netns_fd,
	      struct nl_error *error)
{
	union request req;
	struct nlmsghdr *nlh = link_request(&req, RTM_NEWLINK, ifindex);

	mnl_attr_put_u32(nlh, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	return talk(&nl->route, nlh, NULL, NULL, error);
}

int link_up(struct nl *nl, uint32_t ifindex, struct nl_error *error)
{
	union request req;
	struct nlmsghdr *nlh = link_request(&req, RTM_NEWLINK, ifindex);
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP;
	return talk(&nl->route, nlh, NULL, NULL, error);
}

int link_delete(struct nl *nl, uint32_t ifindex, struct nl_error *error)
{
	union request req;
	struct nlmsghdr *nlh = link_request(&req, RTM_DELLINK, ifindex);

	return talk(&nl->route, nlh, NULL, NULL, error);
}

static int netnsid_parse(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct rtgenmsg))
		if (mnl_attr_get_type(attr) == NETNSA_NSID)
			*(int32_t *)data = (int32_t)attr_u32(attr);
	return 0;
}

static int netnsid_get(struct nl *nl, uint16_t type, uint32_t value,
		       int32_t *id)
{
	struct nl_error error;
	union request req;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(&req);
	struct rtgenmsg *gen;

	nlh->nlmsg_type = RTM_GETNSID;
	gen = mnl_nlmsg_put_extra_header(nlh, sizeof(*gen));
	gen->rtgen_family = AF_UNSPEC;
	mnl_attr_put_u32(nlh, type, value);
	*id = NETNSA_NSID_NOT_ASSIGNED;
	return talk(&nl->route, nlh, netnsid_parse, id, &error);
}

int netnsid_of_fd(struct nl *nl, int netns_fd, int32_t *id)
{
	return netnsid_get(nl, NETNSA_FD, (uint32_t)netns_fd, id);
}

int netnsid_of_pid(struct nl *nl, uint32_t pid, int32_t *id)
{
	return netnsid_get(nl, NETNSA_PID, pid, id);
}

/* generic netlink: the configuration of a device */

static struct nlmsghdr *generic_request(union request *req, uint16_t family,
					uint8_t cmd, uint8_t version)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(req);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = family;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
	return nlh;
}

static void group_parse(const struct nlattr *group, struct nl *nl)
{
	const struct nlattr *attr;
	char name[GENL_NAMSIZ] = "";
	uint32_t id = 0;

	mnl_attr_for_each_nested(attr, group) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME)
			attr_name(attr, name, sizeof(name));
		else if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID)
			id = attr_u32(attr);
	}
	if (!strcmp(name, XVTI_MCGRP_EVENTS))
		nl->events = id;
}

static int family_parse(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr, *group;
	struct nl *nl = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(attr)) {
		case CTRL_ATTR_FAMILY_ID:
			if (mnl_attr_get_payload_len(attr) >= sizeof(uint16_t))
				nl->family = mnl_attr_get_u16(attr);
			break;
		case CTRL_ATTR_MCAST_GROUPS:
			mnl_attr_for_each_nested(group, attr)
				group_parse(group, nl);
			break;
		}
	}
	return 0;
}

/* The kernel loads the module by its alias when asked for the family. */
static int family_get(struct nl *nl, struct nl_error *error)
{
	union request req;
	struct nlmsghdr *nlh;
	int ret;

	memset(error, 0, sizeof(*error));
	if (nl->family)
		return 0;
	nlh = generic_request(&req, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, XVTI_FAMILY_NAME);
	ret = talk(&nl->generic, nlh, family_parse, nl, error);
	if (!ret && !nl->family)
		ret = -ENOENT;
	error->err = -ret;
	error->no_module = ret == -ENOENT;
	return ret;
}

static int xvti_request(struct nl *nl, union request *req, uint8_t cmd,
			struct nlmsghdr **nlh, struct nl_error *error)
{
	int ret = family_get(nl, error);

	if (!ret)
		*nlh = generic_request(req, nl->family, cmd,
				       XVTI_FAMILY_VERSION);
	return ret;
}

static void attr_addr(const struct nlattr *attr, struct addr *addr)
{
	size_t len = mnl_attr_get_payload_len(attr);

	if (len != 4 && len != 16)
		return;
	addr->family = len == 4 ? AF_INET : AF_INET6;
	memcpy(addr->bytes, mnl_attr_get_payload(attr), len);
}

static void dev_stats_parse(const struct nlattr *stats, struct dev *dev)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, stats) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type <= XVTI_A_STATS_MAX &&
		    mnl_attr_get_payload_len(attr) >= sizeof(uint64_t))
			dev->stats[type] = mnl_attr_get_u64(attr);
	}
}

static void dev_attr_parse(const struct nlattr *attr, struct dev *dev)
{
	switch (mnl_attr_get_type(attr)) {
	case XVTI_A_DEV_IFINDEX:
		dev->ifindex = attr_u32(attr);
		break;
	case XVTI_A_DEV_IFNAME:
		attr_name(attr, dev->name, sizeof(dev->name));
		break;
	case XVTI_A_DEV_UNDERLAY_NETNSID:
		dev->underlay = (int32_t)attr_u32(attr);
		break;
	case XVTI_A_DEV_LOCAL:
		attr_addr(attr, &dev->local);
		break;
	case XVTI_A_DEV_REMOTE:
		attr_addr(attr, &dev->remote);
		break;
	case XVTI_A_DEV_REQID:
		dev->reqid = attr_u32(attr);
		break;
	case XVTI_A_DEV_MARK:
		dev->mark = attr_u32(attr);
		break;
	case XVTI_A_DEV_MARK_MASK:
		dev->mark_mask = attr_u32(attr);
		break;
	case XVTI_A_DEV_IF_ID:
		dev->if_id = attr_u32(attr);
		break;
	case XVTI_A_DEV_LINK:
		dev->link = attr_u32(attr);
		break;
	case XVTI_A_DEV_CARRIER:
		dev->carrier = attr_u32(attr);
		break;
	case XVTI_A_DEV_MTU:
		dev->mtu = attr_u32(attr);
		break;
	case XVTI_A_DEV_MTU_SOURCE:
		dev->mtu_source = attr_u32(attr);
		break;
	case XVTI_A_DEV_RUNNING:
		dev->running = mnl_attr_get_payload_len(attr) &&
			       mnl_attr_get_u8(attr);
		break;
	case XVTI_A_DEV_SA_OUT:
		dev->sa_out = attr_u32(attr);
		break;
	case XVTI_A_DEV_SA_IN:
		dev->sa_in = attr_u32(attr);
		break;
	case XVTI_A_DEV_PEER:
		attr_addr(attr, &dev->peer);
		break;
	case XVTI_A_DEV_PEER_REQID:
		dev->peer_reqid = attr_u32(attr);
		break;
	case XVTI_A_DEV_STATS:
		dev_stats_parse(attr, dev);
		break;
	}
}

static int dev_parse(const struct nlmsghdr *nlh, void *data)
{
	struct dev *dev = data;
	const struct nlattr *attr;

	memset(dev, 0, sizeof(*dev));
	dev->underlay = NETNSA_NSID_NOT_ASSIGNED;
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) <= XVTI_A_DEV_MAX)
			dev->present |= DEV_BIT(mnl_attr_get_type(attr));
		dev_attr_parse(attr, dev);
	}
	return 0;
}

int dev_get(struct nl *nl, const char *name, struct dev *dev,
	    struct nl_error *error)
{
	struct nlmsghdr *nlh;
	union request req;
	int ret;

	memset(dev, 0, sizeof(*dev));
	ret = xvti_request(nl, &req, XVTI_CMD_DEV_GET, &nlh, error);
	if (ret)
		return ret;
	mnl_attr_put_strz(nlh, XVTI_A_DEV_IFNAME, name);
	return talk(&nl->generic, nlh, dev_parse, dev, error);
}

static int devs_add(const struct nlmsghdr *nlh, void *data)
{
	struct devs *devs = data;
	struct dev *more = grow(devs->dev, devs->count, sizeof(*more));

	if (!more)
		return -ENOMEM;
	devs->dev = more;
	return dev_parse(nlh, &more[devs->count++]);
}

static void devs_restart(void *data)
{
	((struct devs *)data)->count = 0;
}

int dev_dump(struct nl *nl, struct devs *devs, struct nl_error *error)
{
	struct nlmsghdr *nlh;
	union request req;
	int ret;

	memset(devs, 0, sizeof(*devs));
	ret = xvti_request(nl, &req, XVTI_CMD_DEV_GET, &nlh, error);
	if (ret)
		return ret;
	return dump(&nl->generic, nlh, devs_add, devs_restart, devs, error);
}

static void put_u32(struct nlmsghdr *nlh, const struct conf *conf,
		    enum word word, uint16_t attr, uint32_t value)
{
	if (conf->given[word])
		mnl_attr_put_u32(nlh, attr, value);
}

static void put_addr(struct nlmsghdr *nlh, const struct conf *conf,
		     enum word word, uint16_t attr, const struct addr *addr)
{
	if (conf->given[word])
		mnl_attr_put(nlh, attr, addr_len(addr), addr->bytes);
}

/* Sends the words that were given; the kernel keeps the rest as it is. */
int dev_set(struct nl *nl, uint32_t ifindex, const struct conf *conf,
	    uint32_t dev_ifindex, struct nl_error *error)
{
	struct nlmsghdr *nlh;
	union request req;
	int ret;

	ret = xvti_request(nl, &req, XVTI_CMD_DEV_SET, &nlh, error);
	if (ret)
		return ret;
	mnl_attr_put_u32(nlh, XVTI_A_DEV_IFINDEX, ifindex);
	put_addr(nlh, conf, W_LOCAL, XVTI_A_DEV_LOCAL, &conf->local);
	put_addr(nlh, conf, W_REMOTE, XVTI_A_DEV_REMOTE, &conf->remote);
	put_u32(nlh, conf, W_REQID, XVTI_A_DEV_REQID, conf->reqid);
	/* The mask alone, 0, takes the mark away. */
	if (conf->mark_mask)
		put_u32(nlh, conf, W_MARK, XVTI_A_DEV_MARK, conf->mark);
	put_u32(nlh, conf, W_MARK, XVTI_A_DEV_MARK_MASK, conf->mark_mask);
	put_u32(nlh, conf, W_IF_ID, XVTI_A_DEV_IF_ID, conf->if_id);
	put_u32(nlh, conf, W_DEV, XVTI_A_DEV_LINK, dev_ifindex);
	put_u32(nlh, conf, W_CARRIER, XVTI_A_DEV_CARRIER, conf->carrier);
	put_u32(nlh, conf, W_MTU, XVTI_A_DEV_MTU, conf->mtu);
	return talk(&nl->generic, nlh, NULL, NULL, error);
}

static bool events_read(struct nl *nl, const char *buf, ssize_t len,
			dev_event_fn event, void *data)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;
	const struct genlmsghdr *genl;
	int left = (int)len;
	struct dev dev;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		genl = mnl_nlmsg_get_payload(nlh);
		if (nlh->nlmsg_type != nl->family ||
		    mnl_nlmsg_get_payload_len(nlh) < sizeof(*genl) ||
		    genl->cmd != XVTI_CMD_DEV_NTF)
			continue;
		dev_parse(nlh, &dev);
		if (!event(&dev, data))
			return false;
	}
	return true;
}

int dev_monitor(struct nl *nl, dev_event_fn event, void *data,
		struct nl_error *error)
{
	static union {
		struct nlmsghdr nlh;
		char bytes[REPLY_SIZE];
	} buf;
	bool more = true;
	ssize_t len;
	int ret;

	ret = family_get(nl, error);
	if (ret)
		return ret;
	if (mnl_socket_setsockopt(nl->generic.mnl, NETLINK_ADD_MEMBERSHIP,
				  &nl->events, sizeof(nl->events)) < 0) {
		error->err = errno;
		return -errno;
	}
	while (more) {
		len = sock_receive(&nl->generic, buf.bytes, sizeof(buf));
		if (len == -ENOBUFS) {
			more = event(NULL, data);
		} else if (len < 0) {
			error->err = (int)-len;
			return (int)len;
		} else {
			more = events_read(nl, buf.bytes, len, event, data);
		}
	}
	return 0;
}
