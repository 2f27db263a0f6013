# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# dkms.sh - the module's life under a release's own DKMS: build-life lets it come
# and follow a second kernel in the release's root, and a guest starts that kernel
# and lets the module go. Sourced by check.sh.
# shellcheck disable=SC2034 # boot.sh and check.sh use what is set here

DKMS_RELEASES="bullseye bookworm trixie"

# The guest of release $1 with the kernel that came second, as guest_gather.
gather_life()
{
	local release=$1 root user debs life

	root=$("$QEMU_DIR/root.sh" "$release")
	hold "$root"
	user=$("$QEMU_DIR/layer.sh" user "$root")
	hold "$user"
	debs=$("$QEMU_DIR/layer.sh" debs "$root")
	hold "$debs"
	life=$("$QEMU_DIR/layer.sh" life "$root" "$debs")
	hold "$life"
	LAYERS=("$life" "$user" "$root")
	LIFE=$life/usr/lib/xvti
	KERNEL_RELEASE=$(cat "$LIFE/second")
	KERNEL=$life/boot/vmlinuz-$KERNEL_RELEASE
	INITRD=$RUN/initramfs-life-$release
	"$QEMU_DIR/initramfs.sh" "$root" "$life/usr" "$KERNEL_RELEASE" "$INITRD"
	choose_accel
}

# Judge the KTAP of file $1 as test $2, which exits as it should.
judge_life()
{
	local code=0

	! grep -q '^not ok' "$1" || code=1
	judge_output "$2" "$1" "$code"
	show_output "$(dirname "$1")" "$2"
}

check_dkms()
{
	local release=$1 dir run=$RUN/dkms-$1 start=$SECONDS

	gather_life "$release"
	LABEL=dkms-$release
	dir=$OUT/$LABEL
	rm -rf "$dir"
	mkdir -p "$dir"
	RESULTS=$dir/results
	: >"$RESULTS"
	echo "$KERNEL_RELEASE" >"$dir/kernel"
	cp "$LIFE/life.ktap" "$dir/dkms.ktap"
	judge_life "$dir/dkms.ktap" dkms

	guest_directory "$run"
	echo "/xvti/qemu/guest-life $(version)" >"$run/out/command"
	boot_background "$run" exec "$release"
	wait_answer "$run" exit "$GUEST_LIMIT" || true
	boot_stop
	cp "$run/out/output" "$dir/dkms-guest.ktap" 2>/dev/null ||
		: >"$dir/dkms-guest.ktap"
	cp "$run/console" "$dir/console.log"
	judge_life "$dir/dkms-guest.ktap" dkms-guest
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
