#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=last
# timeout=600
#
# Dumps of many devices, while others come and go. XVTI_DEVICES says how many,
# see dump-many.sh.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

: "${XVTI_DEVICES:=500}"

# So many devices of a name, as lines for xvti -b.
devices() # name first last
{
	local i remote=$B4

	[ "$1" = xv ] || remote=192.0.2.3
	for ((i = $2; i <= $3; i++)); do
		echo "add $1$i local $A4 remote $remote reqid $i"
	done
}

# Milliseconds that a command takes, in MS.
timed() # command...
{
	local start=${EPOCHREALTIME/./}

	"$@"
	MS=$(((${EPOCHREALTIME/./} - start) / 1000))
}

create() # netns name first last
{
	devices "$2" "$3" "$4" >"$TMP/batch"
	check "batch" xvti -n "$1" -b "$TMP/batch"
}

# The devices xv1 to xvN are each there exactly once, in a list of names.
check_complete() # what count
{
	local got

	got=$(grep -x 'xv[0-9]*' | sort -V)
	[ "$got" = "$(printf 'xv%s\n' $(seq "$2"))" ] && return
	fail "$1: $(wc -l <<<"$got") devices of $2, $(uniq -d <<<"$got" | wc -l) of them twice"
}

names() { jq -r '.[].ifname' "$TMP/shown"; }

# All of them by one command each, and how long it takes.
case_many()
{
	setup_ns UA
	timed create "$UA" xv 1 "$XVTI_DEVICES"
	note "$XVTI_DEVICES devices: created in $MS ms"
	timed xvti -n "$UA" -j show >"$TMP/shown"
	note "shown in $MS ms"
	names | check_complete "xvti show" "$XVTI_DEVICES"
	check_eq "in the order of creation" "$(names | sort -V | cksum)" "$(names | cksum)"
	check_eq "reqids" "$(jq '[.[].reqid] | unique | length' "$TMP/shown")" "$XVTI_DEVICES"
	timed xvti -n "$UA" export >"$TMP/exported"
	note "exported in $MS ms"
	check_eq "commands exported" "$(grep -c ^add "$TMP/exported")" "$XVTI_DEVICES"
	check_eq "one of them" "$(dev_value "$UA" "xv$XVTI_DEVICES" reqid)" "$XVTI_DEVICES"
	timed delete_ns "$UA"
	note "namespace deleted in $MS ms"
}

# Between any two parts of a dump devices go that it has told, that it has yet
# to tell, and others come.
case_parts()
{
	local parts

	setup_ns UA
	create "$UA" old 1 60
	create "$UA" xv 1 120
	parts=$(in_ns "$UA" "$SELFTESTS/genl.py" dump "xvti -f -b - 2>/dev/null <<-END
		del old\$PART
		del old\$((61 - PART))
		add new\$PART local $A4 remote $B4 reqid \$((1000 + PART))
	END
	:")
	check_ge "parts" "$(wc -l <<<"$parts")" 10
	xargs -n 1 <<<"$parts" | check_complete "dump in parts" 120
	check_eq "the kernel says so" "$(tail -n 1 <<<"$parts")" interrupted
	check_eq "twice" "$(xargs -n 1 <<<"$parts" | sort | uniq -d)" ""
	in_ns "$UA" "$SELFTESTS/genl.py" dump >"$TMP/shown"
	check_eq "undisturbed" "$(grep -c interrupted "$TMP/shown")" 0
	xargs -n 1 <"$TMP/shown" | check_complete "undisturbed dump" 120
}

# Devices that come, and go all at once, for as long as the case lasts.
churn() # netns
{
	printf 'link add churn%s group 9 type xvti\n' {1..300} >"$TMP/come"
	background /dev/null bash -c \
		"while ip -n $1 -batch $TMP/come && ip -n $1 link del group 9; do :; done"
	# what it has started would keep the namespace, and go on
	defer pkill -KILL -P "$BG_PID"
}

# The command asks again, and says so when it has to give up. It is made slow, so
# that there is a change in each dump.
case_churn()
{
	local warning="devices changed during the dump" tries

	setup_ns UA
	create "$UA" xv 1 "$((XVTI_DEVICES / 2))"
	churn "$UA"
	for tries in {1..20}; do
		LD_PRELOAD=$SELFTESTS/slowrecv xvti -n "$UA" -j -s show \
			>"$TMP/shown" 2>"$TMP/err" || fail "show: $(cat "$TMP/err")"
		names | check_complete "show $tries" "$((XVTI_DEVICES / 2))"
		check_eq "without the state of its link" \
			"$(jq '[.[] | select((.ifname | test("xv")) and (has("up") | not))] | length' "$TMP/shown")" 0
		grep -q "$warning" "$TMP/err" && return
	done
	fail "no dump was interrupted, or nobody said so"
}

need_module
run_cases many parts churn
