#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# layer.sh - run a build inside a release's root and keep what it wrote as a
# layer of its own, to be mounted over the root in guests. A layer is made
# again only when the root, the sources or the build script change.
#
# usage: layer.sh user ROOT
#          the tool and the tests' helper programs
#        layer.sh dkms ROOT [KERNEL]
#          the module, installed by DKMS for the root's kernel, or for that of
#          a layer made by "kernel"
#        layer.sh kernel ROOT SOURCE NAME
#          a kernel with NAME.config, of the source in Debian package SOURCE, in
#          the version of the root's own kernel
#        layer.sh compilers ROOT
#          what else the module has to compile with and for
#        layer.sh compile ROOT COMPILERS
#          what came of compiling it so
#        layer.sh debs ROOT
#          the packages of a second kernel
#        layer.sh life ROOT DEBS
#          the module after its life under DKMS, see dkms.sh
#        layer.sh packaging ROOT
#          what Debian packages are built with
#        layer.sh packages ROOT PACKAGING
#          our packages, and those of a version after it
#        layer.sh system ROOT
#          what makes the root a system that boots with systemd
#        layer.sh ynl ROOT SOURCE
#          what tests use of the kernel source in Debian package SOURCE

set -euo pipefail
. "$(dirname "$0")/lib.sh"

case ${1-} in
dkms | compile) paths=(Kbuild Makefile COPYING dkms.conf kmod
	packaging/secure-boot.sh selftests/modules) ;;
life) paths=(Kbuild Makefile COPYING dkms.conf kmod packaging/secure-boot.sh) ;;
user) paths=(Makefile COPYING dkms.conf kmod/include tools packaging/xvti.service.in
	Documentation/netlink
	selftests/Makefile
	':(glob)selftests/*.c' ':(glob)selftests/*.h'
	':(glob)selftests/bench/*.c') ;;
packages) paths=(Kbuild Makefile README CHANGELOG COPYING dkms.conf kmod
	tools packaging Documentation ':(glob)selftests/*' selftests/lab) ;;
compilers | kernel | debs | packaging | system | ynl) paths=() ;;
*) die "usage: layer.sh user|dkms|kernel|compilers|compile|debs|life|packaging|" \
	"packages|system|ynl ROOT..." ;;
esac
kind=$1 root=${2:?usage: layer.sh KIND ROOT...}

# Print the name of cache entry $1, without its kind and hash.
entry_name()
{
	local name=${1##*/}

	name=${name#*-}
	echo "${name%-*}"
}

name=$kind-$(entry_name "$root")
# What is built for or from, as the environment of the build.
job=()
# Parts of a kernel's configuration.
fragments=()
lower=$root
case $kind in
dkms)
	kernel=${3:-$root}
	job=(KERNEL="$(basename "$kernel"/usr/lib/modules/*)")
	if [[ $kernel != "$root" ]]; then
		name+=-$(entry_name "$kernel")
		lower=$kernel:$root
	fi
	;;
compile | life)
	job=(KERNEL="$(basename "$root"/usr/lib/modules/*)")
	lower=${3:?}:$root
	;;
compilers)
	job=(SOURCE="$(image_source "$root")")
	fragments=("$TOP/selftests/config" "$QEMU_DIR/guest.config")
	;;
packages)
	lower=${3:?}:$root
	;;
ynl)
	job=(SOURCE="${3:?}")
	;;
kernel)
	job=(SOURCE="${3:?}" NAME="${4:?}" WANTED="$(image_version "$root")")
	name=linux-$4-$(entry_name "$root")
	fragments=("$TOP/selftests/config" "$QEMU_DIR/guest.config"
		"$QEMU_DIR/$4.config")
	;;
esac

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
	local options="lowerdir=$lower,upperdir=$work/upper,workdir=$work/work"

	mkdir -p "$work/upper" "$work/work" "$merged"
	mount -t overlay overlay -o "$options" "$merged" 2>/dev/null && return
	mount -t tmpfs tmpfs "$work"
	mkdir -p "$work/upper" "$work/work"
	mount -t overlay overlay -o "$options" "$merged" ||
		die "no overlay file system on this machine"
}

# Run the build in the overlay $1. A kernel's leaves a guest that runs meanwhile
# the processor that it wants.
in_overlay()
{
	local merged=$1 proxy=() name nice=0

	[[ $kind != kernel ]] || nice=5
	for name in http_proxy https_proxy no_proxy; do
		[[ ! ${!name-} ]] || proxy+=("$name=${!name}")
	done
	cp "$QEMU_DIR/build-$kind" "$merged/usr/src/build-$kind"
	mount_system "$merged"
	env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LANG=C.UTF-8 VERSION="$(version)" JOBS="$(nproc)" \
		"${proxy[@]}" "${job[@]}" \
		nice -n "$nice" chroot "$merged" bash "/usr/src/build-$kind" </dev/null
}

# Whether the build downloads.
downloads()
{
	[[ $kind == @(compilers|kernel|debs|packaging|system|ynl) ]]
}

# A build that downloads, as the root was downloaded, does its work in /build, a
# directory of the cache: a kernel tree would not fit in memory, which is where
# an overlay may be.
prepare_download()
{
	local new=$1 merged=$2

	mkdir -p "$new/build" "$merged/build"
	if ((${#fragments[@]} > 0)); then
		cp "${fragments[@]}" "$new/build/"
		mv "$new/build/config" "$new/build/tests.config"
	fi
	mount --bind "$new/build" "$merged/build"
	rm -f "$merged/etc/resolv.conf"
	cat /etc/resolv.conf >"$merged/etc/resolv.conf"
	apt_options >"$merged/etc/apt/apt.conf.d/99xvti"
}

# Build in an overlay of the root; the upper directory is the layer, or what a
# build that downloads leaves as layer in /build.
build()
{
	local new=$1 log=$2

	mount_overlay "$new/rw" "$new/merged"
	if downloads; then
		prepare_download "$new" "$new/merged"
	else
		source_files "${paths[@]}" |
			copy_sources "$new/merged/usr/src/xvti-$(version)"
	fi
	if ! in_overlay "$new/merged" >"$log" 2>&1; then
		tail -n 100 "$log" >&2
		die "building '$kind' for ${root##*/} failed; the log is $log"
	fi
	# A build may leave a process behind that ends a moment later.
	umount -R "$new/merged" 2>/dev/null || umount -Rl "$new/merged"
	if [[ -d $new/build/layer ]]; then
		mv "$new/build/layer" "$new/layer"
	else
		cp -a "$new/rw/upper" "$new/layer"
		rm -rf "$new/layer"/{tmp,dev,proc,build,usr/src/build-"$kind"}
		rm -rf "$new/layer"/etc/{resolv.conf,apt/apt.conf.d/99xvti}
		rm -rf "$new/layer"/var/{lib/apt/lists,cache/apt}
	fi
}

# What a layer is made of. A kernel takes long, so only what goes into it counts.
key()
{
	if [[ $kind == kernel ]]; then
		cat "${fragments[@]}" "$QEMU_DIR/build-kernel"
		echo "${job[*]}"
	else
		echo "$lower"
		# without a path, all files would be listed
		((${#paths[@]} == 0)) ||
			source_files "${paths[@]}" | hash_sources
		cat "$0" "$QEMU_DIR/build-$kind" "${fragments[@]}"
	fi | hash_stdin
}

layer=$CACHE/$name-$(key)

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
