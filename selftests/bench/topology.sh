# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# topology.sh - what a row is measured on, and how each script of this directory
# that runs in a guest begins. Sourced by them.
#
#   bg: g0 ---- a0 :ba: u0 ---- u0 :bb: s0
#       pktgen      10.1.0.1         10.2.0.1  (a dummy)
#                   fd01::1          fd02::1
#
# Packets for 10.2.0.0/16 and fd02::/16 take ba's tunnel. Where only the
# transmitter is measured, ba's u0 is a dummy, and bb is not used.

export LC_ALL=C
BENCH=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
PATH=/usr/sbin:/sbin:$PATH:$BENCH/..

readonly OUTER_A4=192.0.2.1 OUTER_B4=192.0.2.2
readonly OUTER_A6=2001:db8::1 OUTER_B6=2001:db8::2
readonly MAC_A=02:00:00:00:00:0a MAC=02:00:00:00:00:01
readonly KEY16=0x000102030405060708090a0b0c0d0e0f

die()
{
	echo "bench: $*" >&2
	exit 2
}

# Load what is needed, and name the kernel. Sets IDLE_KNOWN to whether it tells
# for how long it idled.
begin()
{
	local module

	for module in pktgen dummy veth xvti; do
		modprobe -q $module
	done
	[[ -d /proc/net/pktgen ]] || die "this kernel has no pktgen"
	printf '{"kernel":"%s"}\n' "$(uname -r)"
	# shellcheck disable=SC2034 # for who sources this
	IDLE_KNOWN=$(grep -c 'idle_sleeptime : [1-9]' /proc/timer_list)
}

# Commands of ip, from standard input; with a netns for $1.
batch()
{
	ip ${1:+-n "$1"} -batch - || die "could not set up $ROW"
}

in_sysctls() # netns name=value...
{
	local ns=$1

	shift
	# shellcheck disable=SC2016 # for the inner shell
	ip netns exec "$ns" sh -c 'cd /proc/sys/net
		for s; do echo "${s#*=}" >"${s%%=*}"; done' - "$@"
}

# Nothing is sent of its own accord, so that nothing else is counted.
topology() # path
{
	local under="link add u0 address $MAC netns ba type dummy"
	local ns

	[[ $1 == tx-* ]] ||
		under="link add u0 address $MAC netns ba type veth peer name u0 address $MAC netns bb"
	batch <<-END
		netns add bg
		netns add ba
		netns add bb
		link add g0 netns bg type veth peer name a0 address $MAC_A netns ba
		$under
	END
	for ns in bg ba bb; do
		in_sysctls $ns ipv4/ip_forward=1 ipv6/conf/all/forwarding=1 \
			ipv6/conf/{all,default}/accept_dad=0 \
			ipv6/conf/default/addr_gen_mode=1
	done
	batch bg <<<"link set g0 up"
	batch ba <<-END
		link set lo up
		addr add 10.1.0.1/32 dev lo
		addr add fd01::1/128 dev lo
		link set a0 up
		link set u0 arp off
		link set u0 up
		addr add $OUTER_A4/24 dev u0
		addr add $OUTER_A6/64 dev u0 nodad
	END
	[[ $1 != tx-* ]] || return 0
	batch bb <<-END
		link set lo up
		addr add 10.2.0.1/32 dev lo
		addr add fd02::1/128 dev lo
		link set u0 arp off
		link set u0 up
		addr add $OUTER_B4/24 dev u0
		addr add $OUTER_B6/64 dev u0 nodad
		link add s0 type dummy
		link set s0 up
		route add 10.2.0.0/16 dev s0
		route add fd02::/16 dev s0
	END
	# a veth has it off, a network card and a tunnel device on
	[[ $1 != rx-gro ]] || ip netns exec bb ethtool -K u0 gro on ||
		die "no GRO on a veth"
}

topology_end()
{
	printf 'netns del %s\n' bg ba bb | ip -force -batch - 2>/dev/null
}

# The names of one end, ba or bb, of the family of the row.
end_names() # netns
{
	local a=OUTER_A$FAMILY b=OUTER_B$FAMILY

	if [[ $1 == ba ]]; then
		L=${!a} R=${!b} IN=0x200 OUT=0x100 NEAR=1 FAR=2
	else
		L=${!b} R=${!a} IN=0x100 OUT=0x200 NEAR=2 FAR=1
	fi
	if [[ $FAMILY == 6 ]]; then
		NEAR_NET=fd0$NEAR::/16 FAR_NET=fd0$FAR::/16 SRC=fd0$NEAR::1
		ANY=::/0
	else
		NEAR_NET=10.$NEAR.0.0/16 FAR_NET=10.$FAR.0.0/16 SRC=10.$NEAR.0.1
		ANY=0.0.0.0/0
	fi
}

cipher()
{
	case $CIPHER in
	null) ALGO="enc ecb(cipher_null) ''" ;;
	gcm) ALGO="aead rfc4106(gcm(aes)) ${KEY16}10111213 128" ;;
	esac
}

# The SAs of an end; the outbound one with options of its own.
sas() # [both...] [-- out...]
{
	local both=() common="proto esp reqid 42 mode tunnel replay-window 32"

	while (($# > 0)) && [[ $1 != -- ]]; do
		both+=("$1")
		shift
	done
	shift
	cipher
	echo "xfrm state add src $L dst $R spi $OUT $common $ALGO ${both[*]} $*"
	echo "xfrm state add src $R dst $L spi $IN $common $ALGO ${both[*]}"
}

# Policies between two networks, in all directions.
policies() # near far option...
{
	local near=$1 far=$2 there back

	shift 2
	there="tmpl src $L dst $R proto esp reqid 42 mode tunnel"
	back="tmpl src $R dst $L proto esp reqid 42 mode tunnel"
	echo "xfrm policy add src $near dst $far dir out $* $there"
	echo "xfrm policy add src $far dst $near dir in $* $back"
	echo "xfrm policy add src $far dst $near dir fwd $* $back"
}

# The tunnel's route; without a tunnel, the underlay's.
far_route() # [device]
{
	if [[ ${1-} ]]; then
		echo "link set $1 up"
		echo "route add $FAR_NET dev $1 src $SRC"
	else
		echo "route add $FAR_NET via $R src $SRC"
	fi
}

end_none() { far_route | batch "$1"; }

end_ipip()
{
	if [[ $FAMILY == 6 ]]; then
		echo "link add t0 type ip6tnl mode any local $L remote $R" \
			"encaplimit none"
	else
		echo "link add t0 type ipip local $L remote $R"
	fi | cat - <(far_route t0) | batch "$1"
}

end_spd()
{
	{
		far_route
		policies "$NEAR_NET" "$FAR_NET"
		sas
	} | batch "$1"
}

# SAs alone, and no policy that would have to be asked: the receiver's floor.
end_sa()
{
	{
		far_route
		sas
		# for IPv6 there is no such setting for what is forwarded
		[[ $FAMILY == 4 ]] || echo "xfrm policy add src ::/0 dst ::/0" \
			"dir fwd tmpl src $R dst $L proto esp reqid 42 mode tunnel"
	} | batch "$1"
	in_sysctls "$1" ipv4/conf/{all,u0}/disable_policy=1
}

# The same beside a device of ours that has nothing to do with it.
end_sa-xvti()
{
	end_sa "$1"
	ip netns exec "$1" xvti add t1 local "$L" reqid 43 remote any up ||
		die "could not add the device"
}

end_vti()
{
	local type=vti

	[[ $FAMILY == 4 ]] || type=vti6
	{
		echo "link add t0 type $type local $L remote $R key 42"
		far_route t0
		policies "$ANY" "$ANY" mark 42
		sas -- mark 42
	} | batch "$1"
	in_sysctls "$1" ipv4/conf/t0/disable_policy=1
}

end_xfrmi()
{
	{
		echo "link add t0 type xfrm dev u0 if_id 42"
		far_route t0
		policies "$ANY" "$ANY" if_id 42
		sas if_id 42
	} | batch "$1"
}

end_xvti()
{
	ip netns exec "$1" xvti add t0 local "$L" remote "$R" reqid 42 ||
		die "could not add the device"
	{
		far_route t0
		sas
	} | batch "$1"
}

# As the floor of rx is, whose device below has no GRO either.
end_xvti-nogro()
{
	end_xvti "$1"
	ip netns exec "$1" ethtool -K t0 gro off || die "GRO stays on"
}

end_xvti-policy()
{
	ip netns exec "$1" xvti add t0 local "$L" remote "$R" mark 42 \
		mode policy || die "could not add the device"
	{
		far_route t0
		policies "$ANY" "$ANY" mark 42
		sas -- mark 42
	} | batch "$1"
}

# Both ends have the keys that the digits of their addresses make.
end_wireguard()
{
	local key peer

	key=$(printf '%032d' "$NEAR" | base64)
	peer=$(printf '%032d' "$FAR" | base64)
	batch "$1" <<<"link add t0 type wireguard"
	ip netns exec "$1" wg set t0 private-key <(echo "$key") \
		listen-port 51820 peer "$(wg pubkey <<<"$peer")" \
		allowed-ips 0.0.0.0/0,::/0 endpoint "[$R]:51820" ||
		die "could not configure WireGuard"
	far_route t0 | batch "$1"
}

setup() # path tunnel
{
	local tx=$2 rx=$2

	topology "$1"
	[[ $1 != rx* ]] || tx=spd
	end_names ba
	"end_$tx" ba
	if [[ $1 != tx-* ]]; then
		end_names bb
		"end_$rx" bb
	fi
}
