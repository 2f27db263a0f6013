#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# initramfs.sh - make the small initramfs that a guest starts from: a static
# busybox, and the modules that its kernel needs for a root over 9p.
#
# usage: initramfs.sh ROOT MODULES-PARENT KERNELRELEASE OUTPUT
#   ROOT has the programs (and is where they run), MODULES-PARENT has
#   lib/modules/KERNELRELEASE; without it, all that is needed is built in

set -euo pipefail
. "$(dirname "$0")/lib.sh"

root=${1:?} parent=${2:?} release=${3:?} output=${4:?}
shopt -s extglob
# INITRAMFS_MODULES: those for a root on a disk
read -ra need <<<"${INITRAMFS_MODULES:-virtio_pci 9pnet_virtio 9p overlay}"

# Paths of the modules that are not built in, in order, each once.
module_files()
{
	local module

	[[ -e $parent/lib/modules/$release/modules.dep ]] || return 0
	for module in "${need[@]}"; do
		PATH=$PATH:/usr/sbin:/sbin modprobe -d "$parent" \
			-S "$release" --show-depends "$module" || exit
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{bin,dev,proc,sys,modules}
cp "$root/bin/busybox" "$work/bin/busybox"
install -m 755 "$QEMU_DIR/initramfs-init" "$work/init"

files=$(module_files)
: >"$work/modules/order"
while read -r file; do
	[[ $file ]] || continue
	name=$(basename "$file")
	case $name in
	*.xz) xz -dc "$file" >"$work/modules/${name%.xz}" ;;
	*.zst) zstd -dcq "$file" >"$work/modules/${name%.zst}" ;;
	*.gz) gzip -dc "$file" >"$work/modules/${name%.gz}" ;;
	*) cp "$file" "$work/modules/$name" ;;
	esac
	echo "${name%.@(xz|zst|gz)}" >>"$work/modules/order"
done <<<"$files"

(cd "$work" && find . | "$work/bin/busybox" cpio -o -H newc 2>/dev/null) \
	>"$output.new"
mv "$output.new" "$output"
