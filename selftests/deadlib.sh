# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For the tests in which a packet's dst dies at the wrong moment, see
# modules/xvti_deaddst.c. Sourced after lib.sh.

readonly DEADDST=/sys/module/xvti_deaddst/parameters
# A host behind A, whose packets A forwards, and the gateway that A is to it.
readonly C4=10.9.0.1 C6=fd09::1 GW4=10.9.0.2 GW6=fd09::2

need_deaddst()
{
	[ -d "$DEADDST" ] || modprobe xvti_deaddst 2>/dev/null ||
		skip_all "the module xvti_deaddst is not there"
}

# From now on, what is of this kind dies in this namespace.
kill_dsts() # netns off|input|forward|output
{
	# shellcheck disable=SC2016 # for the inner shell
	must in_ns "$1" sh -c 'echo "$1" >"$2/mode"' - "$2" "$DEADDST"
}

killed() # netns
{
	in_ns "$1" cat "$DEADDST/killed"
}

# Of input and output: how many there were, killed or not. Of forward: how many
# showed a way.
met() # netns
{
	in_ns "$1" cat "$DEADDST/met"
}

# So many must have been counted by the core, and no other error.
check_xfrm_error() # what netns name count
{
	# shellcheck disable=SC2016 # for awk
	check_eq "$1: errors that the core has counted" \
		"$(in_ns "$2" awk '$2 { print $1 ":" $2 }' /proc/net/xfrm_stat)" \
		"$3:$4"
}

# A client C behind a namespace that forwards for it.
setup_client() # netns
{
	setup_ns C
	wire "$C" "$1" c0
	add_addr "$C" c0 $C4/24 $C6/64
	add_addr "$1" c0 $GW4/24 $GW6/64
	ip_batch "$C" <<-END
		route add default dev c0
		route add ::/0 dev c0
	END
	forwards "$1"
}

# Sends packets one by one, to these addresses in turn, until so many have lost
# their dst. Those that own a reference cannot: until 5.3 all that were received
# by IPv6, and at any time the first one to use a route. All routes are new after
# a change of carrier, of which the kernel may tell a second late.
kill_some() # netns sender count address...
{
	local ns=$1 sender=$2 count=$3 tries

	shift 3
	for ((tries = 0; tries < count + 5; tries++)); do
		in_ns "$sender" ping -n -q -c 1 -W 1 "${@:tries % $# + 1:1}" >/dev/null
		(($(killed "$ns") < count)) || return 0
	done
	(($(killed "$ns") > 0)) ||
		skip "this kernel gives such packets a reference to their dst"
	fail "of $tries packets only $(killed "$ns") have lost their dst"
}

# How many packets of input or output have kept their dst.
spared() # netns
{
	echo $(($(met "$1") - $(killed "$1")))
}

# The first packet that borrows its dst shows the way, those that follow lose
# theirs. It is not always the first one by a route, which may own its dst.
kill_forwarded() # netns client address
{
	local tries

	kill_dsts "$1" forward
	for tries in {1..5}; do
		ping_none "the way, $tries" "$2" "$3" 1
		[ "$(met "$1")" -eq 0 ] || break
	done
	check_eq "packets that showed the way" "$(met "$1")" 1
	check_eq "packets killed before there was a way" "$(killed "$1")" 0
}
