# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# system.sh - our Debian packages: built in a release's root, and used as a user
# would in a guest of that release, which boots with systemd from a disk and may
# write to it. Sourced by run.sh, after check.sh.
# shellcheck disable=SC2034 # boot.sh and check.sh use what is set here

. "$QEMU_DIR/splat.sh"

# Seconds for a boot, with all that is done in it: DKMS builds the module.
SYSTEM_LIMIT=${XVTI_SYSTEM_LIMIT:-3600}
DISK_SIZE=4G
PACKAGES_RELEASES="bullseye bookworm trixie trixie-backports"

# Build the packages of release $1. Sets ROOT, and PACKAGES to their directory.
make_packages()
{
	make_layer "$1" packaging packages
	PACKAGES=$LAYER/usr/lib/xvti/packages
}

# The verb deb of run.sh.
run_deb()
{
	local release=$1 to=$TOP/deb/$1

	release_column "$release" suite >/dev/null
	make_packages "$release"
	rm -rf "$to"
	mkdir -p "$to"
	cp "$PACKAGES"/*.{deb,buildinfo,changes} "$to/"
	say "the packages are in ${to#"$PWD"/}"
}

# Put root $2 and layer $1 over it on a disk of their own. Sets DISK.
make_disk()
{
	local system=$1 root=$2 name disk new merged

	name=disk-${system##*/system-}
	disk=$CACHE/disk-$(hash_stdin <<<"$system:$root:$DISK_SIZE")
	lock disk
	if [[ ! -d $disk ]]; then
		say "making a disk of ${root##*/}"
		new=$CACHE/new-$name
		merged=$RUN/merged
		rm -rf "$new"
		mkdir -p "$new" "$merged"
		mount -t overlay overlay -o "ro,lowerdir=$system:$root" "$merged"
		truncate -s "$DISK_SIZE" "$new/image"
		PATH=$PATH:/usr/sbin:/sbin mke2fs -q -t ext4 -d "$merged" \
			"$new/image"
		umount "$merged"
		mv "$new" "$disk"
	fi
	hold "$disk"
	unlock
	DISK=$disk/image
}

# The guest of release $1: sets what boot.sh needs, DISK and PACKAGES.
gather_system()
{
	local system

	make_packages "$1"
	system=$("$QEMU_DIR/layer.sh" system "$ROOT")
	hold "$system"
	make_disk "$system" "$ROOT"
	LAYERS=()
	INITRAMFS_MODULES="virtio_pci virtio_blk ext4 9pnet_virtio 9p"
	export INITRAMFS_MODULES
	boot_files "$ROOT" "$ROOT" "$(basename "$ROOT"/usr/lib/modules/*)"
}

# Wait for the end of boot $3, and judge what was said in it.
judge_boot()
{
	local run=$1 dir=$2 boot=$3 code=124 test=packages-boot$3 file

	! wait_answer "$run" "boot$boot" "$SYSTEM_LIMIT" ||
		code=$(answer "$run" "boot$boot")
	for file in ktap kernel journal; do
		[[ ! -e $run/out/boot$boot.$file ]] ||
			cp "$run/out/boot$boot.$file" "$dir/$test.$file"
	done
	[[ -e $dir/$test.ktap ]] || : >"$dir/$test.ktap"
	judge_output "$test" "$dir/$test.ktap" "$code"
	show_output "$dir" "$test"
	grep -aE "$SPLAT" "$dir/$test.kernel" >>"$run/out/boot.splat" 2>/dev/null || true
	[[ $code != 124 ]]
}

check_system()
{
	local release=$1 dir run=$RUN/system-$1 start=$SECONDS

	gather_system "$release"
	begin_results "$release"
	dir=$OUT/$release
	guest_directory "$run"
	cp -r "$PACKAGES" "$run/out/packages"
	boot_background "$run" disk "$release"
	! judge_boot "$run" "$dir" 1 || judge_boot "$run" "$dir" 2 || true
	# what QEMU said of its own end, if it came to one by itself
	boot_alive || sed 's/^/qemu: /' "$run/qemu.log" >>"$run/console"
	boot_stop
	cp "$run/console" "$dir/console.log"
	boot_splats "$dir" "$run/out"
	rm -rf "$run"
	echo "$((SECONDS - start))" >"$dir/seconds"
}

# The verb packages of run.sh.
run_packages()
{
	# shellcheck disable=SC2086 # words
	run_each check_system ${RELEASES:-$PACKAGES_RELEASES}
}
