# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# lib.sh - what a kernel tree has of the fixes, and how to give it the rest.
# Sourced; works with any tree that has its sources, built or not.

PATCHES=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# "4.14" of 4.14.67
tree_series() # tree
{
	awk '$1 == "VERSION" { v = $3 } $1 == "PATCHLEVEL" { print v "." $3; exit }' \
		"$1/Makefile"
}

# A function's text on one line, white space made single spaces. A line that
# begins in the first column and ends in a semicolon is a declaration.
function_text() # file function
{
	awk -v name="$2" '
		!inside && /^[a-z_]/ && !/;$/ && match($0, "(^|[ *])" name "\\(") {
			inside = 1
		}
		inside { print }
		inside && /^}/ { exit }
	' "$1" | tr -s ' \t\n' ' '
}

# Fails as well if there is nothing to look at.
has_fix() # tree file function sign
{
	local tree=$1 file=$2 name=$3 sign=$4 text not=

	[[ $sign != !* ]] || not=1 sign=${sign#!}
	text=$(function_text "$tree/$file" "$name" 2>/dev/null)
	[[ $text ]] || return 1
	if [[ $not ]]; then
		[[ ! $text =~ $sign ]]
	else
		[[ $text =~ $sign ]]
	fi
}

# One line for each fix: has|lacks, and the columns of the table, with the
# patch's file name instead of its glob, or - if this series has none.
tree_fixes() # tree
{
	local tree=$1 series commit glob file name sign what state patch

	series=$(tree_series "$tree")
	while IFS=$'\t' read -r commit glob file name sign what; do
		state=lacks
		! has_fix "$tree" "$file" "$name" "$sign" || state=has
		patch=$(find "$PATCHES/$series" -name "$glob.patch" 2>/dev/null) || true
		printf '%s\t%s\t%s\t%s\t%s\n' "$state" "$commit" "$name" \
			"${patch:--}" "$what"
	done < <(grep -v '^#' "$PATCHES/fixes")
}

# The patches for what a tree lacks, in order, each once.
tree_patches() # tree
{
	tree_fixes "$1" | awk -F'\t' '$1 == "lacks" && $4 != "-" { print $4 }' |
		sort -u
}

# The files that patches touch, without directories of the kind a/ and b/.
patched_files() # patch...
{
	sed -n 's,^+++ b/,,p' "$@" | sort -u
}

# As a packager does, without fuzz.
apply_patches() # tree patch...
{
	local patch

	for patch in "${@:2}"; do
		patch -d "$1" -s -p1 -F0 --no-backup-if-mismatch <"$patch" || return
	done
}

# A copy of a tree to build in, with the time stamps, so that what is built stays.
copy_tree() # tree directory [option of tar...]
{
	mkdir -p "$2"
	tar -C "$1" --exclude=./.git "${@:3}" -cf - . | tar -C "$2" -xf -
}
