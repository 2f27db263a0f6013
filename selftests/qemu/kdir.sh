#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kdir.sh - make the layer for a kernel tree that was built on this machine:
# its bzImage, its modules and, built against it, ours. Variables of make and
# the environment (KCFLAGS, ARCH, CC) go to the tree's own make.
#
# usage: kdir.sh TREE

set -euo pipefail
. "$(dirname "$0")/lib.sh"

paths=(Kbuild COPYING dkms.conf kmod selftests/modules)

tree=$(realpath -e "${1:?usage: kdir.sh TREE}") ||
	die "no kernel tree '$1'"
image=$tree/arch/x86/boot/bzImage
[[ -e $image ]] || die "'$tree' has no arch/x86/boot/bzImage; build it first"
release=$(cat "$tree/include/config/kernel.release")

# The tree's own modules; they change only when its image does. In the root,
# /lib is a link to /usr/lib, so they go there.
kernel_layer()
{
	local new=$1

	mkdir -p "$new/boot" "$new/usr/lib/modules/$release"
	cp "$image" "$new/boot/vmlinuz-$release"
	cp "$tree/.config" "$new/boot/config-$release"
	if [[ -s $tree/modules.order ]]; then
		make -s -C "$tree" modules_install INSTALL_MOD_STRIP=1 \
			INSTALL_MOD_PATH="$new/usr"
	fi
	rm -f "$new/usr/lib/modules/$release"/{build,source}
}

# Build the modules in a copy of their source, $1, and install them in $2.
build_module()
{
	local source=$1 to=$2/usr/lib/modules/$release/updates

	make -C "$tree" M="$source" modules
	install -D -m 644 -t "$to" "$source"/*.ko
	if [[ -d $source/selftests/modules ]]; then
		make -C "$tree" M="$source/selftests/modules" modules
		install -D -m 644 -t "$to/xvti-selftests" \
			"$source"/selftests/modules/*.ko
	fi
}

# The layer for guests: kernel layer $1 and our modules.
module_layer()
{
	local kernel=$1 new=$2 log=$CACHE/kdir.log

	mkdir -p "$new/layer"
	cp -al "$kernel/." "$new/layer/"
	if [[ ! ${NOMODULE-} ]]; then
		source_files "${paths[@]}" | copy_sources "$new/source"
		if ! build_module "$new/source" "$new/layer" >"$log" 2>&1; then
			cat "$log" >&2
			die "building the module against '$tree' failed"
		fi
		if grep -i 'warning:' "$log" >&2; then
			die "the module does not compile without warnings"
		fi
	fi
	PATH=$PATH:/usr/sbin:/sbin depmod -b "$new/layer/usr" "$release"
}

tree_key=$(stat -c '%n %y %s' "$image" | cat - "$0" | hash_stdin)
kernel=$CACHE/kernel-$tree_key
sources=$(source_files "${paths[@]}" | hash_sources)
key=$(echo "$tree_key ${NOMODULE:-$sources} ${KCFLAGS-} ${CC-} ${LLVM-}" |
	hash_stdin)
layer=$CACHE/kdir-$release-$key

lock kdir
hold "$kernel"
if [[ ! -d $kernel ]]; then
	say "taking the modules of '$tree'"
	rm -rf "$CACHE/new-kernel"
	kernel_layer "$CACHE/new-kernel" >&2
	mv "$CACHE/new-kernel" "$kernel"
fi
if [[ ! -d $layer ]]; then
	say "building for '$tree'"
	rm -rf "$CACHE/new-kdir"
	module_layer "$kernel" "$CACHE/new-kdir"
	mv "$CACHE/new-kdir/layer" "$layer"
	rm -rf "$CACHE/new-kdir"
	prune "kdir-$release" "$layer"
fi
unlock
echo "$layer"
