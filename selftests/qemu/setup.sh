#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# setup.sh - see that this machine has the programs that guests need. As root
# on Debian, install what is missing; otherwise print the one command to run.
#
# usage: setup.sh base|kdir|docs

set -euo pipefail
. "$(dirname "$0")/lib.sh"

# Debian package, then a file or program that shows that it is there.
base_packages="
qemu-system-x86		qemu-system-x86_64
mmdebstrap		mmdebstrap
debian-archive-keyring	/usr/share/keyrings/debian-archive-keyring.gpg
util-linux		flock
mount			mount
procps			ps
kmod			modprobe
e2fsprogs		mke2fs
gcc			gcc
groff-base		groff
make			make
pkg-config		pkg-config
libmnl-dev		/usr/include/libmnl/libmnl.h
libc6-dev		/usr/include/stdio.h
python3			python3
xz-utils		xz
python3-sphinx		sphinx-build
python3-yaml		/usr/lib/python3/dist-packages/yaml
"

# A module is built against a kernel tree on this machine.
kdir_packages="
flex			flex
patch			patch
bison			bison
bc			bc
cpio			cpio
libelf-dev		/usr/include/libelf.h
libssl-dev		/usr/include/openssl/ssl.h
"

# The documentation is made of reST.
docs_packages="
make			make
python3			python3
python3-sphinx		sphinx-build
"

# Without root, a user namespace with its own range of user ids is used.
user_packages="
uidmap			newuidmap
"

present()
{
	case $1 in
	/*) [[ -e $1 ]] ;;
	*) PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null ;;
	esac
}

missing()
{
	local package sign

	while read -r package sign; do
		if [[ $package ]] && ! present "$sign"; then
			echo "$package"
		fi
	done
}

install()
{
	local opts=(-y -q --no-install-recommends)

	say "installing with apt: $*"
	export DEBIAN_FRONTEND=noninteractive
	if ! apt-cache show "$@" >/dev/null 2>&1; then
		apt-get update -q >&2
	fi
	# Package lists may be older than the archive's last update.
	apt-get install "${opts[@]}" "$@" </dev/null >&2 && return
	apt-get update -q >&2
	apt-get install "${opts[@]}" "$@" </dev/null >&2 ||
		die "apt-get could not install: $*"
}

case ${1:-base} in
docs) list=$docs_packages ;;
kdir) list=$base_packages$kdir_packages ;;
*) list=$base_packages ;;
esac
[[ $EUID == 0 || ${1:-base} == docs ]] || list+=$user_packages

mapfile -t need < <(missing <<<"$list")
[[ ${#need[@]} != 0 ]] || exit 0

command -v apt-get >/dev/null ||
	die "this machine has no apt-get; install what provides: ${need[*]}"
[[ $EUID == 0 ]] || die "packages are missing, run this and try again:
sudo apt-get install --no-install-recommends ${need[*]}"
install "${need[@]}"
