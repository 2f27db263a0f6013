# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the xvti selftests share. A test file sources this, defines functions
# case_NAME and ends with "run_cases NAME...". Output is KTAP; the exit code
# is 0 when all cases passed, 1 when one failed, 4 when all were skipped, and
# 2 when the file itself could not be run.
#
# Every case runs in a subshell of its own. Whatever it creates it hands to
# defer, which undoes it in reverse order when the case ends, however it ends.
# After that a case must have left nothing behind: no device of ours, and no
# network namespace that something still holds.

export LC_ALL=C
# The last command of a pipeline may end the case.
shopt -s lastpipe

readonly KSFT_PASS=0 KSFT_FAIL=1 KSFT_ERROR=2 KSFT_SKIP=4

# How many times as long a kernel may take as others do, such as one with KASAN.
: "${XVTI_SLOW:=1}"
# How long a state may take to appear, in seconds. Only a failing test waits
# that long; an emulated guest is slow.
: "${XVTI_WAIT:=30}"

SELFTESTS=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# The tool is looked for where it was installed, then in the tree.
PATH=/usr/local/sbin:/usr/sbin:/sbin:$PATH:$SELFTESTS/../tools

TMP=
RET=0
DEFERRED=()
NS_LIST=()

# --- KTAP -------------------------------------------------------------------

note() { printf '# %s\n' "${*//$'\n'/$'\n'# }"; }

fail() # what...
{
	RET=$KSFT_FAIL
	note "FAIL: $*"
}

skip() # reason...
{
	echo "$*" >"$TMP/skip"
	exit "$KSFT_SKIP"
}

# Ends the case at once, for a failure that makes the rest meaningless.
die() # what...
{
	fail "$*"
	exit "$KSFT_FAIL"
}

run_case() # number case
{
	local nr=$1 name=$2 rc reason

	[ ! -e "$TMP/skip" ] || rm "$TMP/skip"
	(
		trap end_case EXIT
		trap interrupted TERM
		declare -F "case_$name" >/dev/null || die "there is no such case"
		"case_$name"
		exit "$RET"
	)
	rc=$?
	case $rc in
	"$KSFT_PASS") echo "ok $nr $name" ;;
	"$KSFT_SKIP")
		reason=$(cat "$TMP/skip")
		echo "ok $nr $name # SKIP ${reason:-no reason given}"
		;;
	*) echo "not ok $nr $name" ;;
	esac
	return "$rc"
}

# Where a case was when its time was over. What it prints may go to a file.
interrupted()
{
	local i at=${FUNCNAME[1]}

	for ((i = 2; i < ${#FUNCNAME[@]} - 3; i++)); do
		at+=", ${FUNCNAME[i]}:${BASH_LINENO[i - 1]}"
	done
	note "interrupted in $at" >&2
	exit "$KSFT_ERROR"
}

# The end of a case, also of one that was interrupted.
end_case()
{
	local rc=$?

	RET=$rc
	run_deferred
	check_leaks
	[ "$rc" -eq "$KSFT_PASS" ] && rc=$RET
	exit "$rc"
}

# XVTI_CASES="NAME..." in the environment runs these cases only.
run_cases() # case...
{
	local nr=0 passed=0 failed=0 skipped=0 case
	local -a cases=("$@")

	[ -n "${XVTI_CASES:-}" ] && read -ra cases <<<"$XVTI_CASES"
	echo "KTAP version 1"
	echo "1..${#cases[@]}"
	for case in "${cases[@]}"; do
		run_case $((++nr)) "$case"
		case $? in
		"$KSFT_PASS") passed=$((passed + 1)) ;;
		"$KSFT_SKIP") skipped=$((skipped + 1)) ;;
		*) failed=$((failed + 1)) ;;
		esac
	done
	echo "# Totals: pass:$passed fail:$failed xfail:0 xpass:0 skip:$skipped error:0"
	[ "$failed" -gt 0 ] && exit "$KSFT_FAIL"
	[ "$skipped" -gt 0 ] && [ "$passed" -eq 0 ] && exit "$KSFT_SKIP"
	exit "$KSFT_PASS"
}

skip_all() # reason...
{
	echo "KTAP version 1"
	echo "1..0 # SKIP $*"
	exit "$KSFT_SKIP"
}

# --- cleaning up ------------------------------------------------------------

defer() # command...
{
	DEFERRED+=("$(printf '%q ' "$@")")
}

run_deferred()
{
	local i

	for ((i = ${#DEFERRED[@]} - 1; i >= 0; i--)); do
		eval "${DEFERRED[i]}" >/dev/null 2>&1
	done
	DEFERRED=()
}

# A deleted namespace whose sentinel stays is one that something still holds,
# a process or the kernel.
check_leaks()
{
	local ns

	for ns in "${NS_LIST[@]}"; do
		busywait "$XVTI_WAIT" absent /sys/class/net/"s-$ns" ||
			fail "namespace $ns was deleted and is still alive"
	done
}

# --- waiting and checking ---------------------------------------------------

absent() { [ ! -e "$1" ]; }

# Sleeps without a process, which costs time in an emulated guest. Bash before 5.2
# ends a read by SIGALRM, and never ends it if that comes before the read begins.
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 502)); then
	nap() { read -rt "$1" -u "$NAP" || :; }
else
	nap() { sleep "$1"; }
fi

# Repeats a command until it succeeds, for so many seconds at most.
busywait() # seconds command...
{
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))

	shift
	until "$@" >/dev/null 2>&1; do
		((${EPOCHREALTIME/./} < end)) || return 1
		nap 0.02
	done
}

# Runs a command as $(...) does, but not in a process of its own: in an
# emulated guest it is the processes that cost time. What it prints is in HEARD.
hear() # command...
{
	local file=$TMP/heard.$BASHPID.${#FUNCNAME[@]} rc

	"$@" >"$file"
	rc=$?
	IFS= read -rd '' HEARD <"$file"
	while [[ $HEARD = *$'\n' ]]; do
		HEARD=${HEARD%$'\n'}
	done
	return "$rc"
}

with_errors() { "$@" 2>&1; }

# A command that succeeds when another prints exactly this.
is() # wanted command...
{
	local wanted=$1

	shift
	hear "$@" 2>/dev/null
	[ "$HEARD" = "$wanted" ]
}

at_least() # number command...
{
	local wanted=$1

	shift
	hear "$@" 2>/dev/null
	[ "${HEARD:-0}" -ge "$wanted" ]
}

# The state must come; what it is instead is reported if "is" was asked.
await() # what command...
{
	local what=$1

	shift
	busywait "$XVTI_WAIT" "$@" && return 0
	case $1 in
	is | at_least) fail "$what: wanted $2, is '$("${@:3}" 2>&1)'" ;;
	*) fail "$what: never succeeded: $*" ;;
	esac
	return 1
}

check() # what command...
{
	local what=$1 rc

	shift
	hear with_errors "$@"
	rc=$?
	[ "$rc" -eq 0 ] && return 0
	fail "$what: '$*' returned $rc: $HEARD"
	return 1
}

# As check, for what the rest of the case stands on.
must() # command...
{
	hear with_errors "$@" || die "'$*' returned $?: $HEARD"
}

# The command must fail, and say what is wrong: its output has to match.
refused() # what regex command...
{
	local what=$1 regex=$2

	shift 2
	if hear with_errors "$@"; then
		fail "$what: '$*' was accepted"
	elif ! grep -qiE -- "$regex" <<<"$HEARD"; then
		fail "$what: '$*' failed with '$HEARD', which does not match '$regex'"
	else
		return 0
	fi
	return 1
}

check_eq() # what got wanted
{
	[ "$2" = "$3" ] && return 0
	fail "$1: got '$2', wanted '$3'"
	return 1
}

check_le() # what got limit
{
	[ "$2" -le "$3" ] && return 0
	fail "$1: got $2, wanted at most $3"
	return 1
}

check_ge() # what got least
{
	[ "$2" -ge "$3" ] && return 0
	fail "$1: got $2, wanted at least $3"
	return 1
}

# --- processes --------------------------------------------------------------

# Runs a command until the case ends; its id is in BG_PID.
background() # output command...
{
	local out=$1

	shift
	# a program, not a shell that waits for one
	[ "$1" != in_ns ] || set -- "$SELFTESTS/inns" "${@:2}"
	"$@" >"$out" 2>&1 </dev/null &
	BG_PID=$!
	defer wait "$BG_PID"
	defer kill "$BG_PID"
}

stop() # pid [signal]
{
	kill "-${2:-TERM}" "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

# --- namespaces -------------------------------------------------------------

# As ip netns exec, without what ip is linked with.
in_ns() # netns command...
{
	"$SELFTESTS/inns" "$@"
}

# One of the programs in Python, which is compiled once: in an emulated guest that
# takes longer than most of what they do.
program() # netns name argument...
{
	local compiled=$TMP/$2.pyc

	[ -e "$compiled" ] || python3 -IS -c "import py_compile, sys
py_compile.compile(sys.argv[1], cfile=sys.argv[2], doraise=True)" \
		"$SELFTESTS/$2.py" "$compiled" || return
	SELFTESTS=$SELFTESTS in_ns "$1" python3 -IS "$compiled" "${@:3}"
}

# Several commands of ip in one process, from standard input.
ip_batch() # netns, or - for our own
{
	local where=(-n "$1")

	[ "$1" != - ] || where=()
	hear with_errors ip "${where[@]}" -batch - ||
		die "ip in netns $1, asked by ${FUNCNAME[1]}, line ${BASH_LINENO[0]}: $HEARD"
}

# All of them that can be done just now; fails if one cannot.
ip_batch_force() # netns
{
	ip -n "$1" -force -batch -
}

# Creates a network namespace for each variable named and stores its name
# there. The namespace is silent: addresses appear at once, and no interface
# sends anything of its own accord, so that counters can be exact. A veth end,
# the sentinel, shows when the kernel has really let go of the namespace.
setup_ns() # variable...
{
	local var name commands=
	local -a names=()

	for var; do
		printf -v name '%s-%04x' "${var,,}" "$RANDOM"
		names+=("$name")
		printf -v "$var" '%s' "$name"
		commands+="netns add $name"$'\n'
		commands+="link add s-$name type veth peer name sentinel netns $name"$'\n'
	done
	NS_LIST+=("${names[@]}")
	defer delete_ns "${names[@]}"
	ip_batch - <<<"$commands"
	must "$SELFTESTS/inns" -s "${names[@]}"
}

delete_ns() # netns...
{
	local commands

	printf -v commands 'netns del %s\n' "$@"
	ip -force -batch - <<<"$commands"
}

# Two namespaces joined by a wire that carries nothing but what is sent over
# it: without address resolution, hence both ends with one MAC address.
wire() # netns netns [name]
{
	local dev=${3:-v0} mac=02:00:00:00:00:01 ns

	must ip link add "$dev" netns "$1" address $mac type veth \
		peer name "$dev" netns "$2" address $mac
	for ns in "$1" "$2"; do
		ip_batch "$ns" <<-END
			link set $dev arp off addrgenmode none
			link set $dev up
		END
	done
}

add_addr() # netns device address...
{
	[ $# -gt 2 ] || return 0
	hear addr_lines "${@:2}"
	ip_batch "$1" <<<"$HEARD"
}

addr_lines() # device address...
{
	local dev=$1 addr

	shift
	for addr; do
		[[ $addr = *:* ]] && addr+=" nodad"
		echo "addr add $addr dev $dev"
	done
}

# The underlay addresses of the two hosts, by outer family.
readonly A4=192.0.2.1 B4=192.0.2.2 A6=2001:db8::1 B6=2001:db8::2
# On the wire too, for what marks the end of a capture.
readonly MARKER_A=203.0.113.1 MARKER_B=203.0.113.2
# The inner addresses.
readonly IA4=10.8.0.1 IB4=10.8.0.2 IA6=fd08::1 IB6=fd08::2

# Two hosts: underlays UA and UB, joined by v0, and overlays OA and OB.
# With "flat" the overlays are the underlays.
setup_hosts() # [flat]
{
	setup_ns UA UB
	wire "$UA" "$UB"
	add_addr "$UA" v0 "$A4"/24 "$A6"/64 $MARKER_A/30
	add_addr "$UB" v0 "$B4"/24 "$B6"/64 $MARKER_B/30
	OA=$UA
	OB=$UB
	[ "${1:-}" = flat ] || setup_ns OA OB
}

forwards() # netns
{
	must in_ns "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

# Two hosts as above, with a router R and a narrow link between them. R is seen
# by what it answers, which it does without limit.
#
#   UA ---- v0, 1500 ---- R ---- v1, narrow ---- UB
setup_path() # mtu of the narrow link
{
	setup_ns UA R UB OA OB
	wire "$UA" "$R" v0
	wire "$R" "$UB" v1
	route_hosts "$UA" v0 "$A4" "$A6" "$B4" "$B6"
	route_hosts "$UB" v1 "$B4" "$B6" "$A4" "$A6"
	ip_batch "$R" <<-END
		link set v1 mtu $1
		addr add 203.0.113.9/32 dev lo
		addr add 2001:db8:9::1/128 dev lo
		route add $A4/32 dev v0
		route add $A6/128 dev v0
		route add $B4/32 dev v1
		route add $B6/128 dev v1
	END
	must ip -n "$UB" link set v1 mtu "$1"
	forwards "$R"
	must in_ns "$R" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
}

route_hosts() # netns device own4 own6 other4 other6
{
	ip_batch "$1" <<-END
		addr add $3/32 dev $2
		addr add $4/128 dev $2 nodad
		route add $5/32 dev $2
		route add $6/128 dev $2
		route add 203.0.113.9/32 dev $2
		route add 2001:db8:9::1/128 dev $2
	END
}

# A's packets leave the NAT with its address, and ESP in UDP with this port.
nat_port() # port
{
	in_ns "$NAT" nft -f - <<-END
		flush chain ip nat post
		add rule ip nat post ip saddr $BEHIND udp sport $ENCAP_PORT masquerade to :$1
		add rule ip nat post ip saddr $BEHIND masquerade
	END
}

readonly BEHIND=198.51.100.1 NATTED=192.0.2.254

# Two hosts as above, A's behind a NAT:
#
#   UA: 198.51.100.1 -- v0 -- NAT -- w0 -- UB: 192.0.2.2
#                       .254       192.0.2.254
setup_nat()
{
	setup_ns UA UB NAT OA OB
	outer 4
	wire "$UA" "$NAT" v0
	wire "$NAT" "$UB" w0
	add_addr "$UA" v0 "$BEHIND"/24
	add_addr "$NAT" v0 198.51.100.254/24
	add_addr "$NAT" w0 "$NATTED"/24
	add_addr "$UB" w0 "$B"/24
	must ip -n "$UA" route add default via 198.51.100.254
	must in_ns "$NAT" sysctl -qw net.ipv4.ip_forward=1
	# Up to 4.17 answers are translated only where there is a chain for them.
	in_ns "$NAT" nft -f - <<-END 2>"$TMP/why" || skip "no NAT: $(head -n 1 "$TMP/why")"
		table ip nat {
			chain post {
				type nat hook postrouting priority 100
			}
			chain pre {
				type nat hook prerouting priority -100
			}
		}
	END
	nat_port 10001
}

# A host behind a gateway. Network N is 10.12.N.0/24 and fd0c:N::/64, the
# gateway 1 and the host 9.
behind() # host gateway network
{
	wire "$2" "$1" h0
	add_addr "$2" h0 "10.12.$3.1/24" "fd0c:$3::1/64"
	add_addr "$1" h0 "10.12.$3.9/24" "fd0c:$3::9/64"
	ip_batch "$1" <<-END
		route add default via 10.12.$3.1
		route add default via fd0c:$3::1
	END
	forwards "$2"
}

route_to() # gateway network
{
	ip_batch "$1" <<-END
		route add 10.12.$2.0/24 dev xv0
		route add fd0c:$2::/64 dev xv0
	END
}

outer() # 4|6: sets A and B
{
	case $1 in
	4) A="$A4" B="$B4" ;;
	6) A="$A6" B="$B6" ;;
	esac
}

# --- the device -------------------------------------------------------------

# Where packets could wait for an SA they do not, unless a test asks for it:
# what is dropped is then counted at once.
NO_QUEUE=()

need_module()
{
	[ -d /sys/module/xvti ] || modprobe xvti 2>/dev/null ||
		skip_all "the xvti module is not there"
	command -v xvti >/dev/null || skip_all "the xvti command is not there"
	hear with_errors xvti help
	[[ ! $HEARD =~ [[:space:]]queue[[:space:]] ]] || NO_QUEUE=(queue 0)
}

# A configured device, up, with addresses: "add_dev UA OA xv0 LOCAL REMOTE
# reqid 7 -- 10.8.0.1/24".
add_dev() # underlay overlay name local remote option... [-- address...]
{
	local under=$1 over=$2 dev=$3 local=$4 remote=$5
	local -a args=()

	shift 5
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		args+=("$1")
		shift
	done
	shift
	[ "$under" = "$over" ] || args+=(netns "$over")
	[[ " ${args[*]} " = *" queue "* ]] || args+=("${NO_QUEUE[@]}")
	must in_ns "$under" xvti add "$dev" local "$local" remote "$remote" "${args[@]}"
	hear addr_lines "$dev" "$@"
	ip_batch "$over" <<-END
		link set $dev addrgenmode none
		link set $dev up
		$HEARD
	END
}

# The usual pair of devices, xv0 on both hosts, bound to reqid 7.
setup_tunnel() # outer-family [option...]
{
	outer "$1"
	shift
	[ $# -gt 0 ] || set -- reqid 7
	add_dev "$UA" "$OA" xv0 "$A" "$B" "$@" -- "$IA4"/24 "$IA6"/64
	add_dev "$UB" "$OB" xv0 "$B" "$A" "$@" -- "$IB4"/24 "$IB6"/64
}

dev_exists() # netns device
{
	ip -n "$1" link show dev "$2" >/dev/null 2>&1
}

no_dev() # netns device
{
	! dev_exists "$1" "$2"
}

# The peer in use, by A's device or that of another namespace.
peer() # [netns]
{
	hear dev_value "${1:-$OA}" xv0 peer
	HEARD=${HEARD//\"/}
	echo "${HEARD/null/none}"
}

mtu() { dev_attr "$OA" xv0 mtu; }

# The usable SAs, out and in, of A's device or that of another namespace.
sa_counts() # [netns]
{
	dev_value "${1:-$OA}" xv0 sa_out sa_in
}

# Nobody may have told a device to do without policies.
check_policies_on() # what netns device
{
	check_eq "$1: disable_policy of $3 in $2" \
		"$(in_ns "$2" cat "/proc/sys/net/ipv4/conf/$3/disable_policy")" 0
}

# Takes them away again, so that a case can go on with others: namespaces
# cost more time than devices.
del_tunnel()
{
	local ns

	for ns in "$OA" "$OB"; do
		must ip -n "$ns" link del xv0
	done
}

# One of the counters of the xfrm core, e.g. XfrmInStateSeqError.
xfrm_stat() # netns name
{
	in_ns "$1" sed -n "s/^$2[ \t]*//p" /proc/net/xfrm_stat
}

# What the kernel says of a device: the configuration, without the counters.
dev_json() # netns device [jq-filter]
{
	hear in_ns "$1" xvti -j show "$2"
	jq -cS "${3:-.}" <<<"$HEARD"
}

# A value of it as it is written there, or an array of several. To start jq takes
# as long as twenty other programs.
dev_value() # netns device key...
{
	local key said values=''

	hear in_ns "$1" xvti -j show "$2"
	said=$HEARD
	for key in "${@:3}"; do
		if [[ $said =~ [{,]\"$key\":(\"[^\"]*\"|[^],}]+) ]]; then
			values+=,${BASH_REMATCH[1]}
		else
			values+=,null
		fi
	done
	[ $# -eq 3 ] && echo "${values#,}" || echo "[${values#,}]"
}

# One of the device's own counters, by its name in ethtool.
counter() # netns device name
{
	hear in_ns "$1" ethtool -S "$2"
	[[ $HEARD =~ [[:space:]]$3:\ ([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

# Every counter but those of the cache is a reason for a drop.
drops() # netns device
{
	hear in_ns "$1" ethtool -S "$2"
	while [[ $HEARD =~ [[:space:]]([tr]x_[a-z0-9_]+:)\ ([0-9]+)(.*) ]]; do
		HEARD=${BASH_REMATCH[3]}
		[ "${BASH_REMATCH[2]}" = 0 ] || echo "${BASH_REMATCH[1]}${BASH_REMATCH[2]}"
	done
}

check_no_drops() # netns device
{
	check_eq "drops of $2 in $1" "$(drops "$1" "$2")" ""
}

# One reason and no other must have this count, by the name in ethtool.
check_dropped() # what netns device reason count
{
	check_eq "$1: drops of $3" "$(drops "$2" "$3")" "$4:$5"
}

# One of the counters every interface has, e.g. rx_packets.
link_stat() # netns device name
{
	in_ns "$1" cat "/sys/class/net/$2/statistics/$3"
}

dev_attr() # netns device attribute, as in sysfs
{
	in_ns "$1" cat "/sys/class/net/$2/$3"
}

# What has been sent over the wire by this host: packets, and octets less the
# Ethernet headers.
wire_packets() { link_stat "$1" v0 tx_packets; }

wire_octets()
{
	hear in_ns "$1" cat /sys/class/net/v0/statistics/tx_{bytes,packets}
	echo $((${HEARD/$'\n'/ - 14 * }))
}

readonly TRACEFS=/sys/kernel/tracing

has_tracing()
{
	[ -d "$TRACEFS/events" ] || mount -t tracefs none "$TRACEFS" 2>/dev/null
	[ -d "$TRACEFS/events" ]
}

# Is traced until the case ends.
trace_event() # group/event
{
	echo 1 >"$TRACEFS/events/$1/enable" || die "the kernel has no event $1"
	defer sh -c "echo 0 >$TRACEFS/events/$1/enable"
}

# --- SAs --------------------------------------------------------------------

readonly KEY16=0x000102030405060708090a0b0c0d0e0f
readonly KEY20=${KEY16}10111213
readonly KEY32=${KEY16}101112131415161718191a1b1c1d1e1f

# The algorithms of a cipher by name, in ALGO.
cipher() # gcm|cbc|null
{
	case $1 in
	gcm) ALGO=(aead 'rfc4106(gcm(aes))' "$KEY20" 128) ;;
	cbc) ALGO=(auth-trunc 'hmac(sha256)' "$KEY32" 128 enc 'cbc(aes)' "$KEY16") ;;
	null) ALGO=(enc 'ecb(cipher_null)' '') ;;
	*) die "no cipher named $1" ;;
	esac
}

# An SA for both inner families, as a command of ip.
sa_line() # src dst spi reqid [option...]
{
	local src=$1 dst=$2 spi=$3 reqid=$4

	shift 4
	echo "xfrm state add src $src dst $dst proto esp spi $((spi))" \
		"reqid $reqid mode tunnel flag af-unspec ${ALGO[*]@Q} $*"
}

# One for the inner packets of a single family, by its selector.
family_sa_line() # src dst spi reqid any-address [option...]
{
	sa_line "${@:1:4}" sel src "$5" dst "$5" "${@:6}" |
		sed 's/ flag af-unspec//'
}

sa_add() # netns src dst spi reqid [option...]
{
	local ns=$1

	shift
	hear sa_line "$@"
	ip_batch "$ns" <<<"$HEARD"
}

sa_del() # netns dst spi [option...]
{
	local ns=$1 dst=$2 spi=$3

	shift 3
	must ip -n "$ns" xfrm state delete dst "$dst" proto esp spi "$spi" "$@"
}

# SAs in both directions on both hosts; SPI n from A to B and n + 1 back.
sa_pair() # reqid spi [option...]
{
	local lines

	hear pair_lines "$@"
	lines=$HEARD
	ip_batch "$UA" <<<"$lines"
	ip_batch "$UB" <<<"$lines"
}

# Reserves an SPI, as a daemon does before it has the keys, ...
reserve_spi() # netns src dst spi reqid [option...]
{
	must ip -n "$1" xfrm state allocspi src "$2" dst "$3" proto esp mode tunnel \
		reqid "$5" "${@:6}" min $(($4)) max $(($4))
}

# ... and lines that complete what is reserved, or give an SA what has changed.
as_updates() { sed 's/ add / update /'; }

# The SAs of both directions for each inner family.
family_pairs() # reqid
{
	local lines

	lines=$(
		family_sa_line "$A" "$B" 0x1000 "$1" 0.0.0.0/0
		family_sa_line "$B" "$A" 0x1001 "$1" 0.0.0.0/0
		family_sa_line "$A" "$B" 0x2000 "$1" ::/0
		family_sa_line "$B" "$A" 0x2001 "$1" ::/0
	)
	ip_batch "$UA" <<<"$lines"
	ip_batch "$UB" <<<"$lines"
}

# Up to 5.8 the core takes any of them for a packet of any family; the device
# then drops it.
need_families()
{
	[[ ! $(uname -r) =~ ^(4\.|5\.[0-8]\.) ]] ||
		skip "the core confuses SAs of two families"
}

pair_lines() # reqid spi [option...]
{
	sa_line "$A" "$B" $(($2)) "$1" "${@:3}"
	sa_line "$B" "$A" $(($2 + 1)) "$1" "${@:3}"
}

sa_pair_del() # spi
{
	local ns

	for ns in "$UA" "$UB"; do
		ip_batch "$ns" <<-END
			xfrm state delete dst $B proto esp spi $(($1))
			xfrm state delete dst $A proto esp spi $(($1 + 1))
		END
	done
}

# Kernels and iproute2 have it from 4.19; a kernel before that ignores it.
need_if_id()
{
	local out

	out=$(unshare -n sh -c "ip xfrm state add src $A4 dst $B4 proto esp \
		spi 0x10 mode tunnel enc 'ecb(cipher_null)' '' if_id 5 &&
		ip xfrm state list" 2>&1)
	grep -q 'if_id 0x5' <<<"$out" || skip "there is no if_id"
}

# The port of ESP in UDP.
readonly ENCAP_PORT=4500

# The socket of a daemon, without which ESP in UDP is not taken off the wire.
encap_socket() # netns address
{
	local out=$TMP/encap-$1-$2

	background "$out" in_ns "$1" "$SELFTESTS/udpencap.py" "$2" "$ENCAP_PORT"
	await "socket in $1" grep -q ready "$out"
}

# ESP in UDP over IPv6 came with 5.8.
need_encap6() # netns
{
	local -a ALGO

	cipher gcm
	ip -n "$1" xfrm state add src "$A6" dst "$B6" proto esp spi 0x10 reqid 70 \
		mode tunnel "${ALGO[@]}" encap espinudp "$ENCAP_PORT" "$ENCAP_PORT" \
		0.0.0.0 2>"$TMP/why" ||
		skip "no ESP in UDP over IPv6: $(cat "$TMP/why")"
	sa_del "$1" "$B6" 0x10
}

# The core's module that lets a device have a part in ESP, for SAs that are made
# while it is there.
load_offload()
{
	modprobe -qa esp4_offload esp6_offload || skip "no ESP offload modules"
	defer unload_offload
}

# The SAs of a namespace that has been deleted hold them until it is gone.
unload_offload()
{
	busywait "$XVTI_WAIT" modprobe -qr esp4_offload esp6_offload
}

# All SAs, also those that wait for a daemon.
state_count() # netns
{
	ip -n "$1" xfrm state count | tr -dc 0-9
}

# How many packets an SA has carried.
state_packets() # netns dst protocol spi [option...]
{
	local ns=$1 dst=$2 proto=$3 spi=$4

	shift 4
	hear ip -n "$ns" -s xfrm state get dst "$dst" proto "$proto" spi "$spi" "$@"
	[[ $HEARD =~ lifetime\ current:[^,]*,\ ([0-9]+)\(packets\) ]] &&
		echo "${BASH_REMATCH[1]}"
}

sa_packets() # netns dst spi [option...]
{
	state_packets "$1" "$2" esp "${@:3}"
}

# --- traffic ----------------------------------------------------------------

# So many echo requests must all come back. They are sent at once, with room for some
# hundred: where they are counted, none may be sent because an answer is late. What
# waits for all of them sends another one when that takes longer than this, in
# seconds.
: "${XVTI_INTERVAL:=5}"

ping_ok() # what netns address [option...]
{
	local what=$1 ns=$2 addr=$3 count=3 i
	local -a options=("${@:4}") pace

	for i in "${!options[@]}"; do
		[ "${options[i]}" != -c ] || count=${options[i + 1]}
	done
	pace=(-l "$count" -i "$XVTI_INTERVAL" -S 100000)
	# a flood has its own
	[[ " ${options[*]} " != *" -f "* ]] || pace=()
	check "$what: ping $addr" in_ns "$ns" \
		ping -n -q -c 3 -w 20 "${pace[@]}" "${options[@]}" "$addr"
}

# How many requests the last ping_ok has sent.
pinged()
{
	[[ $HEARD =~ ([0-9]+)\ packets\ transmitted ]] && echo "${BASH_REMATCH[1]}"
}

both_families() # what
{
	ping_ok "$1, IPv4" "$OA" "$IB4"
	ping_ok "$1, IPv6" "$OA" "$IB6"
	ping_ok "$1, IPv4 back" "$OB" "$IA4"
	ping_ok "$1, IPv6 back" "$OB" "$IA6"
}

# So many are sent and none may come back. Options of ping follow.
ping_none() # what netns address count [option...]
{
	local what=$1 ns=$2 addr=$3 count=$4

	shift 4
	hear with_errors in_ns "$ns" ping -n -q -i 0.01 -c "$count" -W 1 "$@" "$addr"
	[[ $HEARD = *$'\n'"$count packets transmitted, 0 received"* ]] ||
		fail "$what: ping $addr: $HEARD"
}

# Lets a sender run until the case ends.
ping_on() # netns address
{
	background /dev/null in_ns "$1" ping -n -q -i 0.01 "$2"
}

# What the kernel asks IKE daemons for is written to $TMP/acquires. Where nobody
# listens, it keeps nothing of what it asks.
listen_for_acquires() # netns
{
	background "$TMP/acquires" ip -n "$1" xfrm monitor acquire
	await "listener" listeners "$1"
}

acquires() { grep -c '^acquire ' "$TMP/acquires"; }

# Sockets of xfrm's netlink, protocol 6, that are in a group.
listeners() # netns
{
	# shellcheck disable=SC2016 # for awk
	in_ns "$1" awk '$2 == 6 && $4 !~ /^0*$/ { found = 1 } END { exit !found }' \
		/proc/net/netlink
}

# SPIs of the SAs that have been asked for, where they have one.
asked_for()
{
	sed -n 's/^acquire proto esp spi \(0x[0-9a-f]*\).*/\1/p' "$TMP/acquires" |
		sort | xargs
}

# A file must arrive unchanged over TCP, from one namespace in the other.
# A connection that stalls retransmits for longer than a test may take.
tcp_ok() # what netns netns address [KiB]
{
	local what=$1 from=$2 to=$3 addr=$4 size=${5:-512} proto=TCP4

	[[ $addr = *:* ]] && proto=TCP6 addr="[$addr]"
	head -c "${size}K" /dev/urandom >"$TMP/sent"
	background "$TMP/err" in_ns "$to" \
		socat -u "$proto-LISTEN:7000,reuseaddr" "CREATE:$TMP/received"
	await "$what: TCP server" listening "$to" 7000 || return
	check "$what: TCP client" in_ns "$from" timeout 120 \
		socat -u "OPEN:$TMP/sent" "$proto:$addr:7000" ||
		note_state "$from" "$to" ${UA:+"$UA" "$UB"}
	await "$what: file arrived over TCP" cmp -s "$TMP/sent" "$TMP/received"
	stop "$BG_PID"
	rm -f "$TMP/received"
}

# What may tell where packets have gone.
note_state() # netns...
{
	local ns

	for ns; do
		in_ns "$ns" sh -c 'ss -tinm; grep -v "[^0-9]0$" /proc/net/xfrm_stat
			ip -s -s link; ip -s xfrm state; ip route show table all
			ip -6 route show table all; xvti -s show' 2>&1 |
			sed "s/^/# $ns: /"
	done
}

listening() # netns port
{
	in_ns "$1" ss -Hltn "sport = :$2" | grep -q .
}

# Numbered datagrams from OA to OB, at so many a second, until numbered_end,
# which says how many were lost or repeated. None may be, or no more than given.
numbered() # address rate
{
	local before

	# so that no neighbour has to be looked for
	ping_ok "before the numbered datagrams" "$OA" "$1" -c 2
	background "$TMP/report" in_ns "$OB" "$SELFTESTS/udpseq.py" recv "$1" 7001
	RECEIVER=$BG_PID
	await "receiver" grep -q ready "$TMP/report"
	before=$(link_stat "$OB" xv0 rx_packets)
	background "$TMP/sender" in_ns "$OA" "$SELFTESTS/udpseq.py" send "$1" 7001 "$2"
	SENDER=$BG_PID
	await "numbered datagrams" at_least $((before + 50)) link_stat "$OB" xv0 rx_packets
}

numbered_end() # [lost at most]
{
	local report ns

	kill "$SENDER"
	wait "$SENDER" || {
		fail "sender: $(cat "$TMP/sender")"
		# what it waits for will not come
		stop "$RECEIVER"
		return
	}
	wait "$RECEIVER"
	report=$(tail -n 1 "$TMP/report")
	note "$report"
	[[ $report =~ \ lost=([0-9]+)\ repeated=0$ ]] &&
		((BASH_REMATCH[1] <= ${1:-0})) && return
	fail "$(tail -n 2 "$TMP/report")"
	for ns in "$UA" "$UB"; do
		note "$ns:" "$(in_ns "$ns" grep -v '\<0$' /proc/net/xfrm_stat)"
	done
	note "$OA:" "$(drops "$OA" xv0)" "$OB:" "$(drops "$OB" xv0)"
}

# --- what fits ---------------------------------------------------------------

# The largest inner packet by RFC 4303: outer header, SPI and sequence number,
# IV, payload with two trailer octets padded to the block, ICV. Between the
# outer header and ESP there may be others.
largest_inner() # link-mtu outer-family cipher [octets of other headers]
{
	local room=$(($1 - 8 - ${4:-0})) iv icv block

	room=$((room - ($2 == 4 ? 20 : 40)))
	case $3 in
	gcm) iv=8 icv=16 block=4 ;;
	cbc) iv=16 icv=16 block=16 ;;
	null) iv=0 icv=0 block=4 ;;
	esac
	room=$((room - iv - icv))
	echo $((room - room % block - 2))
}

# What becomes of a packet of A's that may not be fragmented: "sent", or
# "refused" and what the sender is told.
told() # address size [device]
{
	in_ns "$OA" "$SELFTESTS/pmtu" "$@" 2>&1
}

# One echo request of so many octets in all, which may not be fragmented; its
# packets and octets on the wire are in SENT.
probe() # what inner-family size
{
	local addr=$IB4 payload=$(($3 - 28)) packets octets

	[ "$2" = 4 ] || addr=$IB6 payload=$(($3 - 48))
	packets=$(wire_packets "$UA")
	octets=$(wire_octets "$UA")
	ping_ok "$1: $3 octets" "$OA" "$addr" -c 1 -M 'do' -s "$payload"
	SENT="$(($(wire_packets "$UA") - packets)) $(($(wire_octets "$UA") - octets))"
}

# A packet of MTU octets fills the link in one packet; one octet more is
# refused, and the sender is told the right number.
exact() # what link-mtu outer-family cipher [octets of other headers]
{
	local what=$1 link=$2 want inner

	want=$(largest_inner "${@:2}")
	await "$what: MTU" is "$want" mtu || return
	check_eq "$what: source" "$(mtu_source)" sa
	for inner in 4 6; do
		probe "$what: IPv$inner" "$inner" "$want"
		check_eq "$what: packets for one of $want" "${SENT% *}" 1
		check_le "$what: octets on the wire" "${SENT#* }" "$link"
		# One more block would not have fitted.
		[ "$4" = cbc ] || check_ge "$what: octets on the wire" "${SENT#* }" $((link - 3))
		[ "$4" != cbc ] || check_ge "$what: octets on the wire" "${SENT#* }" $((link - 15))
	done
	too_big "$what" $((want + 1)) "$want"
}

mtu_source()
{
	hear dev_value "$OA" xv0 mtu_source
	echo "${HEARD//\"/}"
}

too_big() # what size told
{
	local addr before

	before=$(wire_packets "$UA")
	for addr in "$IB4" "$IB6"; do
		check_eq "$1: $2 octets to $addr" "$(told "$addr" "$2")" "refused $3"
	done
	check_eq "$1: packets of $2 on the wire" $(($(wire_packets "$UA") - before)) 0
}

# --- captures ---------------------------------------------------------------

# Captures what a device sees; CAP is the file. The end of a capture is marked
# by a datagram to the discard port: when that is in the file, all that was on
# the wire before it is there as well. The kernel keeps a hundred packets for
# tcpdump; by default, it would be eight of the largest size.
capture() # netns device
{
	CAP=$TMP/$1-$2.pcap
	background "$CAP.log" in_ns "$1" \
		tcpdump -Z root -n -U --immediate-mode -s 70000 -B 8192 \
		-i "$2" -w "$CAP"
	CAP_PID=$BG_PID
	busywait "$XVTI_WAIT" grep -q 'listening on' "$CAP.log" ||
		die "tcpdump on $2: $(cat "$CAP.log")"
}

captured() # filter...: how many packets
{
	tcpdump -r "$CAP" -n "$@" 2>/dev/null | wc -l
}

# Ends a capture on the side of the wire that has this address, UB's unless
# others are named.
capture_end() # [netns-of-sender address]
{
	in_ns "${1:-$UA}" bash -c "echo end >/dev/udp/${2:-$MARKER_B}/9" 2>/dev/null
	await "end of the capture" at_least 1 captured udp dst port 9
	stop "$CAP_PID" INT
}

# What is on the wire must be ESP and nothing else; the marker and what it
# brought about are not counted, nor what a further filter leaves out.
check_only_esp() # what [filter]
{
	local other="not ip proto 50 and not ip6 proto 50 and not host $MARKER_B"

	[ $# -eq 1 ] || other+=" and $2"
	check_eq "$1: packets that are not ESP" "$(captured "$other")" 0 ||
		note "$(tcpdump -r "$CAP" -n "$other" 2>/dev/null | head -n 5)"
}

# Sends what is in TMP/again from A once more, perhaps with another class in
# the outer header: so many packets.
reinject() # what count [outer-class]
{
	check_eq "$1: sent again" "$(in_ns "$UA" \
		"$SELFTESTS/reinject.py" "$TMP/again" v0 "${@:3}" 2>&1)" "$2"
}

# --- start ------------------------------------------------------------------

[ "$(id -u)" -eq 0 ] || {
	echo "1..0 # SKIP must be run as root"
	exit "$KSFT_SKIP"
}
[ -x "$SELFTESTS/inns" ] || {
	echo "1..0 # SKIP run make in $SELFTESTS first"
	exit "$KSFT_SKIP"
}
TMP=$(mktemp -d "${TMPDIR:-/tmp}/xvti.XXXXXX") || exit "$KSFT_ERROR"
# What never has anything to read, to sleep on.
mkfifo "$TMP/nap" && exec {NAP}<>"$TMP/nap" || exit "$KSFT_ERROR"
trap 'rm -rf "$TMP"' EXIT
trap 'exit "$KSFT_ERROR"' INT TERM
