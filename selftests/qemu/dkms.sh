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
	local release=$1 root debs life

	LAYERS=()
	add_layer root.sh "$release"
	root=${LAYERS[0]}
	add_layer layer.sh user "$root"
	debs=$("$QEMU_DIR/layer.sh" debs "$root")
	hold "$debs"
	add_layer layer.sh life "$root" "$debs"
	life=${LAYERS[0]}
	LIFE=$life/usr/lib/xvti
	boot_files "$root" "$life" "$(cat "$LIFE/second")"
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
	local release

	rm -rf "${OUT:?}"/*/
	BROKEN=0
	# In the background, for what fails to end it; a shell under || would go on.
	for release in ${RELEASES:-$DKMS_RELEASES}; do
		(
			trap boot_stop EXIT
			check_dkms "$release"
		) &
		wait "$!" || broken "$release"
	done
	mapfile -t FILES < <(find "$OUT" -mindepth 2 -name results | sort)
	report
}
