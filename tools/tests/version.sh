#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The version is in dkms.conf, which the module, the tool and the documentation
# read. Who cannot read it has to say the same: the CHANGELOG and the changelog
# of the packages, with the day of the release, and the README.

set -u
# shellcheck source=tools/tests/ktap.inc disable=SC1091
. "$(dirname "$0")/ktap.inc"
top=$(dirname "$0")/../..

# equal NAME GOT WANTED
equal() {
	[ "$2" = "$3" ]
	result $? "$1"
	[ "$2" = "$3" ] || printf '# want %s\n# got  %s\n' "$3" "$2"
}

ktap_start
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$top/dkms.conf")
grep -qxE '[0-9]+\.[0-9]+\.[0-9]+' <<<"$version"
result $? "dkms.conf has a version"
equal "tool" "$("$XVTI" -V)" "xvti $version"

# what Kbuild does when it builds the module, for any place of the source
# shellcheck disable=SC2016 # names of make
command=$(sed -n 's/^xvti-version := \$(shell \(.*\))$/\1/p' "$top/Kbuild" |
	sed "s|\$(src)|\$src|")
equal "Kbuild" "$(src=$top bash -c "$command")" "$version"
grep -qx 'MODULE_VERSION(XVTI_VERSION);' "$top/kmod/main.c"
result $? "module"

read -r heading day < <(sed -n '1s/ - / /p' "$top/CHANGELOG")
equal "CHANGELOG" "$heading" "$version"
grep -qxE '20[0-9]{2}-[0-9]{2}-[0-9]{2}' <<<"$day"
result $? "CHANGELOG has a day"
equal "CHANGELOG is underlined" "$(sed -n 2p "$top/CHANGELOG")" \
	"$(sed -n '1s/./-/gp' "$top/CHANGELOG")"

changelog=$top/packaging/debian/changelog
equal "packages" "$(sed -n '1s/^xvti (\(.*\)) .*/\1/p' "$changelog")" "$version"
equal "packages have the same day" \
	"$(date -u +%F -d "$(sed -n 's/^ -- .*>  //p;T;q' "$changelog")")" "$day"

equal "README" "$(grep -oE 'xvti[-/][0-9]+\.[0-9.]+[0-9]' "$top/README" | sort -u | xargs)" \
	"xvti-$version xvti/$version"
finish
