// SPDX-License-Identifier: GPL-2.0
/* Devices: their life by rtnetlink, their configuration by our own family. */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "exchange.h"

#define DEV_BIT(attr) (1u << (attr))

/* rtnetlink: the life of a device */

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

/* Leaves *@data, a struct link, alone if the message is about no link. */
int link_parse(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct link *link = data;
	const struct nlattr *attr;

	if ((nlh->nlmsg_type != RTM_NEWLINK &&
	     nlh->nlmsg_type != RTM_DELLINK) ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi) ||
	    ifi->ifi_family != AF_UNSPEC)
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
		case IFLA_MASTER:
			link->master = attr_u32(attr);
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
	return nl_talk(&nl->route, nlh, link_parse, link, error);
}

int link_get(struct nl *nl, uint32_t ifindex, struct link *link,
	     struct nl_error *error)
{
	union request req;
	struct nlmsghdr *nlh = link_request(&req, RTM_GETLINK, ifindex);

	memset(link, 0, sizeof(*link));
	return nl_talk(&nl->route, nlh, link_parse, link, error);
}

static int links_add(const struct nlmsghdr *nlh, void *data)
{
	struct links *links = data;
	struct link *more = array_grow(links->link, links->count, sizeof(*more));

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
	return nl_dump(&nl->route, nlh, links_add, links_restart, links, error);
}

int link_create(struct nl *nl, const char *name, struct nl_error *error)
{
	union request req;
	struct nlmsghdr *nlh = link_request(&req, RTM_NEWLINK, 0);
	struct nl_error other;
	struct dev dev;
	int ret;

	nlh->nlmsg_flags |= NLM_F_CREATE | NLM_F_EXCL;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	link_put_kind(nlh);
	ret = nl_talk(&nl->route, nlh, NULL, NULL, error);
	/* It was made the first time, unless somebody has configured it. */
	if (ret == -EEXIST && error->again &&
	    !dev_get(nl, name, &dev, &other) && !dev.local.family)
		return 0;
	/* What rtnetlink says of a kind it does not know differs by kernel. */
	if (ret == -EOPNOTSUPP && family_get(nl, &other))
		error->no_module = other.no_module;
	return ret;
}

/* After the request a device is no longer here; then it has been done before. */
static int link_leave(struct nl *nl, struct nlmsghdr *nlh,
		      struct nl_error *error)
{
	int ret = nl_talk(&nl->route, nlh, NULL, NULL, error);

	return ret == -ENODEV && error->again ? 0 : ret;
}

int link_move(struct nl *nl, uint32_t ifindex, int netns_fd,
	      struct nl_error *error)
{
	union request req;
	struct nlmsghdr *nlh = link_request(&req, RTM_NEWLINK, ifindex);

	mnl_attr_put_u32(nlh, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	return link_leave(nl, nlh, error);
}

int link_up(struct nl *nl, uint32_t ifindex, struct nl_error *error)
{
	union request req;
	struct nlmsghdr *nlh = link_request(&req, RTM_NEWLINK, ifindex);
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP;
	return nl_talk(&nl->route, nlh, NULL, NULL, error);
}

int link_delete(struct nl *nl, uint32_t ifindex, struct nl_error *error)
{
	union request req;
	struct nlmsghdr *nlh = link_request(&req, RTM_DELLINK, ifindex);

	return link_leave(nl, nlh, error);
}

int link_delete_name(struct nl *nl, const char *name, struct nl_error *error)
{
	union request req;
	struct nlmsghdr *nlh = link_request(&req, RTM_DELLINK, 0);

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return link_leave(nl, nlh, error);
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
	return nl_talk(&nl->route, nlh, netnsid_parse, id, &error);
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
int family_get(struct nl *nl, struct nl_error *error)
{
	union request req;
	struct nlmsghdr *nlh;
	int ret;

	memset(error, 0, sizeof(*error));
	if (nl->family)
		return 0;
	nlh = generic_request(&req, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, XVTI_FAMILY_NAME);
	ret = nl_talk(&nl->generic, nlh, family_parse, nl, error);
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

/* What a device was told to be. */
static void dev_attr_conf(const struct nlattr *attr, struct dev *dev)
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
	case XVTI_A_DEV_MODE:
		dev->mode = attr_u32(attr);
		break;
	case XVTI_A_DEV_CARRIER:
		dev->carrier = attr_u32(attr);
		break;
	case XVTI_A_DEV_MTU:
		dev->mtu = attr_u32(attr);
		break;
	case XVTI_A_DEV_QUEUE:
		dev->queue = attr_u32(attr);
		break;
	}
}

/* What it is at present. */
static void dev_attr_state(const struct nlattr *attr, struct dev *dev)
{
	switch (mnl_attr_get_type(attr)) {
	case XVTI_A_DEV_MTU_SOURCE:
		dev->mtu_source = attr_u32(attr);
		break;
	case XVTI_A_DEV_LOWER_MTU:
		dev->lower_mtu = attr_u32(attr);
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
	case XVTI_A_DEV_SINCE:
		dev->since = attr_u64(attr);
		break;
	case XVTI_A_DEV_DROP_REASON:
		dev->drop_reason = attr_u32(attr);
		break;
	case XVTI_A_DEV_DROP_TIME:
		dev->drop_time = attr_u64(attr);
		break;
	}
}

int dev_parse(const struct nlmsghdr *nlh, void *data)
{
	struct dev *dev = data;
	const struct nlattr *attr;

	memset(dev, 0, sizeof(*dev));
	dev->underlay = NETNSA_NSID_NOT_ASSIGNED;
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) <= XVTI_A_DEV_MAX)
			dev->present |= DEV_BIT(mnl_attr_get_type(attr));
		dev_attr_conf(attr, dev);
		dev_attr_state(attr, dev);
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
	return nl_talk(&nl->generic, nlh, dev_parse, dev, error);
}

static int devs_add(const struct nlmsghdr *nlh, void *data)
{
	struct devs *devs = data;
	struct dev *more = array_grow(devs->dev, devs->count, sizeof(*more));

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
	return nl_dump(&nl->generic, nlh, devs_add, devs_restart, devs, error);
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
	put_u32(nlh, conf, W_MODE, XVTI_A_DEV_MODE, conf->mode);
	put_u32(nlh, conf, W_CARRIER, XVTI_A_DEV_CARRIER, conf->carrier);
	put_u32(nlh, conf, W_MTU, XVTI_A_DEV_MTU, conf->mtu);
	put_u32(nlh, conf, W_QUEUE, XVTI_A_DEV_QUEUE, conf->queue);
	return nl_talk(&nl->generic, nlh, NULL, NULL, error);
}
