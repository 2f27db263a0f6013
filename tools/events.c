// SPDX-License-Identifier: GPL-2.0
/*
 * Events: our own family tells how devices change, rtnetlink which there are.
 */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "exchange.h"

static int join(struct nl_sock *sock, unsigned int group,
		struct nl_error *error)
{
	if (mnl_socket_setsockopt(sock->mnl, NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof(group)) >= 0)
		return 0;
	error->err = errno;
	return -errno;
}

int events_join(struct nl *nl, struct nl_error *error)
{
	int ret = family_get(nl, error);

	if (!ret)
		ret = join(&nl->generic, nl->events, error);
	return ret ? ret : join(&nl->route, RTNLGRP_LINK, error);
}

static bool read_dev(const struct nlmsghdr *nlh, event_fn event, void *data)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	struct event e = { .type = EVENT_DEV };
	struct dev dev;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*genl) ||
	    genl->cmd != XVTI_CMD_DEV_NTF)
		return true;
	dev_parse(nlh, &dev);
	e.dev = &dev;
	return event(&e, data);
}

static bool read_link(const struct nlmsghdr *nlh, event_fn event, void *data)
{
	struct link link = { .ifindex = 0 };
	struct event e = { .type = EVENT_LINK, .link = &link };

	link_parse(nlh, &link);
	if (!link.ifindex || strcmp(link.kind, XVTI_FAMILY_NAME))
		return true;
	if (nlh->nlmsg_type == RTM_DELLINK)
		e.type = EVENT_LINK_GONE;
	return event(&e, data);
}

/* What one datagram tells; false to stop. */
static bool events_read(const struct nl *nl, const char *buf, ssize_t len,
			event_fn event, void *data)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;
	int left = (int)len;
	bool more = true;

	for (; more && mnl_nlmsg_ok(nlh, left);
	     nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type == nl->family)
			more = read_dev(nlh, event, data);
		else
			more = read_link(nlh, event, data);
	}
	return more;
}

/* What was sent before something was lost is old by the time that it is asked anew. */
static void events_drain(struct nl_sock *sock)
{
	int fd = mnl_socket_get_fd(sock->mnl);
	char byte;

	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0 ||
	       errno == ENOBUFS || errno == EINTR)
		;
}

/* One datagram; positive to go on. */
static int sock_events(struct nl *nl, struct nl_sock *sock, event_fn event,
		       void *data)
{
	static union {
		struct nlmsghdr nlh;
		char bytes[REPLY_SIZE];
	} buf;
	ssize_t len = nl_receive(sock, buf.bytes, sizeof(buf));
	const struct event lost = { .type = EVENT_LOST };

	if (len == -ENOBUFS) {
		events_drain(&nl->route);
		events_drain(&nl->generic);
		return event(&lost, data);
	}
	if (len < 0)
		return (int)len;
	return events_read(nl, buf.bytes, len, event, data);
}

/* Links first: a device is there before there is something to tell of it. */
int events_run(struct nl *nl, event_fn event, void *data,
	       struct nl_error *error)
{
	struct pollfd fds[] = {
		{ .fd = mnl_socket_get_fd(nl->route.mnl), .events = POLLIN },
		{ .fd = mnl_socket_get_fd(nl->generic.mnl), .events = POLLIN },
	};
	int ret = 1;

	while (ret > 0) {
		if (poll(fds, 2, -1) < 0)
			ret = errno == EINTR ? 1 : -errno;
		else if (fds[0].revents)
			ret = sock_events(nl, &nl->route, event, data);
		else if (fds[1].revents)
			ret = sock_events(nl, &nl->generic, event, data);
	}
	error->err = -ret;
	return ret;
}
