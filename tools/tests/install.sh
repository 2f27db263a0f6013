#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What is installed goes where it was told to, refers to where it will be, and
# goes again without a trace.

set -u
# shellcheck source=tools/tests/ktap.inc disable=SC1091
. "$(dirname "$0")/ktap.inc"
tools=$(dirname "$0")/..
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

files() {
	(cd "$dir" && find . -type f | sort)
}

# installs NAME PREFIX UNIT [VARIABLE=VALUE...]: these files and no others
installs() {
	local name=$1 prefix=$2 unit=$3 wanted got
	shift 3

	wanted=$(printf "./${prefix#/}/%s\n" sbin/xvti share/man/man4/xvti.4 \
		share/man/man5/xvti.conf.5 share/man/man8/xvti.8 \
		share/bash-completion/completions/xvti share/xvti/show.schema.json \
		share/xvti/xvti.yaml share/xvti/linux/xvti.h)
	wanted=$(sort <<<"$wanted${unit:+$'\n'./${unit#/}}")
	make -s -C "$tools" install DESTDIR="$dir" PREFIX="$prefix" "$@" >/dev/null
	result $? "$name: install"
	got=$(files)
	[ "$got" = "$wanted" ] || diff <(echo "$wanted") <(echo "$got") | sed 's/^/# /'
	[ "$got" = "$wanted" ]
	result $? "$name: files"
	if [ -n "$unit" ]; then
		[ "$(grep -c "=$prefix/sbin/xvti" "$dir/$unit")" -eq 3 ]
		result $? "$name: paths of the service"
	fi
	make -s -C "$tools" uninstall DESTDIR="$dir" PREFIX="$prefix" "$@" >/dev/null
	[ -z "$(files)" ]
	result $? "$name: uninstall"
}

ktap_start
installs "default" /usr/local /usr/local/lib/systemd/system/xvti.service
installs "prefix" /opt/x /opt/x/lib/systemd/system/xvti.service
installs "directory of units" /usr /lib/systemd/system/xvti.service UNITDIR=/lib/systemd/system
installs "no unit" /usr "" UNITDIR=
finish
