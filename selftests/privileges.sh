#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Who may see and who may change what: to change a tunnel takes CAP_NET_ADMIN
# over both of its namespaces.
#
#   OA or UN: xv0 10.8.0.1               OB: xv0 10.8.0.2
#        :                                    :
#   UA: 192.0.2.1 --------- v0 --------- UB: 192.0.2.2
#
# UN belongs to a user namespace, whose root is nobody here.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

setup()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	ping_ok "before" "$OA" "$IB4"
}

# USERNS is a process in a user namespace and a network namespace of its own.
user_namespace()
{
	background /dev/null unshare -Urn sleep 1000
	USERNS=$BG_PID
	await "user namespace" in_user test -d /proc/sys/net/ipv4/conf/lo
}

in_user() # command...
{
	nsenter -t "$USERNS" -U -n "$@"
}

# The words of xvti set that change a tunnel, and how.
readonly CHANGES=(
	"local 192.0.2.9" "remote 192.0.2.9" "remote any" "reqid 8" "reqid none mark 6"
	"mark 6" "mode policy mark 6" "dev none" "carrier sa" "mtu 1300" "queue 5"
)

check_unchangeable() # what command-prefix...
{
	local what=$1 change before

	shift
	before=$("$@" xvti -j show xv0)
	check "$what: shown" jq -e '.[0].reqid == 7 and .[0].remote == "192.0.2.2"' <<<"$before"
	for change in "${CHANGES[@]}"; do
		# shellcheck disable=SC2086 # words
		refused "$what: $change" 'permi|CAP_NET_ADMIN' "$@" xvti set xv0 $change
	done
	check_eq "$what: state" "$("$@" xvti -j show xv0)" "$before"
}

# A user without any privilege sees what ip link shows a user, too.
case_user()
{
	local -a user

	setup
	user=(ip netns exec "$OA" setpriv --reuid 65534 --regid 65534 --clear-groups)
	check_unchangeable "user" "${user[@]}"
	refused "delete" 'permi' "${user[@]}" xvti del xv0
	refused "create" 'permi' "${user[@]}" xvti add xv1 local "$A4" remote "$B4" reqid 8
	check_eq "counters" "$("${user[@]}" xvti -j -s show xv0 | jq '.[0].stats.tx_packets')" 3
	check "explain" "${user[@]}" xvti explain xv0 to "$IB4"
	ping_ok "after" "$OA" "$IB4"
}

# Who has the overlay owns the device as an interface, and not the tunnel.
case_overlay()
{
	setup
	user_namespace
	must ip -n "$OA" link set xv0 netns "$USERNS"
	check_unchangeable "owner of the overlay" in_user
	# what any interface can be told
	check "name" in_user ip link set xv0 name own0
	must in_user ip link set own0 addrgenmode none up
	must in_user ip addr add "$IA4"/24 dev own0
	check "traffic" in_user ping -n -q -i 0.01 -c 3 -w 20 "$IB4"
	check "MTU" in_user ip link set own0 mtu 1350
	check_eq "MTU" "$(in_user xvti -j show own0 | jq -r '.[0].mtu')" 1350
	# nobody there has opened the underlay, or could
	refused "the underlay" 'permi' in_user ip netns exec "$UA" true
	refused "export" 'not exported' in_user xvti export
	in_user xvti explain own0 to "$IB4" >"$TMP/said"
	check "explain, without the underlay" grep -q 'not visible from here' "$TMP/said"
	check "delete" in_user xvti del own0
}

# The other way round: the tunnel is a user's, and the device lives with us.
case_underlay()
{
	setup_ns OA
	user_namespace
	must in_user xvti add xv0 local "$A4" remote "$B4" reqid 7
	check "in a namespace of its own" in_user xvti set xv0 reqid 8 carrier sa queue 5
	must in_user xvti set xv0 reqid 7 carrier always queue 16
	# newer tools look at the other namespace first, and may not
	refused "moved where it has no say" 'permi|invalid "netns"' in_user ip link set xv0 netns 1
	must nsenter -t "$USERNS" -n ip link set xv0 netns "$OA"
	refused "it is not here any more" 'No such device' in_user xvti set xv0 reqid 8
	check_unchangeable "in the overlay without a say there" \
		ip netns exec "$OA" unshare -Ur
	check "who has both" in_ns "$OA" xvti set xv0 reqid 8
	check_eq "reqid" "$(dev_json "$OA" xv0 '.[0].reqid')" 8
}

# With both of them in one user namespace its root may do everything.
case_both()
{
	user_namespace
	must in_user xvti add xv0 local "$A4" remote "$B4" reqid 7
	background /dev/null nsenter -t "$USERNS" -U -n unshare -n sleep 1000
	await "its second namespace" second_namespace
	must in_user ip link set xv0 netns "$BG_PID"
	check "set from the overlay" nsenter -t "$USERNS" -U nsenter -t "$BG_PID" -n \
		xvti set xv0 remote 192.0.2.9 reqid 9
	stop "$BG_PID"
	await "a tunnel of the same binding" in_user xvti add xv1 local "$A4" remote 192.0.2.9 reqid 9
}

second_namespace()
{
	[ "$(readlink "/proc/$BG_PID/ns/net")" != "$(readlink "/proc/$USERNS/ns/net")" ] &&
		[ "$(readlink "/proc/$BG_PID/ns/user")" = "$(readlink "/proc/$USERNS/ns/user")" ]
}

need_module
run_cases user overlay underlay both
