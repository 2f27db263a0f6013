#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# probe.sh SRCTREE OBJTREE - which kernel interfaces a tree has
#
# Prints one -DXVTI_HAVE_NAME for each that is found in the tree's headers.
# Stable series bring interfaces back in mid-series, and sublevels above 255
# do not fit LINUX_VERSION_CODE: only the headers tell the truth. A kernel
# that cannot carry the module is refused with "error:" and one reason.

src=$1
obj=$2

# has NAME REGEX HEADER...: the regex may span lines, headers may be missing
has()
{
	name=$1
	regex=$2
	shift 2
	for header; do
		if grep -Ezqs "$regex" "$src/include/$header"; then
			printf ' -DXVTI_HAVE_%s' "$name"
			return
		fi
	done
}

refuse()
{
	echo "error:$1"
	exit 0
}

config=$obj/include/config/auto.conf
[ -r "$config" ] || config=/dev/null
for option in NET XFRM INET IPV6 INET_ESP INET6_ESP; do
	[ "$config" = /dev/null ] && break
	grep -q "^CONFIG_$option=[ym]" "$config" ||
		refuse "this kernel has no CONFIG_$option"
done
grep -qs 'dst_hold_safe' "$src/include/net/dst.h" ||
	refuse "this kernel is older than 4.14"

has IF_ID 'xfrm_lookup_with_ifid' net/dst.h
has SKB_SEC_PATH 'sec_path \*skb_sec_path\(' linux/skbuff.h net/xfrm.h
has SOCKPTR_POLICY 'xfrm_user_policy\([^)]*sockptr_t' net/xfrm.h
has TYPE_GET_MTU 'struct xfrm_type \{[^}]*get_mtu' net/xfrm.h
has XFRM6_INPUT_HANDLER 'struct xfrm6_protocol \{[^}]*input_handler' net/xfrm.h
has RT_DST_WILL_CACHE 'rt_dst_alloc\([^)]*will_cache' net/route.h
has RT_DST_NOPOLICY 'rt_dst_alloc\([^)]*nopolicy' net/route.h
has GSO_VALIDATE_NETWORK_LEN 'skb_gso_validate_network_len' \
	linux/skbuff.h net/gso.h
has NET_GSO_H 'skb_gso_segment' net/gso.h
has ESP_GSO_FAMILY 'skb_eth_gso_segment' linux/netdevice.h net/gso.h
has ICMP_NDO_SEND 'icmp_ndo_send' net/icmp.h
has UPDATE_PMTU_NO_CONFIRM 'skb_dst_update_pmtu_no_confirm' net/dst.h
has DEV_LLTX 'lltx:1' linux/netdevice.h
has NEWLINK_PARAMS 'newlink\)\([^)]*rtnl_newlink_params' net/rtnetlink.h
has GENL_OP_POLICY 'struct genl_ops \{[^}]*nla_policy' net/genetlink.h
has GENL_FAMILY_POLICY 'struct genl_family \{[^}]*nla_policy' net/genetlink.h
has GENL_RESV_START 'resv_start_op' net/genetlink.h
has GENL_DUMP_FAMILY 'genl_dump_check_consistent\([^)]*family' net/genetlink.h
has PEERNET2ID_ALLOC_GFP 'peernet2id_alloc\([^)]*gfp' net/net_namespace.h
has DECODE_SESSION_NET 'xfrm_decode_session\([^)]*struct net ' net/xfrm.h
has PACKET_OFFLOAD 'XFRM_DEV_OFFLOAD_PACKET' net/xfrm.h
has XDO_STATE_EXTACK 'xdo_dev_state_add\) ?\([^)]*netlink_ext_ack' \
	linux/netdevice.h
has XDO_STATE_DEV 'xdo_dev_state_add\) ?\(struct net_device' linux/netdevice.h
has PCPU_SA 'pcpu_num;' net/xfrm.h
has SMARK 'xfrm_smark_get' net/xfrm.h
has IPV4_UPDATE_PMTU_MARK 'ipv4_update_pmtu\([^)]*u32 mark' net/route.h
has DST_CHILD 'xfrm_dst_child' net/xfrm.h
has DST_INITIAL_REF 'dst_alloc\([^)]*initial_ref' net/dst.h
has FIB_NOTIFIER_NET 'register_fib_notifier\(struct net ' net/fib_notifier.h
has STATS_FETCH_IRQ 'u64_stats_fetch_begin_irq' linux/u64_stats_sync.h
echo
