#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# unpack.sh - unpack the packages that have a directory in the table packages
# there, below a root in the making, and install what they depend on. A hook of
# mmdebstrap; apt in the root verifies what it downloads.
#
# usage: unpack.sh ROOT

set -euo pipefail
. "$(dirname "$0")/lib.sh"

root=${1:?usage: unpack.sh ROOT}

in_root()
{
	chroot "$root" "$@" </dev/null
}

# What package $1 depends on, as apt writes it.
depends()
{
	in_root apt-cache show --no-all-versions "$1" |
		sed -n 's/^\(Pre-\)\?Depends: //p' | paste -sd,
}

unpack()
{
	local package=$1 directory=$2

	in_root apt-get -y satisfy "$(depends "$package")"
	# shellcheck disable=SC2016 # for the inner shell
	in_root sh -ec 'cd "$(mktemp -d)"
		apt-get download "$1"
		dpkg -x "$1"_*.deb "$2"
		rm -r "$PWD"' sh "$package" "$directory"
}

while read -r package directory; do
	unpack "$package" "$directory"
done < <(beside)
