# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# What the tests of many things at once share: programs that are told line by
# line what to do, storms that run beside each other, and the account of what
# there is before and after. Sourced after lib.sh.

# What is random comes from this number.
: "${XVTI_SEED:=$((EPOCHSECONDS % 100000))}"

# --- programs that are told what to do --------------------------------------

declare -A FEED_IN=() FEED_OUT=() FEED_PID=()

# Starts ip or xvti with a batch that does not end, for tell. A process for each
# command would be most of what a storm does. But ip remembers the index of each
# device, and up to 6.3 holds on to a namespace that it has put one in; and what
# is refused of xfrm ends it.
feed() # name command...
{
	local name=$1 path=$TMP/feed.$BASHPID.$1 in out

	shift
	mkfifo "$path.in" "$path.out"
	# open for both, so that neither end waits for the other
	exec {in}<>"$path.in" {out}<>"$path.out"
	"$@" <&"$in" >/dev/null 2>&"$out" {in}>&- {out}>&- &
	FEED_IN[$name]=$in FEED_OUT[$name]=$out FEED_PID[$name]=$!
	rm "$path.in" "$path.out"
	defer feed_end "$name"
}

feed_ip() # name netns|- [option...]
{
	local where=(-n "$2")

	[ "$2" != - ] || where=()
	feed "$1" ip "${where[@]}" "${@:3}" -force -batch -
}

feed_xvti() # name netns
{
	feed "$1" xvti -n "$2" -force -batch -
}

tell() # name line...
{
	printf '%s\n' "${@:2}" >&"${FEED_IN[$1]}"
}

# All that it was told has been done when it complains that "marker" is no
# command. Other complaints are no failure: what a storm does may be impossible
# just now.
told_all() # name...
{
	local name

	for name; do
		tell "$name" marker
	done
	for name; do
		answered "$name" || return 1
	done
}

# One that is silent for so long hangs.
answered() # name
{
	local end=$((EPOCHSECONDS + 2 * XVTI_WAIT)) pid=${FEED_PID[$1]} said= part

	while ((EPOCHSECONDS < end)) && [ -e "/proc/$pid/exe" ]; do
		# at the end of its time it has read a part of a line
		read -rt 1 -u "${FEED_OUT[$1]}" part
		said+=$part
		[[ $said != *marker* ]] || return 0
	done
	if [ -e "/proc/$pid/exe" ]; then
		fail "$1 hangs: $(cat "/proc/$pid/stack")"
	else
		wait "$pid"
		fail "$1 has ended with $?"
	fi
	note "it said: ${said: -300}"
	return 1
}

feed_end() # name
{
	local in=${FEED_IN[$1]} out=${FEED_OUT[$1]}

	exec {in}>&- {out}>&-
	stop "${FEED_PID[$1]}"
}

# --- storms -----------------------------------------------------------------

STORMS=()
STORM_PIDS=()

# One of the arguments, in CHOICE.
choose()
{
	CHOICE=${*:RANDOM % $# + 1:1}
}

storming() { ((EPOCHSECONDS < STORM_END)); }

# Calls begin_NAME, then storm_NAME until STORM_END, and twice at least, in a
# process of its own, with random numbers of its own.
storm() # name...
{
	local name

	for name; do
		storm_run "$name" $((XVTI_SEED + 1000 * ${#STORMS[@]})) &
		STORMS+=("$name")
		STORM_PIDS+=($!)
		defer kill "$!"
	done
}

storm_run() # name seed
{
	local cycles=0

	DEFERRED=() RET=0
	RANDOM=$2
	trap 'exit 1' TERM
	trap run_deferred EXIT
	"begin_$1"
	while { storming || [ "$cycles" -lt 2 ]; } && [ "$RET" -eq 0 ]; do
		"storm_$1" "$cycles"
		cycles=$((cycles + 1))
	done
	echo "$cycles" >"$TMP/cycles.$1"
	exit "$RET"
}

# Each storm must have gone on to its end, by so many cycles at least.
storms_end() # least
{
	local i name cycles

	for i in "${!STORMS[@]}"; do
		name=${STORMS[i]}
		wait "${STORM_PIDS[i]}" || fail "storm $name ended with $?"
		cycles=0
		[ ! -e "$TMP/cycles.$name" ] || read -r cycles <"$TMP/cycles.$name"
		note "$name: $cycles cycles"
		check_ge "cycles of $name" "$cycles" "$1"
	done
	STORMS=() STORM_PIDS=()
}

# --- traffic ----------------------------------------------------------------

# Where a kernel is too slow for what a test usually sends, traffic alone would
# take all of its time.
slow_kernel() { [ "$XVTI_SLOW" != 1 ]; }

# Traffic from both ends, if there are two processors from both of them.
load_on() # rate "address..." of A "address..." of B
{
	local -a a b

	! slow_kernel || set -- $(($1 / 10 + 1)) "$2" "$3"
	read -ra a <<<"$2"
	read -ra b <<<"$3"
	background "$TMP/load-a" in_ns "$OA" "$SELFTESTS/stormload.py" 0 "$1" "${b[@]}"
	LOAD_A=$BG_PID
	background "$TMP/load-b" in_ns "$OB" "$SELFTESTS/stormload.py" 1 "$1" "${a[@]}"
	LOAD_B=$BG_PID
	await "load of A" grep -q ready "$TMP/load-a"
	await "load of B" grep -q ready "$TMP/load-b"
}

# Both have received something until now.
load_passes() # what
{
	local end

	kill -USR1 "$LOAD_A" "$LOAD_B"
	for end in a b; do
		await "load of $end $1" grep -q 'received=[1-9]' "$TMP/load-$end"
		note "load of $end $1: $(tail -n 1 "$TMP/load-$end")"
	done
}

# Both must have received something, of UDP and of TCP.
load_end()
{
	local end

	kill "$LOAD_A" "$LOAD_B"
	wait "$LOAD_A" || fail "load of A: $(cat "$TMP/load-a")"
	wait "$LOAD_B" || fail "load of B: $(cat "$TMP/load-b")"
	for end in a b; do
		note "load of $end: $(tail -n 1 "$TMP/load-$end")"
		tail -n 1 "$TMP/load-$end" | grep -q 'received=[1-9][0-9]* octets=[1-9]' ||
			fail "load of $end: received nothing"
	done
}

# --- account ----------------------------------------------------------------

# What CPUs keep of slabs for themselves is given back, and what KASAN keeps of those
# that have been freed.
shrink() # /sys/kernel/slab/NAME
{
	echo 1 >"$1/shrink"
} 2>/dev/null

# How many objects of a slab are in use, exactly.
slab_objects() # name
{
	local dir=/sys/kernel/slab/$1 count

	[ -r "$dir/objects" ] || return 1
	shrink "$dir"
	read -r count _ <"$dir/objects"
	echo "$count"
}

readonly SLABS="xfrm_dst_cache xfrm_state ip_dst_cache ip6_dst_cache net_namespace"

declare -A ACCOUNT=()

# kB that there are for programs.
mem_available()
{
	local dir

	for dir in /sys/kernel/slab/*; do
		[ -L "$dir" ] || shrink "$dir"
	done
	sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo
}

# After a netns has gone, what RCU had to free has been freed.
settle()
{
	local ns=settle-$RANDOM

	ip_batch - <<-END
		netns add $ns
		link add s-$ns type veth peer name sentinel netns $ns
		netns del $ns
	END
	busywait "$XVTI_WAIT" absent "/sys/class/net/s-$ns"
	nap 1
}

# Up to 4.16 this is of all namespaces, and counts the kernel's own as well.
readonly SOCKETS=(sed -n 's/^sockets: used //p' /proc/self/net/sockstat)

account_begin()
{
	local slab

	settle
	for slab in $SLABS; do
		ACCOUNT[$slab]=$(slab_objects "$slab")
		# guests are started so that no two caches share their slabs
		[ -z "${ACCOUNT[$slab]}" ] ||
			check_eq "$slab: is others' as well" "$(<"/sys/kernel/slab/$slab/aliases")" 0
	done
	ACCOUNT[memory]=$(mem_available)
	ACCOUNT[sockets]=$("${SOCKETS[@]}")
}

# The host that this is may use a route or two of its own.
slab_settled() # name
{
	local slack=0

	case $1 in
	ip_dst_cache | ip6_dst_cache) slack=16 ;;
	esac
	[ "$(slab_objects "$1")" -le $((ACCOUNT[$1] + slack)) ]
}

account_end()
{
	local slab

	settle
	check_eq "xvti devices" "$(ip -o link show type xvti)" ""
	for slab in $SLABS; do
		[ -n "${ACCOUNT[$slab]}" ] || {
			note "$slab: this kernel does not tell"
			continue
		}
		busywait "$XVTI_WAIT" slab_settled "$slab" ||
			fail "$slab: $(slab_objects "$slab") objects, before: ${ACCOUNT[$slab]}"
		note "$slab: $(slab_objects "$slab") objects, before: ${ACCOUNT[$slab]}"
	done
	check_eq "sockets of netlink" "$(user_sockets /proc/net/netlink)" 0
	await "sockets" is "${ACCOUNT[sockets]}" "${SOCKETS[@]}"
	note "kB available: $(mem_available), before: ${ACCOUNT[memory]}"
	check_eq "module use count" "$(cat /sys/module/xvti/refcnt)" 0
	check "the module can be unloaded" rmmod xvti
	must modprobe xvti
}

# Nothing of the device's may be left in an underlay without devices: the
# private policies hang on sockets, which nothing else counts.
check_underlay_empty() # netns
{
	check_eq "SAs left in $1" "$(state_count "$1")" 0
	await "policies left in $1" no_policies "$1"
	hear in_ns "$1" cat /proc/net/netlink
	check_eq "netlink sockets left in $1" "$(user_sockets <<<"$HEARD")" 0
	# where it is not of all, which account_end looks at
	[ "$(unshare -n "${SOCKETS[@]}")" -ne 0 ] ||
		check_eq "sockets left in $1" "$(in_ns "$1" "${SOCKETS[@]}")" 0
}

no_policies() # netns
{
	local n

	hear ip -n "$1" -s xfrm policy count
	for n in $HEARD; do
		[[ ! $n =~ ^[1-9][0-9]*\)?$ ]] || return 1
	done
}

# Of a process, not the kernel's own.
user_sockets() # [file]
{
	awk '$3 ~ /^[1-9]/ { n++ } END { print n + 0 }' "$@"
}
