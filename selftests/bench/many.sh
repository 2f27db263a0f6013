# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# many.sh - many devices of one kind, xfrmi or xvti, in the topology's ba.
# Sourced by scale.sh and cores.sh.
#
#   bg: g0 ---- a0 :ba: t1, t2... over u0, a dummy
#
# Device N has the peer 198.18.0.0 + N and the route 10.64.0.0 + N.

TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
CIPHER=null cipher

# Sets ADDRESS; a subshell for each would take longer than the devices.
address() # net number
{
	ADDRESS=$1.$(($2 >> 8)).$(($2 & 255))
}

# Call a function with the number of each device in turn.
each() # count function [argument...]
{
	local n

	for ((n = 1; n <= $1; n++)); do
		"${@:2}" "$n"
	done
}

# Commands that create a device, for the tool of its kind.
line_xfrmi() # number
{
	echo "link add t$1 group 7 type xfrm dev u0 if_id $1"
}

line_xvti() # number
{
	address 198.18 "$1"
	echo "add t$1 local $OUTER_A4 remote $ADDRESS reqid $1"
}

line_group() # number
{
	echo "link set t$1 group 7"
}

line_delete() # number
{
	echo "link del t$1"
}

lines_up() # number
{
	echo "link set t$1 addrgenmode none up"
	address 10.64 "$1"
	echo "route add $ADDRESS/32 dev t$1"
}

# SAs in both directions, and for xfrmi the policies.
lines_sas() # kind number
{
	local n=$2 tmpl tail key="reqid $2"

	address 198.18 "$n"
	[[ $1 != xfrmi ]] || key+=" if_id $n"
	tail="proto esp spi $((n + 255)) $key mode tunnel $ALGO"
	echo "xfrm state add src $OUTER_A4 dst $ADDRESS $tail"
	echo "xfrm state add src $ADDRESS dst $OUTER_A4 $tail"
	[[ $1 == xfrmi ]] || return 0
	tmpl="tmpl src $OUTER_A4 dst $ADDRESS proto esp reqid $n mode tunnel"
	echo "xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out" \
		"if_id $n $tmpl"
}

# The kinds that this kernel has.
kinds()
{
	if ip link add x0 type xfrm if_id 1 2>/dev/null; then
		ip link del x0
		echo xfrmi
	fi
	echo xvti
}

create_command() # kind
{
	case $1 in
	xfrmi) COMMAND=(ip -n ba -batch "$TMP/create") ;;
	xvti) COMMAND=(xvti -n ba -b "$TMP/create") ;;
	esac
}

fill() # kind count
{
	topology tx-scale
	batch ba <<<"route add 198.18.0.0/15 via $OUTER_B4"
	each "$2" "line_$1" >"$TMP/create"
}
