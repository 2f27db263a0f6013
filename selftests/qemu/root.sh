#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# root.sh - make the root file system of a release, with that release's own
# kernel, headers and tools, and print the directory. It is made once, of
# packages whose signatures mmdebstrap verifies, and never written to again:
# what is built for a guest, and what a guest writes, goes to other layers.
#
# usage: root.sh RELEASE
# shellcheck disable=SC2016 # apt and the hooks expand what is in quotes

set -euo pipefail
. "$(dirname "$0")/lib.sh"

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# Archive targets of Debian itself in this machine's own apt configuration:
# label, address, codename.
targets()
{
	apt-get indextargets \
		--format '$(ORIGIN)|$(LABEL)|$(REPO_URI)|$(CODENAME)' \
		'Created-By: Packages' | awk -F'|' '$1 == "Debian"' | sort -u
}

# The address of the archive whose label is $1, if this machine uses it.
archive()
{
	awk -F'|' -v label="$1" '$2 == label { print $3; exit }' <<<"$TARGETS"
}

# Print "deb" lines for suite $1, with the kernel from suite $2. Updates and
# security fixes are used where this machine uses them itself, unless archives
# $3 are frozen.
sources()
{
	local suite=$1 kernel=$2 archives=$3 main security opts
	opts="[arch=$ARCH_DEB signed-by=$KEYRING]"

	if [[ ! $(archive Debian) && $EUID == 0 && ! ${XVTI_USERNS-} ]]; then
		apt-get update -q >&2
		TARGETS=$(targets)
	fi
	main=$(archive Debian)
	security=$(archive Debian-Security)
	[[ $main ]] || die "apt on this machine knows no Debian archive;" \
		"add one to its sources and run 'apt-get update'"

	echo "deb $opts $main $suite main"
	if [[ $archives != frozen ]]; then
		if grep -q -- '-updates$' <<<"$TARGETS"; then
			echo "deb $opts $main $suite-updates main"
		fi
		if [[ $security ]]; then
			echo "deb $opts $security $suite-security main"
		fi
	fi
	if [[ $kernel != "$suite" ]]; then
		echo "deb $opts $main $kernel main"
	fi
}

# Package names for mmdebstrap, the kernel from its own suite.
packages()
{
	local suite=$1 kernel=$2 from=

	[[ $kernel == "$suite" ]] || from=/$kernel
	table "$QEMU_DIR/packages" | awk 'NF == 1'
	printf '%s\n' "linux-image-$ARCH_DEB$from" "linux-headers-$ARCH_DEB$from"
}

# Guests boot with an initramfs of ours, so Debian's is never made; and
# nothing starts a service. Older releases leave it to the installer that /lib
# and the like are links into /usr.
setup_hook='set -e
for dir in bin sbin lib lib32 lib64 libx32; do
	mkdir -p "$1/usr/$dir"
	ln -s "usr/$dir" "$1/$dir"
done
mkdir -p "$1/usr/sbin"
printf "#!/bin/sh\nexit 101\n" >"$1/usr/sbin/policy-rc.d"
chmod 755 "$1/usr/sbin/policy-rc.d"'
essential_hook='set -e
chroot "$1" dpkg-divert --local --rename --add /usr/sbin/update-initramfs
ln -sf /bin/true "$1/usr/sbin/update-initramfs"'

# Make the root in directory $1 from the deb lines in $2.
debootstrap()
{
	local dir=$1 suite=$2 sources=$3 list=$4 opts=() option
	local without=(man locale doc info lintian)

	while read -r option; do
		opts+=("--aptopt=$option")
	done < <(apt_options)
	for option in "${without[@]}"; do
		opts+=("--dpkgopt=path-exclude=/usr/share/$option/*")
	done

	mmdebstrap --verbose --mode=root --variant=apt \
		--architectures="$ARCH_DEB" --keyring="$KEYRING" \
		--include="$(paste -sd, <<<"$list")" \
		--aptopt='Apt::Install-Recommends "false"' \
		--setup-hook="$setup_hook" \
		--essential-hook="$essential_hook" \
		--customize-hook="$QEMU_DIR/unpack.sh" \
		"${opts[@]}" "$suite" "$dir" - <<<"$sources"
}

release=${1:?usage: root.sh RELEASE}
suite=$(release_column "$release" suite)
kernel=$(release_column "$release" kernel)
archives=$(release_column "$release" archives)
TARGETS=$(targets)
sources=$(sources "$suite" "$kernel" "$archives")
list=$(packages "$suite" "$kernel")
key=$(cat - "$0" "$QEMU_DIR/unpack.sh" <<<"$sources $list $(beside)" |
	hash_stdin)
root=$CACHE/root-$release-$key

lock "root-$release"
if [[ ! -d $root ]]; then
	say "making the root of $release (about a minute, 700 MB)"
	rm -rf --one-file-system "$CACHE/new-root-$release"
	mkdir -p "$CACHE/new-root-$release"
	log=$CACHE/root-$release.log
	if ! debootstrap "$CACHE/new-root-$release" "$suite" "$sources" \
		"$list" >"$log" 2>&1; then
		tail -n 30 "$log" >&2
		die "mmdebstrap failed; its messages are in $log"
	fi
	mv "$CACHE/new-root-$release" "$root"
	prune "root-$release" "$root"
fi
unlock
echo "$root"
