# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# many.sh - many devices of one kind, xfrmi or xvti, in the topology's ba.
# Sourced by scale.sh and cores.sh, which have a directory TMP.
#
#   bg: g0 ---- a0 :ba: t1, t2... over u0, a dummy
#
# Device N has the peer 198.18.0.0 + N and the route 10.64.0.0 + N.

# Sets ADDRESS; a subshell for each would take longer than the devices.
address() # net number
{
	ADDRESS=$1.$(($2 >> 8)).$(($2 & 255))
}

# Commands that create the devices, for the tool of their kind.
lines_xfrmi()
{
	local n

	for ((n = 1; n <= $1; n++)); do
		echo "link add t$n group 7 type xfrm dev u0 if_id $n"
	done
}

lines_xvti()
{
	local n

	for ((n = 1; n <= $1; n++)); do
		address 198.18 $n
		echo "add t$n local $OUTER_A4 remote $ADDRESS reqid $n"
	done
}

lines_group()
{
	local n

	for ((n = 1; n <= $1; n++)); do
		echo "link set t$n group 7"
	done
}

lines_up()
{
	local n

	for ((n = 1; n <= $1; n++)); do
		echo "link set t$n addrgenmode none up"
		address 10.64 $n
		echo "route add $ADDRESS/32 dev t$n"
	done
}

# SAs in both directions, and for xfrmi the policies.
lines_sas() # kind count
{
	local n tmpl tail key

	CIPHER=null cipher
	for ((n = 1; n <= $2; n++)); do
		address 198.18 $n
		key="reqid $n"
		[[ $1 != xfrmi ]] || key+=" if_id $n"
		tail="proto esp spi $((n + 255)) $key mode tunnel $ALGO"
		echo "xfrm state add src $OUTER_A4 dst $ADDRESS $tail"
		echo "xfrm state add src $ADDRESS dst $OUTER_A4 $tail"
		[[ $1 == xfrmi ]] || continue
		tmpl="tmpl src $OUTER_A4 dst $ADDRESS proto esp reqid $n mode tunnel"
		echo "xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out" \
			"if_id $n $tmpl"
	done
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
	"lines_$1" "$2" >"$TMP/create"
}
