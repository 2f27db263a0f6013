#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout=900+XVTI_SOAK_SECONDS
# kernels=one,last
#
# Storms, all at once: whatever can change under traffic does so, as fast as it
# can, for XVTI_SOAK_SECONDS; then all is taken down and everything accounted
# for. `make soak HOURS=n` lets it go on for longer.
#
#   OA: xv0 xv1 xv2                      OB: xv0 xv1 xv2, xc, xn
#       (and xc, xn at times)                 :
#        :                                    :
#   UA: 192.0.2.1    === v0, v1 ===      UB: 192.0.2.2
#       2001:db8::1                      |   2001:db8::2
#                                        | w0
#   N1: 198.51.100.1 --------------------+ 198.51.100.2
#       N1 and N2 come and go; so do xc, born in UA, and xn, born in N1

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$SELFTESTS/stormlib.sh"

: "${XVTI_SOAK_SECONDS:=60}"

readonly N_A=198.51.100.1 N_B=198.51.100.2

# --- what is there ----------------------------------------------------------

# The tunnels xv0 to xv2: endpoints, binding, what else a change may have
# left of one, and what SAs have to have. A reqid of "any" is another one for each.
tunnel() # number: sets A, B, BIND, NONE, REQID and SA
{
	case $1 in
	0) A=$A4 B=$B4 BIND="reqid 7" NONE="mark none" REQID=7 SA="" ;;
	1) A=$A6 B=$B6 BIND="mark 6" NONE="reqid none" REQID=any SA="mark 6" ;;
	2) A=$A4 B=$B4 BIND=$BIND2 NONE=$NONE2 REQID=any SA=$BIND2 ;;
	esac
}

# Without an if_id, another mark.
choose_binding()
{
	if (need_if_id); then
		BIND2="if_id 5" NONE2="mark none reqid none"
	else
		BIND2="mark 5" NONE2="reqid none"
	fi
	rm -f "$TMP/skip"
}

# Addresses of the underlays are those of lo, so that routes decide by which
# wire packets go.
setup_underlays()
{
	setup_ns UA UB OA OB
	wire "$UA" "$UB" v0
	wire "$UA" "$UB" v1
	add_addr "$UA" lo "$A4"/32 "$A6"/128
	add_addr "$UB" lo "$B4"/32 "$B6"/128
	ip_batch "$UA" <<-END
		route add $B4/32 dev v0
		route add $B6/128 dev v0
		$(policies "$A6" "$B6")
	END
	ip_batch "$UB" <<-END
		route add $A4/32 dev v0
		route add $A6/128 dev v0
	END
}

# For when xv1 is in policy mode.
policies() # local remote
{
	local all

	for all in 0.0.0.0/0 ::/0; do
		echo "xfrm policy add dir out src $all dst $all mark 6 tmpl" \
			"src $1 dst $2 proto esp mode tunnel"
		echo "xfrm policy add dir in src $all dst $all mark 6 tmpl" \
			"src $2 dst $1 proto esp mode tunnel"
	done
}

setup_tunnels()
{
	local i
	local -a bind

	for i in 0 1 2; do
		tunnel "$i"
		read -ra bind <<<"$BIND"
		add_dev "$UA" "$OA" "xv$i" "$A" "$B" "${bind[@]}" queue 16 -- \
			"10.4$i.0.1/24" "fd4$i::1/64"
		add_dev "$UB" "$OB" "xv$i" "$B" "$A" "${bind[@]}" queue 16 -- \
			"10.4$i.0.2/24" "fd4$i::2/64"
	done
}

# What the storm of namespaces meets at B, and its SAs, which stay.
setup_visitors()
{
	local addr interval=0.05

	! slow_kernel || interval=0.5
	add_dev "$UB" "$OB" xc "$B4" "$A4" reqid 200 -- 10.20.0.2/24 fd20::2/64
	add_dev "$UB" "$OB" xn "$N_B" "$N_A" reqid 300 -- 10.30.0.2/24 fd30::2/64
	cipher gcm
	A=$A4 B=$B4 sa_pair 200 0x200
	ip_batch "$UB" <<<"$(visitor_sas)"
	for addr in 10.20.0.1 fd20::1 10.30.0.1 fd30::1; do
		background /dev/null in_ns "$OB" ping -n -q -i "$interval" "$addr"
		PINGS+=("$BG_PID")
	done
}

visitor_sas()
{
	sa_line "$N_A" "$N_B" 0x300 300
	sa_line "$N_B" "$N_A" 0x301 300
}

# With TAKEN, another storm takes devices away, and what is done with them may fail.
TAKEN=
unless_taken() # what command...
{
	if [ "$TAKEN" ]; then
		"${@:2}" >/dev/null 2>&1 || :
	else
		check "$@"
	fi
}

# --- SAs --------------------------------------------------------------------

begin_rekey()
{
	feed_ip A "$UA"
	feed_ip B "$UB"
	SPI=(0 0 0)
	NEXT=0x1000
}

# New SAs, of another cipher perhaps, then the old ones go. One time in eight
# they are ones that no device is bound to.
rekey() # tunnel
{
	local reqid sa

	tunnel "$1"
	reqid=$REQID sa=$SA
	[ "$reqid" != any ] || reqid=$((RANDOM % 50 + 20))
	choose gcm gcm cbc null
	cipher "$CHOICE"
	((RANDOM % 8)) || { reqid=77; sa="mark 9"; }
	NEXT=$((NEXT + 2))
	# shellcheck disable=SC2086 # words
	hear pair_lines "$reqid" $NEXT $sa
	[ "${SPI[$1]}" = 0 ] || HEARD+=$'\n'$(old_lines "$1")
	tell A "$HEARD"
	tell B "$HEARD"
	SPI[$1]="$NEXT $sa"
}

old_lines() # tunnel
{
	local spi rest

	read -r spi rest <<<"${SPI[$1]}"
	[[ $rest = mark* ]] || rest=
	echo "xfrm state delete dst $B proto esp spi $((spi)) $rest"
	echo "xfrm state delete dst $A proto esp spi $((spi + 1)) $rest"
}

storm_rekey() # cycle
{
	local i

	for i in 0 1 2; do
		rekey "$i"
	done
	told_all A B
	nap 0.03
}

# --- configuration ----------------------------------------------------------

begin_config()
{
	feed_xvti over "$OA"
	feed_ip links "$OA"
}

# A change, which need not make sense, and back.
storm_config() # cycle
{
	local i=$((RANDOM % 3))

	tunnel "$i"
	choose "carrier sa" "mtu 1300" "queue 0" "queue 64" "remote any" \
		"local 198.18.0.1" "local $A4 remote $B4" "dev v0" "dev v1" \
		"reqid 99" "mark 9" "mark 6 mode policy" "down" "move"
	case $CHOICE in
	down) tell links "link set xv$i down" ;;
	move) tell over "set xv$i netns $UA up" "-n $UA set xv$i netns $OA up" ;;
	*) tell over "set xv$i $CHOICE" ;;
	esac
	told_all over links
	nap 0.03
	tell over "set xv$i local $A remote $B mode direct $BIND $NONE dev none carrier always mtu auto queue 16 up"
	told_all over
	tell links "link set xv$i up" "addr replace 10.4$i.0.1/24 dev xv$i" \
		"addr replace fd4$i::1/64 dev xv$i nodad"
	told_all links
}

# --- routes and lower devices -----------------------------------------------

begin_lower()
{
	feed_ip A "$UA"
	feed_ip B "$UB"
}

# Both ends, by that wire.
by() # device [option...]
{
	tell A "route replace $B4/32 dev $*" "route replace $B6/128 dev $*"
	tell B "route replace $A4/32 dev $*" "route replace $A6/128 dev $*"
}

wire_again()
{
	local mac=02:00:00:00:00:01

	ip_batch "$UA" <<<"link del v1"
	ip_batch - <<<"link add v1 netns $UA address $mac type veth peer name v1 netns $UB address $mac"
	feed_end A
	feed_end B
	begin_lower
	tell A "link set v1 arp off up"
	tell B "link set v1 arp off up"
	told_all A B
}

storm_lower() # cycle
{
	choose routes unreachable metric mtu address extra down again again
	by v1
	told_all A B
	nap 0.02
	case $CHOICE in
	routes) by v0; by v1 ;;
	unreachable) tell A "route del $B4/32" "route del $B6/128" ;;
	metric) by v1 mtu 1300 ;;
	mtu) tell A "link set v1 mtu 1300"; tell B "link set v1 mtu 1400" ;;
	address) tell A "addr del $A4/32 dev lo" "addr del $A6/128 dev lo" ;;
	extra) tell A "addr add 198.18.0.1/24 dev v1" "addr del 198.18.0.1/24 dev v1" ;;
	down) tell A "link set v1 down" ;;
	again) wire_again ;;
	esac
	told_all A B
	nap 0.02
	by v0
	tell A "addr replace $A4/32 dev lo" "addr replace $A6/128 dev lo nodad" \
		"link set v1 mtu 1500 up"
	tell B "link set v1 mtu 1500"
	told_all A B
}

# --- namespaces -------------------------------------------------------------

begin_netns()
{
	feed_xvti tool "$UA"
	N1=soak1 N2=soak2
	NS_LIST=("$N1" "$N2")
	defer delete_ns "$N1" "$N2"
}

# xn is born in N1 and goes to N2; xc is born in UA and goes to N1.
visitors_come()
{
	ip_batch - <<-END
		netns add $N1
		netns add $N2
		link add s-$N1 type veth peer name sentinel netns $N1
		link add s-$N2 type veth peer name sentinel netns $N2
		link add w0 netns $N1 type veth peer name w0 netns $UB
	END
	ip_batch "$N1" <<-END
		link set lo up
		link set w0 address 02:00:00:00:00:01 arp off up
		addr add $N_A/24 dev w0
		$(visitor_sas)
	END
	ip_batch "$UB" <<-END
		link set w0 address 02:00:00:00:00:01 arp off up
		addr add $N_B/24 dev w0
	END
	tell tool "-n $N1 add xn local $N_A remote $N_B reqid 300 netns $N2 up" \
		"add xc local $A4 remote $B4 reqid 200 netns $N1 up"
	told_all tool
	unless_taken "addresses of xc" ip_batch_force "$N1" \
		< <(addr_lines xc 10.20.0.1/24 fd20::1/64)
	unless_taken "addresses of xn" ip_batch_force "$N2" \
		< <(addr_lines xn 10.30.0.1/24 fd30::1/64)
}

visitors_move()
{
	case $1 in
	xn-away) tell tool "-n $N2 set xn netns $OA up" ;;
	home) tell tool "-n $N2 set xn netns $N1 up" "-n $N1 set xc netns $UA up" ;;
	xc-away) tell tool "-n $N1 set xc netns $OA up" ;;
	swap) tell tool "-n $N2 set xn netns $N1 up" "-n $N1 set xc netns $N2 up" ;;
	esac
	told_all tool
}

# The namespaces must go, and the devices with them, wherever they are.
storm_netns() # cycle
{
	visitors_come
	nap 0.1
	choose stay xn-away home xc-away swap
	visitors_move "$CHOICE"
	if ((RANDOM % 2)); then
		delete_ns "$N1" "$N2"
	else
		delete_ns "$N2" "$N1"
	fi
	case $CHOICE in
	xc-away) tell tool "-n $OA del xc" ;;
	home) tell tool "del xc" ;;
	esac
	told_all tool
	check_leaks
	await "$CHOICE: xn goes with its underlay" no_dev "$OA" xn
}

# --- dumps and listeners ----------------------------------------------------

begin_dumps()
{
	# of one processor it would take more than all others
	renice -n 10 -p "$BASHPID" >/dev/null
	feed_xvti over "$OA"
	feed_ip links "$OA" -s -d
	background /dev/null in_ns "$OA" xvti monitor
	background /dev/null ip -n "$OA" monitor
	background /dev/null ip -n "$UA" xfrm monitor
}

# One listener more each time, which does not listen for a while.
storm_dumps() # cycle
{
	local listener

	xvti -n "$OA" monitor >/dev/null 2>&1 &
	listener=$!
	tell over show "-s -d show" "-j -s show" export "-n $OB -s show" "-n $UA show"
	tell links "link show" "addr show" "route show" "-6 route show"
	kill -STOP "$listener"
	ip -n "$UA" -s -force -batch - <<<$'xfrm state list\nxfrm policy list' >/dev/null 2>&1
	told_all over links
	kill -CONT "$listener"
	# which may not be a program of its own yet, but this one with its traps
	stop "$listener" KILL
	nap 0.02
}

# --- the module -------------------------------------------------------------

begin_module()
{
	hear module_devices
	echo "$HEARD" >"$TMP/devices"
}

module_devices()
{
	local i

	for i in 0 1 2; do
		tunnel "$i"
		echo "-n $UA add xv$i local $A remote $B $BIND netns $OA up"
		echo "-n $UB add xv$i local $B remote $A $BIND netns $OB up"
	done
}

# A dump or another request keeps it for a moment.
unload() { rmmod xvti; }

# Under traffic, while others ask for it, which may also load it again.
storm_module() # cycle
{
	busywait "$XVTI_WAIT" unload || fail "the module stays: $(with_errors unload)"
	nap 0.05
	must modprobe xvti
	module_devices_again
	nap 0.3
}

module_devices_again()
{
	unless_taken "devices are made again" xvti -force -batch "$TMP/devices"
	unless_taken "addresses of A" ip_batch_force "$OA" < <(module_addresses 1)
	unless_taken "addresses of B" ip_batch_force "$OB" < <(module_addresses 2)
}

# When it is calm again.
module_anew()
{
	TAKEN=
	must rmmod xvti
	must modprobe xvti
	module_devices_again
}

module_addresses() # host
{
	local i

	for i in 0 1 2; do
		addr_lines "xv$i" "10.4$i.0.$1/24" "fd4$i::$1/64"
	done
}

# --- the storms -------------------------------------------------------------

# Nothing of it all may be in the way of what comes after.
calm()
{
	local i

	ip_batch "$UA" <<<"xfrm state flush"
	ip_batch "$UB" <<<"xfrm state flush"
	for i in 0 1 2; do
		tunnel "$i"
		[ "$REQID" != any ] || REQID=$((30 + i))
		cipher gcm
		# shellcheck disable=SC2086 # words
		sa_pair "$REQID" $((0x9000 + 2 * i)) $SA
		ping_ok "xv$i afterwards, IPv4" "$OA" "10.4$i.0.2"
		ping_ok "xv$i afterwards, IPv6" "$OB" "fd4$i::1"
	done
}

take_down()
{
	local dev ns

	for dev in xv0 xv1 xv2; do
		must ip -n "$OA" link del "$dev"
		must ip -n "$OB" link del "$dev"
	done
	for dev in xc xn; do
		no_dev "$OB" "$dev" || must ip -n "$OB" link del "$dev"
	done
	for ns in "$UA" "$UB"; do
		ip_batch "$ns" <<-END
			xfrm state flush
			xfrm policy flush
		END
		check_underlay_empty "$ns"
	done
}

# All that was created goes with the case; here it is also looked for.
accounted()
{
	run_deferred
	check_leaks
	account_end
}

soak() # seconds afterwards setup... -- storm...
{
	local seconds=$1 afterwards=$2 pid

	shift 2
	PINGS=()
	account_begin
	choose_binding
	setup_underlays
	setup_tunnels
	while [ "$1" != -- ]; do
		"$1"
		shift
	done
	shift
	load_on 5 "10.40.0.1 10.41.0.1 10.42.0.1 fd40::1 fd41::1 fd42::1" \
		"10.40.0.2 10.41.0.2 10.42.0.2 fd40::2 fd41::2 fd42::2"
	STORM_END=$((EPOCHSECONDS + seconds))
	storm "$@"
	storms_end 2
	load_passes "in the storms"
	"$afterwards"
	calm
	load_end
	for pid in "${PINGS[@]}"; do
		stop "$pid"
	done
	take_down
	accounted
}

case_storms()
{
	note "XVTI_SEED=$XVTI_SEED"
	soak $((XVTI_SOAK_SECONDS / 2)) : setup_visitors -- \
		rekey config lower netns dumps
}

case_module()
{
	soak $((XVTI_SOAK_SECONDS / 4)) : -- module rekey dumps
}

case_all()
{
	TAKEN=yes
	soak $((XVTI_SOAK_SECONDS / 4)) module_anew setup_visitors -- \
		module rekey config lower netns dumps
}

need_module
run_cases storms module all
