# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# lib.sh - what the scripts of this directory share: messages, the cache
# directory with its locks, and the tables releases and packages. Sourced.
# shellcheck disable=SC2034 # the scripts that source this use its variables

QEMU_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$QEMU_DIR/../.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/xvti
OUT=${XVTI_OUT:-$QEMU_DIR/out}
ARCH_DEB=amd64

die()
{
	echo "xvti: $*" >&2
	exit 2
}

# Progress of the set-up; on stderr, as stdout belongs to results.
say()
{
	echo "xvti: $*" >&2
}

version()
{
	sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$TOP/dkms.conf"
}

# Print a table without its comments.
table()
{
	sed -e 's/[[:space:]]*#.*//' -e '/^[[:space:]]*$/d' "$1"
}

all_releases()
{
	table "$QEMU_DIR/releases" | awk '{ print $1 }'
}

# Print column $2 (suite, kernel or archives) of release $1.
release_column()
{
	local release=$1 column=$2 row

	row=$(table "$QEMU_DIR/releases" | awk -v r="$release" '$1 == r')
	[[ $row ]] || die "no release '$release'; there are:" \
		"$(all_releases | tr '\n' ' ')"
	case $column in
	suite) awk '{ print $2 }' <<<"$row" ;;
	kernel) awk '{ print $3 }' <<<"$row" ;;
	archives) awk '{ print $4 }' <<<"$row" ;;
	esac
}

# Whether T, one or more globs, chooses $1. Without T all are chosen.
chosen()
{
	local glob globs

	read -ra globs <<<"${T:-*}"
	for glob in "${globs[@]}"; do
		# shellcheck disable=SC2053 # T holds globs
		[[ $1 != $glob ]] || return 0
	done
	return 1
}

# Print the packages that are unpacked beside the system, with their directory.
beside()
{
	table "$QEMU_DIR/packages" | awk 'NF == 2'
}

# Proxies and the like of this machine hold for the root's apt as well.
apt_options()
{
	apt-config dump | grep -i '^Acquire::\(http\|https\|ftp\)::' || true
}

# The version of the kernel package in root $1, which is that of its source.
image_version()
{
	dpkg-query --admindir="$1/var/lib/dpkg" -W \
		-f '${Version}\n' "linux-image-$ARCH_DEB"
}

# The Debian package that has the source of the kernel in root $1.
image_source()
{
	image_version "$1" | sed 's/^\([0-9]*\.[0-9]*\)\..*/linux-source-\1/'
}

hash_stdin()
{
	sha256sum | cut -c 1-16
}

# Only one run at a time may make the thing that $1 names; the lock is held
# until the file descriptor it prints in LOCK_FD is closed.
lock()
{
	mkdir -p "$CACHE/lock"
	exec {LOCK_FD}>"$CACHE/lock/$1"
	if ! flock -n "$LOCK_FD"; then
		say "waiting for another run that is making $1"
		flock "$LOCK_FD"
	fi
}

unlock()
{
	exec {LOCK_FD}>&-
}

# Remove cache entries $1-* other than $2, unless a guest still uses them:
# boot.sh holds a shared lock on ENTRY.use.
prune()
{
	local prefix=$1 keep=$2 entry fd

	for entry in "$CACHE/$prefix"-????????????????; do
		[[ -d $entry && $entry != "$keep" ]] || continue
		exec {fd}>>"$entry.use"
		if flock -n "$fd"; then
			rm -rf --one-file-system "$entry" "$entry.use"
		fi
		exec {fd}>&-
	done
}

# Hold on to cache entry $1 until this process and its children end.
hold()
{
	local fd

	exec {fd}>>"$1.use"
	flock -s "$fd"
}

# Relative paths of the project's files under the given pathspecs: what git tracks
# or would track; without git, all that is not a product of a build.
source_files()
{
	local git=(git -c "safe.directory=$TOP" -C "$TOP")

	if "${git[@]}" rev-parse --git-dir >/dev/null 2>&1; then
		"${git[@]}" ls-files -co --exclude-standard -- "$@"
	else
		# shellcheck disable=SC2068 # globs are to be expanded here
		(cd "$TOP" && find ${@#:(glob)} -type f ! -name '*.[od]' \
			! -name '*.ko' ! -name '*.mod*' ! -name '.*.cmd' \
			2>/dev/null) || true
	fi | sort -u | while read -r file; do
		[[ ! -e $TOP/$file ]] || echo "$file"
	done
}

# Copy the files whose names are read into directory $1.
copy_sources()
{
	mkdir -p "$1"
	tar -C "$TOP" -cf - -T - | tar -C "$1" --no-same-owner -xf -
}

hash_sources()
{
	(cd "$TOP" && tr '\n' '\0' | xargs -0r sha256sum) | hash_stdin
}
