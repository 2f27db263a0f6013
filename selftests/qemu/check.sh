# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# check.sh - run the tests on every release and report. Sourced by run.sh.
# shellcheck disable=SC2153 # MEMORY and the like come from boot.sh

. "$QEMU_DIR/verdict.sh"

# What takes longest comes first, so that all lanes end at about the same time.
DEFAULT_RELEASES="bookworm debug bullseye trixie-backports trixie"
# Seconds for all tests of a release, and for a guest to start.
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

# Set SLOW to how much longer a kernel may take for all. One with KASAN or KCSAN
# takes about three times as long.
measure_kernel()
{
	local layer

	SLOW=1
	for layer in "${LAYERS[@]}"; do
		! grep -qsx 'CONFIG_K[AC]SAN=y' "$layer/boot/config-$KERNEL_RELEASE" ||
			SLOW=3
	done
}

# The oldest and the newest of releases, by the table, but for kernels that we
# build.
set_ends() # release...
{
	local release all=()

	for release in $(all_releases); do
		[[ " $* " != *" $release "* ]] || built_kernel "$release" ||
			all+=("$release")
	done
	ENDS=("${all[@]:0:1}" "${all[@]: -1}")
}

# Whether what test file $2 says of kernels includes the one of release $1:
# "# kernels=one" is the first release. "# kernels=ends" is also the oldest and the
# newest: for what is about the command more than about packets, and for what takes
# long and would not go wrong on a kernel between these alone.
runs_on()
{
	! grep -qx '# kernels=one' "$2" || return 1
	! grep -qx '# kernels=ends' "$2" || [[ " ${ENDS[*]} " == *" $1 "* ]]
}

# Set TODO to the tests for release $1. On the first release that is all of them;
# beside other releases, a kernel that we build runs those that say
# "# debug=core". Neither matters where T names the tests or KDIR the kernel.
#
# Half of what such a kernel's time goes to is kmemleak. So beside other releases
# it is on for those that say "# debug=core,kmemleak", which come first; it
# cannot be turned on again. The rest is in WITHOUT.
choose_for()
{
	local release=$1 test file leaks=()

	TODO=() WITHOUT=()
	for test in "${TESTS[@]}"; do
		file=$TESTS_DIR/$test.sh
		if [[ ${T-} || ${KDIR-} || $release == "$FIRST_RELEASE" ]]; then
			TODO+=("$test")
		elif ! built_kernel "$release"; then
			! runs_on "$release" "$file" || TODO+=("$test")
		elif grep -qx '# debug=core,kmemleak' "$file"; then
			leaks+=("$test")
		elif grep -qx '# debug=core' "$file"; then
			WITHOUT+=("$test")
		fi
	done
	TODO+=("${leaks[@]}" "${WITHOUT[@]}")
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

# The seconds that a guest may take to start.
boot_limit()
{
	local limit=$((BOOT_LIMIT * SLOW)) left=$((60 * MINUTES - SECONDS + 1))

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
	since=$SECONDS
	while ((${#TODO[@]} > 0)); do
		((SECONDS - start <= GUEST_LIMIT * SLOW)) || return 1
		! out_of_time || return 1
		test=${TODO[0]}
		if [[ -e $answers/$test.result ]]; then
			take_files "$dir" "$answers" "$test"
			judge "$dir" "$test" || record fail "$test" run \
				"the result is not this guest's" "$dir"
			show_output "$dir" "$test"
			TODO=("${TODO[@]:1}")
			since=$SECONDS
			continue
		fi
		limit=$(time_limit "$test")
		if ! boot_alive; then
			[[ ! -e $answers/$test.result ]] || continue
			end="the guest died"
		elif ((SECONDS - since > limit + GRACE)); then
			end="the guest hangs"
		else
			sleep 0.1
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

# Run the tests on release $1, in as many guests as it takes: one that dies
# fails the test that it died in, and the rest run in another.
check_release()
{
	local release=$1 dir run=$RUN/$1 start=$SECONDS label

	guest_gather "$release"
	: >"$RUN/gathered-$release"
	measure_kernel
	CPUS=$(guest_cpus)
	# IKE daemons and BGP have timers, the rest has time.
	[[ $release == "$FIRST_RELEASE" ]] ||
		renice -n 10 -p "$BASHPID" >/dev/null
	label=$release
	[[ ! ${KDIR-} ]] || label=$KERNEL_RELEASE
	begin_results "$label"
	dir=$OUT/$label

	choose_for "$release"
	while ((${#TODO[@]} > 0)); do
		guest_directory "$run"
		guest_list >"$run/out/tests"
		boot_background "$run" tests "$release"
		if ! follow_guest "$dir" "$run" "$start"; then
			give_up
		fi
		boot_stop
		cat "$run/console" >>"$dir/console.log"
		cat "$run/out/kmsg" >>"$dir/kernel.log" 2>/dev/null || true
	done
	rm -rf "$run"
	echo "$((SECONDS - start))" >"$dir/seconds"
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
# is that there is no time for them.
give_up()
{
	local status=fail reason="not run" test

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

skipped_everywhere()
{
	awk -F'\t' '
		{ key = $2 "\t" $3; seen[key] = 1 }
		$1 != "skip" { ran[key] = 1 }
		END { for (key in seen) if (!(key in ran)) print key }
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
	set_ends "${CHOSEN[@]}"
	check_listed
	mapfile -t TESTS < <(chosen_tests)
	((${#TESTS[@]} > 0)) || die "no test matches T='${T-}'"
}

# The verb list: what check would run on each release.
run_list()
{
	local release

	read_request
	for release in "${CHOSEN[@]}"; do
		choose_for "$release"
		echo "$release: ${TODO[*]}"
	done
}

run_check()
{
	local release slots child
	local -A children=()

	read_request
	mkdir -p "$OUT"
	rm -rf "${OUT:?}"/*/
	slots=$(parallel)
	BROKEN=0
	if [[ ! ${T-} && ! ${KDIR-} ]]; then
		(check_host) || BROKEN=$((BROKEN + 1))
	fi
	GUESTS=$((slots < ${#CHOSEN[@]} ? slots : ${#CHOSEN[@]}))
	for release in "${CHOSEN[@]}"; do
		while (($(running "${!children[@]}") >= slots)); do
			wait -n || true
		done
		while builds; do
			sleep 1
		done
		(
			trap boot_stop EXIT
			check_release "$release"
		) &
		children[$!]=$release
	done
	for child in "${!children[@]}"; do
		wait "$child" || broken "${children[$child]}"
	done
	report
}

# Whether one of run_check's children builds a kernel. That takes the processors
# of a guest, which would starve beside it, and is to come early.
builds()
{
	local child

	for child in "${!children[@]}"; do
		! built_kernel "${children[$child]}" ||
			[[ -e $RUN/gathered-${children[$child]} ]] ||
			! kill -0 "$child" 2>/dev/null || return 0
	done
	return 1
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

# How many of these processes there still are.
running()
{
	local pid count=0

	for pid; do
		! kill -0 "$pid" 2>/dev/null || count=$((count + 1))
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
