#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# layer.sh - run a build inside a release's root and keep what it wrote as a
# layer of its own, to be mounted over the root in guests. A layer is made
# again only when the root, the sources or the build script change.
#
# usage: layer.sh dkms|user ROOT
#   dkms  the module, installed by DKMS for the release's kernel
#   user  the tool and the tests' helper programs

set -euo pipefail
. "$(dirname "$0")/lib.sh"

case ${1-} in
dkms) paths=(Kbuild Makefile COPYING dkms.conf kmod selftests/modules) ;;
user) paths=(Makefile COPYING dkms.conf kmod/include tools selftests/Makefile
	':(glob)selftests/*.c' ':(glob)selftests/*.h'
	':(glob)selftests/bench/*.c') ;;
*) die "usage: layer.sh dkms|user ROOT" ;;
esac
kind=$1 root=${2:?usage: layer.sh dkms|user ROOT}
name=$kind-${root##*/root-}
name=${name%-*}

# Give the chroot $1 the devices and file systems that builds expect. The
# mounts are in this script's own mount namespace and end with it.
mount_system()
{
	local dev

	mount -t proc proc "$1/proc" 2>/dev/null ||
		mount --rbind /proc "$1/proc"
	mount -t tmpfs tmpfs "$1/tmp"
	mount -t tmpfs -o mode=755 tmpfs "$1/dev"
	for dev in null zero full random urandom; do
		: >"$1/dev/$dev"
		mount --bind "/dev/$dev" "$1/dev/$dev"
	done
	ln -s /proc/self/fd "$1/dev/fd"
}

# An overlay needs an upper directory on a file system that can hold one: the
# cache's own or, where that is an overlay itself, a tmpfs.
mount_overlay()
{
	local work=$1 merged=$2
	local options="lowerdir=$root,upperdir=$work/upper,workdir=$work/work"

	mkdir -p "$work/upper" "$work/work" "$merged"
	mount -t overlay overlay -o "$options" "$merged" 2>/dev/null && return
	mount -t tmpfs tmpfs "$work"
	mkdir -p "$work/upper" "$work/work"
	mount -t overlay overlay -o "$options" "$merged" ||
		die "no overlay file system on this machine"
}

# Build in an overlay of the root; the upper directory is the layer.
build()
{
	local new=$1 log=$2 version

	version=$(version)
	mount_overlay "$new/rw" "$new/merged"
	source_files "${paths[@]}" |
		copy_sources "$new/merged/usr/src/xvti-$version"
	cp "$QEMU_DIR/build-$kind" "$new/merged/usr/src/build-$kind"
	mount_system "$new/merged"
	if ! env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LANG=C.UTF-8 VERSION="$version" JOBS="$(nproc)" \
		chroot "$new/merged" bash "/usr/src/build-$kind" \
		</dev/null >"$log" 2>&1; then
		cat "$log" >&2
		die "building '$kind' for ${root##*/} failed"
	fi
	# A build may leave a process behind that ends a moment later.
	umount -R "$new/merged" 2>/dev/null || umount -Rl "$new/merged"
	cp -a "$new/rw/upper" "$new/layer"
	rm -rf "$new/layer"/{tmp,dev,proc,usr/src/build-"$kind"}
}

hash=$(source_files "${paths[@]}" | hash_sources)
key=$(echo "$root $hash" | cat - "$0" "$QEMU_DIR/build-$kind" | hash_stdin)
layer=$CACHE/$name-$key

lock "$name"
if [[ ! -d $layer ]]; then
	say "building '$kind' in ${root##*/}"
	new=$CACHE/new-$name
	rm -rf --one-file-system "$new"
	mkdir -p "$new"
	# In the mount namespace of run.sh, no mount outlives it.
	[[ ${XVTI_MOUNTNS-} ]] || die "layer.sh is to be called by run.sh"
	build "$new" "$CACHE/$name.log"
	mv "$new/layer" "$layer"
	umount "$new/rw" 2>/dev/null || true
	rm -rf --one-file-system "$new"
	prune "$name" "$layer"
fi
unlock
echo "$layer"
