# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# verdict.sh - judge what a test said and did. Sourced by check.sh.
# shellcheck disable=SC2153 # TOKEN comes from boot.sh
#
# record writes a line of $RESULTS, the results of one kernel:
#   pass|fail|skip|late TAB test TAB case TAB reason TAB log
# late is a skip that is not the test's own: there was no time for it.

# Begin or go on with the results of the kernel that is to be called $1 in them.
begin_results()
{
	LABEL=$1
	RESULTS=$OUT/$LABEL/results
	mkdir -p "$OUT/$LABEL"
	[[ -e $RESULTS ]] || echo "$KERNEL_RELEASE" >"$OUT/$LABEL/kernel"
	: >>"$RESULTS"
}

# Print one result and remember it. Lines of parallel guests do not mix, as
# each is one write.
record()
{
	local status=$1 test=$2 case=$3 reason=$4 log=$5 word

	if [[ $status == skip ]] && ! skip_allowed "$test" "$case"; then
		status=fail
		reason="skip that selftests/skips does not allow: $reason"
	fi
	case $status in
	pass) word=ok reason=- ;;
	fail) word='not ok' ;;
	skip | late) word=skip ;;
	esac
	: "${reason:=no reason given}"
	reason=${reason//$'\t'/ }
	printf '%s\t%s\t%s\t%s\t%s\n' "$status" "$test" "$case" "$reason" \
		"$log" >>"$RESULTS"
	printf '%-6s  %-16s %s: %s%s\n' "$word" "$LABEL" "$test" "$case" \
		"$([[ $status == pass ]] || echo " # ${reason:0:400}")"
}

# Whether selftests/skips has a line for this test and case on this kernel,
# which is named by its release or its version.
skip_allowed()
{
	local test case kernels reason kernel

	while read -r test case kernels reason; do
		# shellcheck disable=SC2053 # the table holds globs
		[[ $1 == $test && $2 == $case && $reason ]] || continue
		for kernel in ${kernels//,/ }; do
			# shellcheck disable=SC2053
			if [[ $LABEL == $kernel || $KERNEL_RELEASE == $kernel ]]
			then
				return 0
			fi
		done
	done < <(table "$TOP/selftests/skips")
	return 1
}

# Judge the KTAP in file $2, given the exit code $3 of test $1.
judge_output()
{
	local test=$1 log=$2 code=$3 status case reason plan=none last=
	local -A n=([pass]=0 [fail]=0 [skip]=0)

	while IFS=$'\t' read -r status case reason; do
		if [[ $status == plan ]]; then
			plan=$case last=$reason
			continue
		fi
		n[$status]=$((n[$status] + 1))
		record "$status" "$test" "$case" "$reason" "$log"
	done < <(awk -f "$QEMU_DIR/ktap.awk" "$log")
	judge_exit "$test" "$log" "$code" "$plan" "$last"
}

# What a test says about itself must agree with how it ended; $5 is what it said
# last. Reads n, the numbers of results, of judge_output.
judge_exit()
{
	local test=$1 log=$2 code=$3 plan=$4 last=$5 wrong=
	local total=$((n[pass] + n[fail] + n[skip]))

	if [[ $plan == none ]]; then
		wrong="no plan"
	elif ((plan != total)); then
		wrong="planned $plan results and gave $total"
	elif ((total == 0)); then
		wrong="no results"
	fi
	case $code in
	0 | 4) ((n[fail] == 0)) || wrong+=", exit code $code with failures" ;;
	1) ((n[fail] > 0)) || wrong+=", exit code 1 without a failure" ;;
	124 | 137) wrong+=", killed at its time limit" ;;
	*) wrong+=", exit code $code" ;;
	esac
	if [[ $wrong ]]; then
		record fail "$test" "run" "${wrong#, }${last:+; $last}" "$log"
	fi
}

# Judge test $2 by its files in directory $1; fail if its result is not from
# this boot.
judge()
{
	local dir=$1 test=$2 token key value code=none problem=
	local log=$dir/$test.ktap

	{
		read -r token
		[[ $token == "$TOKEN" ]] || return 1
		while read -r key value; do
			case $key in
			exit) code=$value ;;
			problem) problem+="${problem:+; }$value" ;;
			esac
		done
	} <"$dir/$test.result"
	judge_output "$test" "$log" "$code"
	if [[ $problem ]]; then
		record fail "$test" "leaves the system clean" "$problem" \
			"$dir/$test.kmsg"
	fi
}
