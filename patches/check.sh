#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check.sh - which fixes a kernel tree lacks, and that the patches for them
# apply and compile, in a copy. The tree has to be configured and prepared for
# that, and is not written to. Variables of make, such as KCFLAGS, are taken
# from the environment.
#
# usage: check.sh TREE
# Exit code: 0 if the tree has or can be given all fixes, 1 if not, 2 if it
# could not be checked.

set -euo pipefail
. "$(dirname "$0")/lib.sh"

die()
{
	echo "patches: $*" >&2
	exit 2
}

report()
{
	local state commit patch what

	while IFS=$'\t' read -r state commit _ patch what; do
		case $state/$patch in
		has/*) printf 'has    %s  %s\n' "$commit" "$what" ;;
		lacks/-)
			printf 'lacks  %s  %s: no patch for %s\n' "$commit" \
				"$what" "$(tree_series "$tree")"
			failed=1
			;;
		*) printf 'lacks  %s  %s: take %s\n' "$commit" "$what" \
			"patches/${patch#"$PATCHES/"}" ;;
		esac
	done < <(tree_fixes "$tree")
}

# As a maintainer of a git tree does; only the files in question are copied.
apply_git()
{
	local dir=$work/git git

	mkdir "$dir"
	(cd "$tree" && cp --parents "${files[@]}" "$dir")
	git=(git -C "$dir" -c user.name=x -c user.email=x -c commit.gpgsign=false)
	"${git[@]}" init -q
	"${git[@]}" add -A
	"${git[@]}" commit -q -m base
	"${git[@]}" am -q "${patches[@]}"
}

apply()
{
	# what the build itself runs is needed, what it has built is not
	copy_tree "$tree" "$work/tree" --exclude='*.ko' --exclude='./vmlinux*' \
		--exclude='./net/*.o' --exclude='./fs/*.o' \
		--exclude='./drivers/*.o' --exclude='./sound/*.o'
	if ! apply_git || ! apply_patches "$work/tree" "${patches[@]}"; then
		echo "the patches do not apply"
		return 1
	fi
	for file in "${files[@]}"; do
		cmp "$work/git/$file" "$work/tree/$file" || return 1
	done
	echo "applied: git am, patch -p1"
}

build()
{
	local objects=() object

	for file in "${files[@]}"; do
		[[ $file != *.c ]] || objects+=("${file%.c}.o")
	done
	if ! make -s -C "$work/tree" "${objects[@]}" >"$work/log" 2>&1; then
		tail -n 30 "$work/log"
		echo "does not compile"
		return 1
	fi
	for object in "${objects[@]}"; do
		[[ -s $work/tree/$object ]] || {
			echo "no $object: is it configured?"
			return 1
		}
	done
	echo "compiled: ${objects[*]}"
}

[[ $# == 1 && $1 ]] || die "give a kernel tree: make patches-check KDIR=<tree>"
tree=$(realpath -e "$1") || die "no kernel tree '$1'"
[[ -e $tree/net/xfrm/xfrm_input.c ]] ||
	die "'$tree' has no net/xfrm/xfrm_input.c: the whole source is needed"
failed=0
report
mapfile -t patches < <(tree_patches "$tree")
[[ ${#patches[@]} != 0 ]] || exit "$failed"

[[ -e $tree/include/config/auto.conf ]] ||
	die "'$tree' is not prepared for a build: make olddefconfig prepare"
mapfile -t files < <(patched_files "${patches[@]}")
work=$(mktemp -d "${TMPDIR:-/tmp}/xvti-patches.XXXXXX")
trap 'rm -rf "$work"' EXIT
apply && build || exit 1
mapfile -t patches < <(tree_patches "$work/tree")
[[ ${#patches[@]} == 0 ]] || {
	echo "still lacking: ${patches[*]#"$PATCHES/"}"
	exit 1
}
exit "$failed"
