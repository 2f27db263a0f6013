#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# repro-kernel.sh - make a kernel tree for repro.sh, to be used as KDIR, and
# print its directory. It is built once and cached. Variables of make, such as
# KCFLAGS, are taken from the environment.
#
# usage: repro-kernel.sh reopened ROOT   the source that Debian has for ROOT's
#                                        release, with the bugs of patches/repro
#        repro-kernel.sh fixed TREE      a copy of a built tree, with what it
#                                        lacks of patches/

set -euo pipefail
. "$(dirname "$0")/lib.sh"
# shellcheck source=../../patches/lib.sh
. "$TOP/patches/lib.sh"

REPRO_SERIES=6.1
CONFIGS=("$TOP/selftests/config" "$QEMU_DIR/guest.config")

# The package of the source, by the archive and the keys that the root has.
download()
{
	local root=$1 dir=$2 apt

	apt=(apt-get -q -o Dir::State::Lists="$dir/lists"
		-o Dir::State::Status=/dev/null -o Dir::Cache="$dir"
		-o Dir::Etc::SourceList="$root/etc/apt/sources.list"
		-o Dir::Etc::SourceParts=- -o APT::Sandbox::User=root)
	mkdir -p "$dir/lists/partial" "$dir/archives/partial"
	"${apt[@]}" update
	(cd "$dir" && "${apt[@]}" download "linux-source-$REPRO_SERIES")
}

unpack()
{
	local deb=$1 tree=$2 name=linux-source-$REPRO_SERIES

	mkdir -p "$tree"
	dpkg-deb --fsys-tarfile "$deb" | tar -xOf - "./usr/src/$name.tar.xz" |
		tar -xJf - -C "$tree" --strip-components=1 \
		--exclude='*/drivers/gpu/drm/*/*.[ch]' \
		--exclude='*/tools/testing/*'
}

make_reopened()
{
	local root=$1 new=$2

	download "$root" "$new/apt"
	unpack "$new"/apt/linux-source-*.deb "$new/tree"
	rm -rf "$new/apt"
	apply_patches "$new/tree" "$TOP/patches/repro/$REPRO_SERIES"/*.patch
	cat "${CONFIGS[@]}" >"$new/config"
	make -C "$new/tree" allnoconfig KCONFIG_ALLCONFIG="$new/config"
}

make_fixed()
{
	local tree=$1 new=$2 patches

	mapfile -t patches < <(tree_patches "$tree")
	copy_tree "$tree" "$new/tree"
	apply_patches "$new/tree" "${patches[@]}"
}

from=$(realpath -e "${2:?usage: repro-kernel.sh reopened|fixed DIR}")
case $1 in
reopened) key=$(cat "$0" "${CONFIGS[@]}" "$TOP/patches/repro/$REPRO_SERIES"/*) ;;
fixed) key=$(stat -c '%n %y %s' "$from/arch/x86/boot/bzImage"
	cat "$0" "$TOP/patches/$(tree_series "$from")"/*.patch) ;;
esac
entry=$CACHE/repro-$1-$(hash_stdin <<<"$key ${KCFLAGS-}")

lock "repro-$1"
if [[ ! -d $entry ]]; then
	new=$CACHE/new-repro-$1
	log=$CACHE/repro-$1.log
	say "building a kernel for repro (some minutes, log: $log)"
	rm -rf "$new"
	mkdir -p "$new"
	# In the background, for what fails to end it; a shell under ! would go on.
	("make_$1" "$from" "$new"
	make -C "$new/tree" -j "$(nproc)" bzImage modules) >"$log" 2>&1 &
	if ! wait "$!"; then
		tail -n 30 "$log" >&2
		die "building the kernel failed"
	fi
	mv "$new" "$entry"
	prune "repro-$1" "$entry"
fi
unlock
echo "$entry/tree"
