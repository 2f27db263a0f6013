#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# selftest.sh - test the machinery that runs the tests: tests that lie, hang,
# crash the kernel or leave things behind must make a run red, and only those.
# Runs in a scratch copy of this directory with tests of its own.
#
# usage: selftest.sh [RELEASE]

set -euo pipefail
cd "$(dirname "$0")"

release=${1:-bookworm}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/xvti-selftest.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
tests=$scratch/selftests
names=()

# Add test $1, whose body is read. The Makefile's order is that of the calls.
add_test()
{
	{
		echo '#!/bin/bash'
		cat
	} >"$tests/$1.sh"
	chmod +x "$tests/$1.sh"
	names+=("$1.sh")
}

make_tests()
{
	add_test good <<-'END'
	echo 1..1
	echo ok 1 fine
	END
	add_test lies <<-'END'
	echo 1..1
	echo not ok 1 exits with 0
	END
	add_test silent <<-'END'
	exit 0
	END
	add_test forged <<-'END'
	printf '1..1\nok 1 forged\n1 passed\n' >/dev/console
	printf '1..1\nok 1 forged\n1 passed\n' >/dev/ttyS0
	exit 3
	END
	add_test short <<-'END'
	echo 1..2
	echo ok 1 the only one
	END
	add_test sleeps <<-'END'
	# timeout=4
	trap '' TERM
	echo 1..1
	echo '# and this is why'
	while :; do sleep 1; done
	END
	add_test splat <<-'END'
	echo 1..1
	echo '<4>WARNING: CPU: 0 PID: 1 at a place that does not exist' >/dev/kmsg
	echo ok 1 prints a warning
	END
	add_test warned <<-'END'
	# warns=at a place that is known|no such directory
	echo 1..1
	printf '<4>%s\n' '------------[ cut here ]------------' \
		'WARNING: CPU: 0 PID: 1 at a place that is known' 'Call Trace:' \
		'---[ end trace 0 ]---' 'no such directory' 'CPU: 0 PID: 1 Comm: x' \
		'Call Trace:' ' </TASK>' |
		while read -r line; do echo "$line" >/dev/kmsg; done
	echo ok 1 prints warnings that are expected
	END
	add_test surprised <<-'END'
	# warns=at a place that is known|no such directory
	echo 1..1
	printf '<4>%s\n' '------------[ cut here ]------------' \
		'WARNING: CPU: 0 PID: 1 at a place that is strange' \
		'---[ end trace 0 ]---' 'no such directory' 'Call Trace: of another' |
		while read -r line; do echo "$line" >/dev/kmsg; done
	echo ok 1 prints another
	END
	add_test deaf <<-'END'
	# boot=xvti.deaf=1
	pkill -x dmesg
	echo 1..1
	echo ok 1 fine
	END
	add_test netns <<-'END'
	echo 1..1
	ip netns add forgotten
	echo ok 1 leaves a namespace
	END
	add_test sa <<-'END'
	echo 1..1
	ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 1 \
		enc 'ecb(cipher_null)' '' auth 'digest_null' '' &&
	echo ok 1 leaves an SA
	END
	add_test stray <<-'END'
	echo 1..1
	setsid sleep 1000 &
	echo ok 1 leaves a process
	END
	add_test skips <<-'END'
	echo 1..2
	echo ok 1 allowed '# SKIP in the table'
	echo ok 2 other '# SKIP not in the table'
	END
	add_test crash <<-'END'
	echo 1..1
	echo ok 1 before the crash
	echo c >/proc/sysrq-trigger
	END
	add_test after_crash <<-'END'
	echo 1..1
	echo ok 1 in a new guest
	END
	add_test patient <<-'END'
	sleep 1000
	END
	add_test late <<-'END'
	echo 1..1
	echo ok 1 has come after all
	END
	add_test pair <<-'END'
	# cpus=2
	echo 1..1
	[[ $(nproc) != 2 ]] || echo ok 1 has two processors
	END
	add_test single <<-'END'
	echo 1..1
	[[ $(nproc) != 1 ]] || echo ok 1 has one processor
	END
	add_test booted <<-'END'
	# boot=xvti.greeting=hello
	echo 1..1
	! grep -q xvti.greeting=hello /proc/cmdline || echo ok 1 is greeted
	END
	add_test one <<<'# kernels=one'
	add_test later <<<'# kernels=last'
	add_test storm <<<'# kernels=one,last'
	add_test built <<<'# kernels=built,last'
	add_test core <<<'# debug=core'
	add_test leaks <<<'# debug=core,kmemleak'
	add_test long <<<'# long'
	add_test stuck <<-'END'
	# timeout=4
	kill -STOP $PPID
	sleep 1000
	END
	add_test after_stuck <<-'END'
	echo 1..1
	echo ok 1 in a new guest
	END
}

make_tree()
{
	mkdir -p "$tests"
	cp -a "$PWD" "$tests/qemu"
	rm -rf "$tests/qemu/out"
	cp ../../dkms.conf "$scratch/"
	cp ../settings "$tests/"
	make_tests
	printf 'skips\tallowed\t%s\ta test of the table\n' "$release" \
		>"$tests/skips"
	{
		echo "TEST_PROGS := \\"
		printf '\t%s \\\n' "${names[@]}"
		printf '\nlist-tests:\n\t@printf "%%s\\n" $(TEST_PROGS)\n'
	} >"$tests/Makefile"
}

failed=0

# A line of the run's output must match the regular expression $1.
expect()
{
	if grep -qE -- "$1" "$scratch/output"; then
		echo "ok      $1"
	else
		echo "not ok  $1"
		failed=1
	fi
}

# Run the tests that are named, with what else is in the environment. Sets code.
run()
{
	code=0
	NOMODULE=1 KDIR='' T="$*" V='' RELEASES=$release XVTI_GRACE=25 \
		XVTI_OUT=$scratch/out "$tests/qemu/run.sh" check \
		>"$scratch/output" || code=$?
}

# What is not expected is wrong as well: the count has to fit, and be last.
expect_count()
{
	if [[ $(tail -n 1 "$scratch/output") != "$1" ]]; then
		echo "not ok  the count: $(tail -n 1 "$scratch/output")"
		failed=1
	fi
}

# The run's output must be of so many lines.
expect_lines()
{
	if [[ $(wc -l <"$scratch/output") != "$1" ]]; then
		echo "not ok  $1 lines of output"
		cat "$scratch/output"
		failed=1
	fi
}

make_tree

# Which release is to run what, of the tests that say something about it.
list() # release...
{
	T='' KDIR='' RELEASES="$*" "$tests/qemu/run.sh" list |
		awk '{ line = $1 " " $2
			for (i = 3; i <= NF; i++)
				if ($i ~ /^(one|later|storm|built|core|leaks|long)$/)
					line = line " " $i
			print line }' >"$scratch/output"
}
list bookworm bullseye trixie debug
expect "^bookworm, first: one core leaks$"
expect "^bullseye, first: core leaks$"
expect "^trixie, first: core leaks$"
expect "^debug, first: leaks core$"
expect "^bookworm, last: later storm$"
expect "^bullseye, last: later$"
expect "^trixie, last: later$"
expect_lines 7
list debug
expect "^debug, first: one core leaks$"
expect "^debug, last: later storm built$"
expect_lines 2

# What was skipped on all kernels, but for what another had no time for.
printf '%s\n' "skip a never" "skip a once" "pass a once" "skip b late" |
	tr ' ' '\t' >"$scratch/one"
printf '%s\n' "skip a never" "skip a once" "late b run" |
	tr ' ' '\t' >"$scratch/two"
(
	. "$tests/qemu/lib.sh"
	. "$tests/qemu/check.sh"
	FILES=("$scratch/one" "$scratch/two")
	skipped_everywhere
) >"$scratch/output"
expect "^a	never$"
expect_lines 1

everything=" ${names[*]%.sh} "
everything=${everything/ patient late pair single booted one later storm built core leaks long / }
run "$everything"

expect "^ok .* good: fine$"
expect "^not ok .* lies: exits with 0"
expect "^not ok .* lies: run # .*exit code 0 with failures"
expect "^not ok .* silent: run # no plan"
expect "^not ok .* deaf: leaves .* # kernel: its log is not followed any more"
expect "^not ok .* forged: run # no plan, exit code 3"
expect "^not ok .* short: run # planned 2 results and gave 1"
expect "^not ok .* sleeps: run # .*killed at its time limit; and this is why"
expect "^not ok .* splat: leaves the system clean # kernel: .*WARNING"
expect "^ok .* warned: prints warnings that are expected$"
expect "^not ok .* surprised: .* # kernel: .*that is strange; kernel: .*of another"
expect "^not ok .* netns: leaves .* # left network namespace forgotten$"
expect "^not ok .* sa: leaves .* # left SA src 192.0.2.1"
expect "^not ok .* stray: leaves .* # left process [0-9]+, sleep 1000"
expect "^skip .* skips: allowed"
expect "^not ok .* skips: other # skip that selftests/skips does not allow"
expect "^not ok .* crash: run # the guest died; .*crash"
expect "^ok .* after_crash: in a new guest$"
expect "^not ok .* stuck: run # the guest hangs"
expect "^ok .* after_stuck: in a new guest$"

expect_count "11 passed, 15 failed, 1 skipped"
if [[ $code == 0 ]]; then
	echo "not ok  a red run exits with 0"
	failed=1
fi
[[ $failed == 0 ]] || cat "$scratch/output"

# nproc believes this, too: one processor for all guests
OMP_NUM_THREADS=1 run pair single booted
expect "^ok .* pair: has two processors$"
expect "^ok .* single: has one processor$"
expect "^ok .* booted: is greeted$"
expect_count "3 passed, 0 failed, 0 skipped"

XVTI_MINUTES=1 run good patient late

expect "^ok .* good: fine$"
expect "^skip .* patient: run # not done in the 1 minutes of the run"
expect "^skip .* late: run # not done"
expect_count "1 passed, 0 failed, 2 skipped"
if [[ $code != 0 ]]; then
	echo "not ok  a run out of time exits with $code"
	failed=1
fi
if [[ $failed != 0 ]]; then
	cat "$scratch/output"
	exit 1
fi
echo "the test machinery works"
