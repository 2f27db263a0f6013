// SPDX-License-Identifier: GPL-2.0
/*
 * Lets the dst of a packet die while the packet carries it.
 *
 * A packet may borrow its dst: the reference is the route's or the socket's,
 * and RCU keeps the memory. When the owner lets go meanwhile, the refcount is 0
 * and skb_dst_force() takes the dst away from the packet. That is a race of a
 * few instructions in life; here it happens to each packet of the kind that was
 * asked for, by putting a copy of its dst in the place of the original: made by
 * dst_alloc() and released at once, so that it is freed after the grace period,
 * as it would be. A packet that owns its reference is never touched, since
 * nothing of the sort can happen to it.
 *
 * The parameter "mode" is that of the network namespace of who writes it:
 *   off
 *   input    ESP packets for this host, before they are decrypted
 *   forward  packets to be forwarded, before the policy is looked up; the first
 *            one after this was written that borrows its dst passes, and shows
 *            the route that those to the same address have afterwards
 *   output   packets whose route has a transform, before it is applied
 * "killed" is how many packets have been treated so in this namespace, "met"
 * how many there were of input or output, whether they owned their dst or not,
 * and of forward those that showed a route.
 */

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/nsproxy.h>
#include <net/dst.h>
#include <net/ip6_fib.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/route.h>
#include <net/xfrm.h>

enum deaddst_mode {
	DEADDST_OFF,
	DEADDST_INPUT,
	DEADDST_FORWARD,
	DEADDST_OUTPUT,
};

static const char * const deaddst_modes[] = {
	[DEADDST_OFF] = "off",
	[DEADDST_INPUT] = "input",
	[DEADDST_FORWARD] = "forward",
	[DEADDST_OUTPUT] = "output",
};

/* All that dst_alloc() is to leave room for. */
union deaddst_any {
	struct dst_entry	dst;
	struct rtable		rt4;
	struct rt6_info		rt6;
	struct xfrm_dst		xfrm;
};

/* A route that was seen at work. It has no references: whoever changes routes
 * has to write the mode again.
 */
struct deaddst_route {
	bool			known;
	xfrm_address_t		daddr;
	union deaddst_any	any;
};

struct deaddst_net {
	enum deaddst_mode	mode;
	atomic_t		killed;
	atomic_t		met;
	spinlock_t		lock; /* protects routes */
	struct deaddst_route	routes[2];
};

static unsigned int deaddst_net_id;
static struct kmem_cache *deaddst_cache;
/* by family, and whether there is a transform */
static struct dst_ops deaddst_ops[2][2];

static struct deaddst_net *deaddst_pernet(const struct net *net)
{
	return net_generic(net, deaddst_net_id);
}

static size_t deaddst_size(const struct dst_entry *dst, u8 family)
{
	if (dst->xfrm)
		return sizeof(struct xfrm_dst);
	return family == AF_INET6 ? sizeof(struct rt6_info) :
				    sizeof(struct rtable);
}

/* The operations of @dst for a copy, which owns no more than its memory. */
static struct dst_ops *deaddst_copy_ops(const struct dst_entry *dst, u8 family)
{
	struct dst_ops *ops = &deaddst_ops[family == AF_INET6][!!dst->xfrm];

	*ops = *dst->ops;
	ops->kmem_cachep = deaddst_cache;
	ops->destroy = NULL;
	ops->ifdown = NULL;
	ops->gc = NULL;
	return ops;
}

/* The child is the one thing that is released with a copy. */
static void deaddst_copy_xfrm(struct dst_entry *copy, struct dst_entry *dst)
{
	copy->xfrm = dst->xfrm;
	xvti_dst_set_child(copy, dst_clone(xfrm_dst_child(dst)));
}

static struct dst_entry *deaddst_copy(struct dst_entry *dst, u8 family)
{
	unsigned short flags = dst->flags & (DST_NOXFRM | DST_NOPOLICY);
	struct dst_entry *copy;

	copy = dst_alloc(deaddst_copy_ops(dst, family), dst->dev,
			 DST_OBSOLETE_NONE, flags | DST_NOCOUNT);
	if (!copy)
		return NULL;

	memcpy(copy + 1, dst + 1, deaddst_size(dst, family) - sizeof(*dst));
	copy->input = dst->input;
	copy->output = dst->output;
	copy->error = dst->error;
	copy->header_len = dst->header_len;
	copy->trailer_len = dst->trailer_len;
	copy->_metrics = dst->_metrics;
	if (dst->xfrm)
		deaddst_copy_xfrm(copy, dst);
	return copy;
}

static void deaddst_set(struct deaddst_net *dn, struct sk_buff *skb,
			struct dst_entry *dst, u8 family)
{
	struct dst_entry *copy = deaddst_copy(dst, family);

	if (!copy)
		return;
	dst_release(copy);
	skb_dst_drop(skb);
	skb_dst_set_noref(skb, copy);
	atomic_inc(&dn->killed);
}

static void deaddst_kill(struct deaddst_net *dn, struct sk_buff *skb, u8 family)
{
	atomic_inc(&dn->met);
	if (skb_dst(skb) && skb_dst_is_noref(skb))
		deaddst_set(dn, skb, skb_dst(skb), family);
}

static bool deaddst_is_esp(const struct sk_buff *skb, u8 family)
{
	return family == AF_INET6 ? ipv6_hdr(skb)->nexthdr == IPPROTO_ESP :
				    ip_hdr(skb)->protocol == IPPROTO_ESP;
}

static void deaddst_daddr(const struct sk_buff *skb, u8 family,
			  xfrm_address_t *daddr)
{
	memset(daddr, 0, sizeof(*daddr));
	if (family == AF_INET6)
		daddr->in6 = ipv6_hdr(skb)->daddr;
	else
		daddr->a4 = ip_hdr(skb)->daddr;
}

/* What a packet is forwarded by, before there is a policy for it. */
static void deaddst_learn(struct deaddst_net *dn, const struct sk_buff *skb,
			  u8 family)
{
	struct deaddst_route *route = &dn->routes[family == AF_INET6];
	const struct dst_entry *dst = skb_dst(skb);

	if (!dst || dst->xfrm || !skb_dst_is_noref(skb))
		return;
	spin_lock_bh(&dn->lock);
	if (!route->known) {
		memcpy(&route->any, dst, deaddst_size(dst, family));
		deaddst_daddr(skb, family, &route->daddr);
		route->known = true;
		atomic_inc(&dn->met);
	}
	spin_unlock_bh(&dn->lock);
}

/* As if the packet had been routed, and the route had died. */
static void deaddst_route(struct deaddst_net *dn, struct sk_buff *skb,
			  u8 family)
{
	struct deaddst_route *route = &dn->routes[family == AF_INET6];
	xfrm_address_t daddr;

	deaddst_daddr(skb, family, &daddr);
	spin_lock_bh(&dn->lock);
	if (route->known && !memcmp(&route->daddr, &daddr, sizeof(daddr)))
		deaddst_set(dn, skb, &route->any.dst, family);
	spin_unlock_bh(&dn->lock);
}

static unsigned int deaddst_hook(void *priv, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	struct deaddst_net *dn = deaddst_pernet(state->net);
	u8 family = state->pf == NFPROTO_IPV6 ? AF_INET6 : AF_INET;
	enum deaddst_mode mode = READ_ONCE(dn->mode);

	if (mode == DEADDST_INPUT && state->hook == NF_INET_LOCAL_IN &&
	    deaddst_is_esp(skb, family))
		deaddst_kill(dn, skb, family);
	if (mode == DEADDST_OUTPUT && state->hook == NF_INET_POST_ROUTING &&
	    skb_dst(skb)->xfrm)
		deaddst_kill(dn, skb, family);
	if (mode == DEADDST_FORWARD && state->hook == NF_INET_FORWARD)
		deaddst_learn(dn, skb, family);
	if (mode == DEADDST_FORWARD && state->hook == NF_INET_PRE_ROUTING)
		deaddst_route(dn, skb, family);
	return NF_ACCEPT;
}

#define DEADDST_HOOK(family, nr) \
	{ \
		.hook = deaddst_hook, \
		.pf = (family), \
		.hooknum = (nr), \
		.priority = NF_IP_PRI_LAST, \
	}

static const struct nf_hook_ops deaddst_hooks[] = {
	DEADDST_HOOK(NFPROTO_IPV4, NF_INET_PRE_ROUTING),
	DEADDST_HOOK(NFPROTO_IPV4, NF_INET_LOCAL_IN),
	DEADDST_HOOK(NFPROTO_IPV4, NF_INET_FORWARD),
	DEADDST_HOOK(NFPROTO_IPV4, NF_INET_POST_ROUTING),
	DEADDST_HOOK(NFPROTO_IPV6, NF_INET_PRE_ROUTING),
	DEADDST_HOOK(NFPROTO_IPV6, NF_INET_LOCAL_IN),
	DEADDST_HOOK(NFPROTO_IPV6, NF_INET_FORWARD),
	DEADDST_HOOK(NFPROTO_IPV6, NF_INET_POST_ROUTING),
};

static int deaddst_set_mode(const char *val, const struct kernel_param *kp)
{
	struct deaddst_net *dn = deaddst_pernet(current->nsproxy->net_ns);
	int mode;

	mode = __sysfs_match_string(deaddst_modes, ARRAY_SIZE(deaddst_modes),
				    val);
	if (mode < 0)
		return mode;
	WRITE_ONCE(dn->mode, DEADDST_OFF);
	spin_lock_bh(&dn->lock);
	dn->routes[0].known = false;
	dn->routes[1].known = false;
	spin_unlock_bh(&dn->lock);
	atomic_set(&dn->killed, 0);
	atomic_set(&dn->met, 0);
	WRITE_ONCE(dn->mode, mode);
	return 0;
}

static int deaddst_get_mode(char *buffer, const struct kernel_param *kp)
{
	struct deaddst_net *dn = deaddst_pernet(current->nsproxy->net_ns);

	return sprintf(buffer, "%s\n", deaddst_modes[dn->mode]);
}

static int deaddst_get_killed(char *buffer, const struct kernel_param *kp)
{
	struct deaddst_net *dn = deaddst_pernet(current->nsproxy->net_ns);

	return sprintf(buffer, "%d\n", atomic_read(&dn->killed));
}

static int deaddst_get_met(char *buffer, const struct kernel_param *kp)
{
	struct deaddst_net *dn = deaddst_pernet(current->nsproxy->net_ns);

	return sprintf(buffer, "%d\n", atomic_read(&dn->met));
}

static const struct kernel_param_ops deaddst_mode_ops = {
	.set = deaddst_set_mode,
	.get = deaddst_get_mode,
};
module_param_cb(mode, &deaddst_mode_ops, NULL, 0600);
MODULE_PARM_DESC(mode, "off, input, forward or output, for the writer's netns");

static const struct kernel_param_ops deaddst_killed_ops = {
	.get = deaddst_get_killed,
};
module_param_cb(killed, &deaddst_killed_ops, NULL, 0400);
MODULE_PARM_DESC(killed, "packets whose dst has died, in the reader's netns");

static const struct kernel_param_ops deaddst_met_ops = {
	.get = deaddst_get_met,
};
module_param_cb(met, &deaddst_met_ops, NULL, 0400);
MODULE_PARM_DESC(met, "packets of input and output, routes of forward, in the reader's netns");

static int __net_init deaddst_init_net(struct net *net)
{
	spin_lock_init(&deaddst_pernet(net)->lock);
	return nf_register_net_hooks(net, deaddst_hooks,
				     ARRAY_SIZE(deaddst_hooks));
}

static void __net_exit deaddst_exit_net(struct net *net)
{
	nf_unregister_net_hooks(net, deaddst_hooks, ARRAY_SIZE(deaddst_hooks));
}

static struct pernet_operations deaddst_net_ops = {
	.init = deaddst_init_net,
	.exit = deaddst_exit_net,
	.id = &deaddst_net_id,
	.size = sizeof(struct deaddst_net),
};

static int __init deaddst_init(void)
{
	int err;

	deaddst_cache = kmem_cache_create("xvti_deaddst",
					  sizeof(union deaddst_any), 0,
					  SLAB_HWCACHE_ALIGN, NULL);
	if (!deaddst_cache)
		return -ENOMEM;
	err = register_pernet_subsys(&deaddst_net_ops);
	if (err)
		kmem_cache_destroy(deaddst_cache);
	return err;
}

static void __exit deaddst_exit(void)
{
	unregister_pernet_subsys(&deaddst_net_ops);
	/* the last copies are freed */
	synchronize_net();
	rcu_barrier();
	kmem_cache_destroy(deaddst_cache);
}

module_init(deaddst_init);
module_exit(deaddst_exit);

MODULE_DESCRIPTION("Lets the dst of packets die at the wrong moment");
MODULE_LICENSE("GPL");
