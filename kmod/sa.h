/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _XVTI_SA_H
#define _XVTI_SA_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <net/xfrm.h>

struct xvti_dev;
struct xvti_net;

/* What an SA and a device can have in common, apart from the endpoints. */
enum xvti_key {
	XVTI_KEY_REQID,
	XVTI_KEY_IF_ID,
	XVTI_KEY_MARK,
	XVTI_KEY_MAX,
};

enum xvti_dir {
	XVTI_OUT,
	XVTI_IN,
};

/* Where a cipher may hand a decrypted packet back. */
enum xvti_async {
	XVTI_ASYNC_NEVER,	/* where it was handed in */
	XVTI_ASYNC_WORKER,	/* there, or in a kernel thread */
	XVTI_ASYNC_ANYWHERE,
};

/**
 * struct xvti_sa - what the module knows of one SA
 * @spi_node: in the hash by SPI; readers under RCU
 * @key_node: in the hash by what it can be bound by
 * @net_node: in the list of the underlay's SAs
 * @dev_node: in the list of the device that it is bound to
 * @xv: that device, or NULL; readers under RCU
 * @rcu: for the release
 * @net: netns of the SA
 * @saddr: outer source address
 * @daddr: outer destination address
 * @mark: mark and mask
 * @bind_mark: the mark that it is bound by, that of its policies if it has none
 * @spi: SPI
 * @reqid: reqid
 * @if_id: interface id
 * @gen: last walk that saw it
 * @owner: nlmsg_pid of the request that made it, which names the daemon, or 0 if it
 *	gave none
 * @add_time: seconds since the epoch
 * @dir: as seen from @xv
 * @family: family of the outer addresses
 * @proto: IPPROTO_ESP, _AH or _COMP
 * @mode: XFRM_MODE_*
 * @inner: bit mask of &enum xvti_inner: families for which an any/any flow
 *	finds this SA
 * @async: &enum xvti_async
 * @per_cpu: for the packets of one CPU, beside the others of its pair
 * @foreign: of another peer than the one that @xv has at present
 * @unused: inbound, and @xv waits for the first packet that comes by it
 * @expiring: its soft lifetime is over
 *
 * A copy, without a reference to the xfrm_state: nothing here may keep an SA
 * or its offload device alive. Protected by xvti_sa_lock; what identifies the
 * SA never changes, so that readers under RCU may compare it.
 */
struct xvti_sa {
	struct hlist_node	spi_node;
	struct hlist_node	key_node[XVTI_KEY_MAX];
	struct list_head	net_node;
	struct list_head	dev_node;
	struct xvti_dev __rcu	*xv;
	struct rcu_head		rcu;
	struct net		*net;
	xfrm_address_t		saddr;
	xfrm_address_t		daddr;
	struct xfrm_mark	mark;
	struct xfrm_mark	bind_mark;
	__be32			spi;
	u32			reqid;
	u32			if_id;
	u32			gen;
	u32			owner;
	u64			add_time;
	enum xvti_dir		dir;
	u16			family;
	u8			proto;
	u8			mode;
	u8			inner;
	u8			async;
	bool			per_cpu;
	bool			foreign;
	bool			unused;
	bool			expiring;
};

static inline const xfrm_address_t *xvti_sa_remote(const struct xvti_sa *sa)
{
	return sa->dir == XVTI_OUT ? &sa->daddr : &sa->saddr;
}

extern spinlock_t xvti_sa_lock;
extern struct xfrm_mgr xvti_mgr;

/* An RCU pointer that changes under xvti_sa_lock, for those who hold it. */
#define xvti_sa_dereference(p) \
	rcu_dereference_protected(p, lockdep_is_held(&xvti_sa_lock))

u8 xvti_sa_async(const struct xfrm_state *x);
void xvti_sa_fill(struct xvti_sa *sa, struct xfrm_state *x);
struct xvti_sa *xvti_sa_find(struct xfrm_state *x);
struct xvti_sa *xvti_sa_find_marked(const struct net *net,
				    const xfrm_address_t *daddr, __be32 spi,
				    u8 proto, u16 family);
struct xvti_dev *xvti_sa_sender(const struct net *net,
				const xfrm_address_t *daddr, __be32 spi,
				u8 proto, u16 family);
struct xvti_dev *xvti_sa_paired(const struct xvti_sa *sa);
void xvti_sa_remark(struct xvti_net *xn, u32 reqid);
void xvti_sa_settle(void);
void xvti_sa_init(void);
void xvti_sa_track(struct xvti_net *xn);
void xvti_sa_forget(struct xvti_net *xn);
void xvti_sa_resync_work(struct work_struct *work);
void xvti_sa_resync(struct xvti_net *xn);
void xvti_sa_retry(struct xvti_net *xn);
void xvti_sa_dirty(struct xvti_dev *xv);
void xvti_sa_bind_chain(struct xvti_net *xn, enum xvti_key key, u32 value);
void xvti_sa_rebind(struct xvti_dev *xv);

#endif /* _XVTI_SA_H */
