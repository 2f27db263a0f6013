# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# check.sh - run the tests on every release and report. Sourced by run.sh.
# shellcheck disable=SC2153 # MEMORY and the like come from boot.sh

. "$QEMU_DIR/verdict.sh"

# What takes longest comes first, so that all lanes end at about the same time; but
# the kernel that is built comes after all that others are to run first.
DEFAULT_RELEASES="bookworm bullseye trixie-backports trixie debug"
# Seconds for a part of the tests of a release, and for a guest to start.
GUEST_LIMIT=${XVTI_GUEST_LIMIT:-$((4200 + ${XVTI_SOAK_SECONDS:-0}))}
BOOT_LIMIT=${XVTI_BOOT_LIMIT:-400}
# Minutes from the start of the run after which no test goes on; 0 is no limit.
MINUTES=${XVTI_MINUTES:-0}
# How long past a test's own limit its guest may stay silent.
GRACE=${XVTI_GRACE:-60}
TESTS_DIR=$TOP/selftests

# Names of the tests that T chooses, in the Makefile's order. Those that say
# "# long" have to be named.
chosen_tests()
{
	local name

	for name in $(make -s --no-print-directory -C "$TESTS_DIR" list-tests); do
		if [[ ! ${T-} ]] && grep -qx '# long' "$TESTS_DIR/$name"; then
			continue
		fi
		name=${name%.sh}
		! chosen "$name" || echo "$name"
	done
}

# The seconds that test $1 may take: its own "# timeout=N" or the common one. N may
# add a variable that the test also knows, for what is more than its default.
time_limit()
{
	local own

	own=$(sed -n 's/^# timeout=\([0-9A-Z_+]\+\)$/\1/p' "$TESTS_DIR/$1.sh")
	[[ $own ]] || own=$(sed -n 's/^timeout=//p' "$TESTS_DIR/settings")
	(set +u; echo $(((own) * SLOW)))
}

# Set TODO to the tests for release $1 in part $2 of the run: "first", or "last" for
# what comes when every release has run its first part. That is what says "last" in
# its line "# kernels=": what is about the command more than about packets, and what
# takes long. Tests that say "one" there are for the first release alone, and those
# that say "built" for kernels that we build, of which others than the first run those
# that say "# debug=core". Nothing of this matters where T names the tests or KDIR the
# kernel.
#
# Half of what a kernel's time goes to that we build is kmemleak. So beside other
# releases it is on for those that say "# debug=core,kmemleak", which come first;
# it cannot be turned on again. The rest is in WITHOUT.
choose_for()
{
	local release=$1 part=$2 test

	TODO=() WITHOUT=()
	if [[ ${T-} || ${KDIR-} ]]; then
		[[ $part == last ]] || TODO=("${TESTS[@]}")
	elif ! built_kernel "$release" || [[ $release == "$FIRST_RELEASE" ]]; then
		for test in "${TESTS[@]}"; do
			! runs_on "$release" "$part" "$test" || TODO+=("$test")
		done
	elif [[ $part == first ]]; then
		mapfile -t WITHOUT < <(that_say '# debug=core')
		mapfile -t TODO < <(that_say '# debug=core,kmemleak')
		TODO+=("${WITHOUT[@]}")
	fi
}

# Whether test $3 belongs to part $2 of the run on release $1.
runs_on()
{
	local kernels

	kernels=,$(sed -n 's/^# kernels=//p' "$TESTS_DIR/$3.sh"),
	[[ $kernels != *,one,* || $1 == "$FIRST_RELEASE" ]] || return 1
	[[ $kernels != *,built,* ]] || built_kernel "$1" || return 1
	case $2 in
	last) [[ $kernels == *,last,* ]] ;;
	first) [[ $kernels != *,last,* ]] ;;
	esac
}

# Print the tests with line $1.
that_say()
{
	local test

	for test in "${TESTS[@]}"; do
		! grep -qx "$1" "$TESTS_DIR/$test.sh" || echo "$test"
	done
}

# Print the tests in TODO as a guest reads them: name, limit, and perhaps what
# is turned off before.
guest_list()
{
	local test off

	for test in "${TODO[@]}"; do
		off=
		[[ " ${WITHOUT[*]} " != *" $test "* ]] || off=kmemleak
		echo "$test $(time_limit "$test") $off"
	done
}

# Whether the time is over that the whole run may take.
out_of_time() { ((MINUTES > 0 && SECONDS >= 60 * MINUTES)); }

# The seconds until then, at least one.
time_left()
{
	local left=$((60 * MINUTES - SECONDS + 1))

	echo $((left > 1 ? left : 1))
}

# Set WITHIN to what ends a command with the time of the run, or with this shell.
# shellcheck disable=SC2034 # guest.sh uses it
set_within()
{
	WITHIN=()
	((MINUTES == 0)) || WITHIN=(setpriv --pdeathsig TERM
		timeout -k 5 "$(time_left)")
}

# The seconds that a guest may take to start.
boot_limit()
{
	local limit=$((BOOT_LIMIT * SLOW)) left

	left=$(time_left)
	echo $((MINUTES > 0 && left < limit ? left : limit))
}

# Follow one guest through the tests in TODO, and take those that are done
# from the list. Fails when no more tests can be run. The release began at $3.
follow_guest()
{
	local dir=$1 run=$2 start=$3 answers=$2/out test since end limit

	if ! wait_answer "$run" ready "$(boot_limit)"; then
		out_of_time || record fail boot "guest starts" \
			"no answer from the guest" "$dir/console.log"
		return 1
	fi
	test=
	while ((${#TODO[@]} > 0)); do
		((SECONDS - start <= GUEST_LIMIT * SLOW)) || return 1
		! out_of_time || return 1
		if [[ $test != "${TODO[0]}" ]]; then
			test=${TODO[0]} since=$SECONDS
			limit=$(time_limit "$test")
		fi
		if [[ -e $answers/$test.result ]]; then
			take_files "$dir" "$answers" "$test"
			judge "$dir" "$test" || record fail "$test" run \
				"the result is not this guest's" "$dir"
			show_output "$dir" "$test"
			TODO=("${TODO[@]:1}")
			continue
		fi
		if ! boot_alive; then
			[[ ! -e $answers/$test.result ]] || continue
			end="the guest died"
		elif ((SECONDS - since > limit + GRACE)); then
			end="the guest hangs"
		else
			sleep 0.5
			continue
		fi
		take_files "$dir" "$answers" "$test"
		record fail "$test" run "$end$(last_words "$run")" \
			"$dir/console.log"
		show_output "$dir" "$test"
		TODO=("${TODO[@]:1}")
		return 0
	done
	boot_splats "$dir" "$answers"
}

# The first lines of the kernel's last complaint.
last_words()
{
	tr -d '\r' <"$1/console" |
		grep -aE 'BUG|Oops|RIP:|Kernel panic|blocked for|stall|WARNING' |
		tail -n 4 | paste -sd'|' | sed 's/^/; /'
}

take_files()
{
	local dir=$1 answers=$2 test=$3 file

	for file in ktap kmsg result; do
		[[ ! -e $answers/$test.$file ]] ||
			mv "$answers/$test.$file" "$dir/$test.$file"
	done
}

# A kernel that complains before any test ran is judged too, once.
boot_splats()
{
	local dir=$1 answers=$2

	if [[ -s $answers/boot.splat && ! -e $dir/boot.splat ]]; then
		cp "$answers/boot.splat" "$dir/boot.splat"
		record fail boot "kernel log" \
			"$(head -n 3 "$dir/boot.splat" | paste -sd';')" \
			"$dir/boot.splat"
	fi
}

show_output()
{
	local dir=$1 test=$2 file

	[[ ${V-} ]] || return 0
	for file in "$dir/$test.ktap" "$dir/$test.kmsg"; do
		[[ ! -s $file ]] || sed "s/^/$LABEL $test| /" "$file"
	done
}

# Run part $2 of the tests on release $1, in as many guests as it takes: one that
# dies fails the test that it died in, and the rest run in another.
check_release()
{
	local release=$1 part=$2 dir run=$RUN/$1-$2 start=$SECONDS test cpus

	set_within
	guest_gather "$release"
	: >"$RUN/gathered-$release-$part"
	CPUS=$(guest_cpus)
	# IKE daemons and BGP have timers, the rest has time.
	if [[ $release != "$FIRST_RELEASE" ]] ||
		((${#CHOSEN[@]} == 1)) && [[ $part == last ]]; then
		renice -n 10 -p "$BASHPID" >/dev/null
	fi
	begin_results "$(label_of "$release")"
	dir=$OUT/$LABEL

	choose_for "$release" "$part"
	choose_own
	run_todo
	cpus=$CPUS
	for test in "${OWN[@]}"; do
		TODO=("$test")
		CPUS=$(cpus_for "$test")
		XVTI_APPEND="${XVTI_APPEND-} $(says "$test" boot)" run_todo
		CPUS=$cpus
	done
	rm -rf "$run"
	took "$dir" $((SECONDS - start))
}

# What test $1 says in a line "# $2=".
says() { sed -n "s/^# $2=//p" "$TESTS_DIR/$1.sh"; }

# The processors that test $1 gets: what it is for, one may not be able to show.
cpus_for()
{
	local wanted

	wanted=$(says "$1" cpus)
	[[ $wanted && ! ${XVTI_CPUS-} ]] && ((wanted > CPUS)) || wanted=$CPUS
	echo "$wanted"
}

# Move from TODO to OWN the tests that need a guest of their own: with more
# processors than the others have, or another command line of the kernel.
choose_own()
{
	local test all=("${TODO[@]}")

	TODO=() OWN=()
	for test in "${all[@]}"; do
		if [[ $(says "$test" boot) || $(cpus_for "$test") != "$CPUS" ]]; then
			OWN+=("$test")
		else
			TODO+=("$test")
		fi
	done
}

# Run the tests in TODO, in as many guests as it takes; the rest of check_release.
run_todo()
{
	while ((${#TODO[@]} > 0)); do
		guest_directory "$run"
		guest_list >"$run/out/tests"
		boot_background "$run" tests "$release"
		if ! follow_guest "$dir" "$run" "$start"; then
			give_up "$dir"
		fi
		boot_stop
		keep_logs "$dir" "$run"
	done
}

# What release $1 is called in results.
label_of()
{
	[[ ${KDIR-} ]] && echo "$KERNEL_RELEASE" || echo "$1"
}

# A guest that was ended at once has written none.
keep_logs()
{
	local dir=$1 run=$2

	cat "$run/console" >>"$dir/console.log" 2>/dev/null || true
	cat "$run/out/kmsg" >>"$dir/kernel.log" 2>/dev/null || true
}

# Add to the seconds that results $1 took.
took()
{
	local before=0

	[[ ! -s $1/seconds ]] || read -r before <"$1/seconds"
	echo $((before + $2)) >"$1/seconds"
}

# What needs no kernel of ours: the tool's parsers, and that the specification,
# the header and the tool agree. It counts as a kernel called "host".
check_host()
{
	local dir=$OUT/host start=$SECONDS script test code

	KERNEL_RELEASE=$(uname -r)
	begin_results host
	if ! make -C "$TOP/tools" check-programs >"$dir/build.log" 2>&1; then
		record fail tools build "the tool does not build" \
			"$dir/build.log"
		return
	fi
	for script in "$TOP"/tools/tests/*.sh; do
		test=tools-$(basename "$script" .sh)
		code=0
		(cd "$TOP/tools" && "$script" ./xvti) \
			>"$dir/$test.ktap" 2>&1 </dev/null || code=$?
		judge_output "$test" "$dir/$test.ktap" "$code"
		show_output "$dir" "$test"
	done
	echo "$((SECONDS - start))" >"$dir/seconds"
}

# The tests that will not be run any more have failed, unless all that is wrong
# is that there is no time for them. Their results are in directory $1.
give_up()
{
	local dir=$1 status=fail reason="not run" test

	if out_of_time; then
		status=late reason="not done in the $MINUTES minutes of the run"
	fi
	for test in "${TODO[@]}"; do
		record $status "$test" run "$reason" "$dir/console.log"
	done
	TODO=()
}

# The number of guests that this machine can run at once. A guest with one
# processor waits for half of its time.
parallel()
{
	local memory cores

	memory=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
	memory=$(((memory - 512) / (MEMORY + 256)))
	cores=$((($(nproc) * 3 + 1) / 2))
	echo $((memory < 1 ? 1 : memory < cores ? memory : cores))
}

# Failures of all kernels, and what only all kernels together show: a case
# that was skipped on each of several.
report_failures()
{
	local file kernel status test case reason log

	for file in "${FILES[@]}"; do
		kernel=$(basename "$(dirname "$file")")
		while IFS=$'\t' read -r status test case reason log; do
			[[ $status == fail ]] || continue
			printf '\nFAILED on %s: %s: %s\n' \
				"$kernel" "$test" "$case"
			printf '  %s\n' "${reason:0:2000}" "log: $log"
		done <"$file"
	done
	NEVER_RUN=0
	((${#FILES[@]} > 1)) || return 0
	while IFS=$'\t' read -r test case; do
		printf '\nFAILED: %s: %s was skipped on every kernel\n' \
			"$test" "$case"
		NEVER_RUN=$((NEVER_RUN + 1))
	done < <(skipped_everywhere)
}

# A test for which there was no time on some kernel may have run there.
skipped_everywhere()
{
	awk -F'\t' '
		{ key = $2 "\t" $3; test[key] = $2 }
		$1 == "late" { late[$2] = 1 }
		$1 != "skip" { ran[key] = 1 }
		END {
			for (key in test)
				if (!(key in ran) && !(test[key] in late))
					print key
		}
	' "${FILES[@]}" | sort
}

count()
{
	local status=$1

	shift
	cat /dev/null "$@" | awk -F'\t' -v s="^($status)\$" '$1 ~ s { n++ } END { print n + 0 }'
}

# Do $1 for each release that follows, one after the other, and report.
run_each()
{
	local one=$1 release

	shift
	for release; do
		release_column "$release" suite >/dev/null
	done
	mkdir -p "$OUT"
	rm -rf "${OUT:?}"/*/
	BROKEN=0
	# In the background, for what fails to end it; a shell under || would go on.
	for release; do
		(
			trap boot_stop EXIT
			"$one" "$release"
		) &
		wait "$!" || broken "$release"
	done
	report
}

# One line for each kernel, and the count as the last line of all.
report()
{
	local file dir passed failed skipped

	mapfile -t FILES < <(find "$OUT" -mindepth 2 -name results | sort)
	report_failures
	echo
	for file in "${FILES[@]}"; do
		dir=$(dirname "$file")
		printf '%s: %s passed, %s failed, %s skipped in %s s (%s)\n' \
			"$(basename "$dir")" "$(count pass "$file")" \
			"$(count fail "$file")" "$(count 'skip|late' "$file")" \
			"$(cat "$dir/seconds" 2>/dev/null || echo '?')" \
			"$(cat "$dir/kernel")"
	done
	passed=$(count pass "${FILES[@]}")
	skipped=$(count 'skip|late' "${FILES[@]}")
	failed=$(($(count fail "${FILES[@]}") + NEVER_RUN + BROKEN))
	if ((passed + failed == 0)); then
		echo "nothing ran"
	fi
	echo "$passed passed, $failed failed, $skipped skipped"
	((failed == 0 && passed > 0))
}

# What is asked for: CHOSEN are the releases, and TESTS the tests.
read_request()
{
	local release default=bookworm

	[[ ${KDIR-} ]] || default=$DEFAULT_RELEASES
	read -ra CHOSEN <<<"${RELEASES:-$default}"
	for release in "${CHOSEN[@]}"; do
		release_column "$release" suite >/dev/null
	done
	FIRST_RELEASE=${CHOSEN[0]}
	check_listed
	mapfile -t TESTS < <(chosen_tests)
	((${#TESTS[@]} > 0)) || die "no test matches T='${T-}'"
}

# The verb list: what check would run on each release.
run_list()
{
	local release part

	read_request
	for part in first last; do
		for release in "${CHOSEN[@]}"; do
			choose_for "$release" "$part"
			((${#TODO[@]} == 0)) ||
				echo "$release, $part: ${TODO[*]}"
		done
	done
}

run_check()
{
	local release part slots child queue=()

	read_request
	mkdir -p "$OUT"
	rm -rf "${OUT:?}"/*/
	# otherwise most guests are smaller than those of kernels that we build
	((${#CHOSEN[@]} > 1)) || MEMORY=$(guest_memory "${CHOSEN[0]}")
	slots=$(parallel)
	BROKEN=0
	if [[ ! ${T-} && ! ${KDIR-} ]]; then
		(check_host) || BROKEN=$((BROKEN + 1))
	fi
	for part in first last; do
		for release in "${CHOSEN[@]}"; do
			choose_for "$release" "$part"
			((${#TODO[@]} == 0)) || queue+=("$release $part")
		done
	done
	# both parts of a release that is alone, or else one for each release
	GUESTS=$((${#CHOSEN[@]} == 1 ? ${#queue[@]} : ${#CHOSEN[@]}))
	((slots >= GUESTS)) || GUESTS=$slots
	declare -gA CHILDREN=()
	while ((${#queue[@]} > 0)); do
		if ! next_one; then
			sleep 1
			continue
		fi
		(
			trap 'end_release $? "$release" "$part"' EXIT
			check_release "$release" "$part"
		) &
		CHILDREN[$release-$part]=$!
	done
	for child in "${!CHILDREN[@]}"; do
		wait "${CHILDREN[$child]}" 2>/dev/null || true
		[[ $(cat "$RUN/ended-$child" 2>/dev/null) == 0 ]] ||
			not_run "${child%-*}" "${child##*-}"
	done
	report
}

# Of one of run_check's children, with its exit code. This shell may not know it any
# more when it asks: process ids come again, and a kernel's build takes many.
end_release()
{
	boot_stop
	echo "$1" >"$RUN/ended-$2-$3"
}

# Take from run_check's queue, as its release and part, the first that can be run
# now, as one of its slots: not beside the build of a kernel, which takes the
# processors of a guest, nor beside the release's other part unless there is no other
# release. Fails if there is none.
next_one()
{
	local i

	(($(running) < slots)) && ! builds || return 1
	for i in "${!queue[@]}"; do
		read -r release part <<<"${queue[i]}"
		if ((${#CHOSEN[@]} == 1 || $(running "$release") == 0)); then
			unset "queue[i]"
			return 0
		fi
	done
	return 1
}

# Whether a kernel is being built.
builds()
{
	local child

	for child in "${!CHILDREN[@]}"; do
		! built_kernel "${child%-*}" ||
			[[ -e $RUN/gathered-$child ]] ||
			! goes_on "$child" || return 0
	done
	return 1
}

# A guest that could not even be made has failed, unless there was no time for it.
not_run() # release part
{
	if ! out_of_time || [[ -e $RUN/gathered-$1-$2 ]]; then
		broken "$1"
		return
	fi
	KERNEL_RELEASE="not started"
	begin_results "$1"
	choose_for "$1" "$2"
	give_up "$OUT/$1"
}

# The processors of a guest. An emulated processor that waits for
# another one spins, and where guests want more than this machine has the other
# one may not be running: two cost far more than twice as much. So the guests
# share what there is.
guest_cpus()
{
	local share=$(($(nproc) / GUESTS))

	if [[ ${XVTI_CPUS-} ]] || ((share > CPUS)); then
		echo "$CPUS"
	else
		echo $((share < 1 ? 1 : share))
	fi
}

# Whether this child of run_check has not ended. One that was killed says nothing.
goes_on()
{
	[[ ! -e $RUN/ended-$1 ]] && kill -0 "${CHILDREN[$1]}" 2>/dev/null
}

# How many guests run or are being made, or how many of release $1.
running()
{
	local child count=0

	for child in "${!CHILDREN[@]}"; do
		[[ ! ${1-} || ${child%-*} == "$1" ]] || continue
		! goes_on "$child" || count=$((count + 1))
	done
	echo "$count"
}

# A release whose guest could not even be made has failed.
broken()
{
	printf '\nFAILED on %s: see above why it could not be run\n' "$1"
	BROKEN=$((BROKEN + 1))
}

# A test that the Makefile does not know would never run.
check_listed()
{
	local file

	for file in "$TESTS_DIR"/*.sh; do
		file=$(basename "$file")
		[[ $file != *lib.sh ]] || continue
		grep -q "^	$file\>" "$TESTS_DIR/Makefile" ||
			die "selftests/Makefile does not list $file"
		[[ -x $TESTS_DIR/$file ]] ||
			die "selftests/$file is not executable"
	done
}
