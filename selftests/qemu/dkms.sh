# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# dkms.sh - the module's life under a release's own DKMS: build-life lets it come
# and follow a second kernel in the release's root, and a guest starts that kernel
# and lets the module go. Sourced by run.sh, after check.sh.
# shellcheck disable=SC2034 # boot.sh and check.sh use what is set here

DKMS_RELEASES="bullseye bookworm trixie"

. "$QEMU_DIR/splat.sh"

# The guest of release $1 with the kernel that came second, as guest_gather.
gather_life()
{
	make_layer "$1" debs life
	LIFE=$LAYER/usr/lib/xvti
	LAYERS=("$ROOT")
	add_layer layer.sh user "$ROOT"
	LAYERS=("$LAYER" "${LAYERS[@]}")
	boot_files "$ROOT" "$LAYER" "$(cat "$LIFE/second")"
}

# Judge the KTAP of test $1, in directory $2, which ended with code $3.
judge_life()
{
	judge_output "$1" "$2/$1.ktap" "$3"
	show_output "$2" "$1"
}

check_dkms()
{
	local release=$1 dir run=$RUN/dkms-$1 start=$SECONDS code

	gather_life "$release"
	begin_results "dkms-$release"
	dir=$OUT/$LABEL
	cp "$LIFE/life.ktap" "$dir/dkms.ktap"
	judge_life dkms "$dir" "$(cat "$LIFE/code")"

	guest_directory "$run"
	echo "/xvti/qemu/guest-life $(version)" >"$run/out/command"
	: >"$run/out/output"
	boot_background "$run" exec "$release"
	# as timeout has it, where there is no answer
	code=124
	! wait_answer "$run" exit "$GUEST_LIMIT" || code=$(answer "$run" exit)
	boot_stop
	cp "$run/out/output" "$dir/dkms-guest.ktap"
	cp "$run/console" "$dir/console.log"
	cp "$run/out/kmsg" "$dir/kernel.log" 2>/dev/null || : >"$dir/kernel.log"
	judge_life dkms-guest "$dir" "$code"
	grep -aE "$SPLAT" "$dir/kernel.log" >"$run/out/boot.splat" || true
	boot_splats "$dir" "$run/out"
	rm -rf "$run"
	echo "$((SECONDS - start))" >"$dir/seconds"
}

# The verb dkms of run.sh.
run_dkms()
{
	# shellcheck disable=SC2086 # words
	run_each check_dkms ${RELEASES:-$DKMS_RELEASES}
}
