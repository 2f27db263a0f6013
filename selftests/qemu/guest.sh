# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# guest.sh - gather what a guest consists of. Sourced by run.sh.
# shellcheck disable=SC2034 # boot.sh and check.sh use what is set here

# Gather the guest of release $1: sets KERNEL, INITRD, KERNEL_RELEASE, LAYERS,
# MEMORY and SLOW. NOMODULE=1 leaves out all that is built from this tree. WITHIN may
# be a command that ends what takes too long to be made.
guest_gather()
{
	local release=$1 root parent

	MEMORY=$(guest_memory "$release")
	LAYERS=()
	add_layer root.sh "$(root_release "$release")"
	root=${LAYERS[0]}
	[[ ${NOMODULE-} ]] || add_layer layer.sh user "$root"
	! wants_ynl "$release" || add_layer layer.sh ynl "$root" "$YNL_SOURCE"
	parent=$root
	if [[ ${KDIR-} ]]; then
		add_layer kdir.sh "$KDIR"
		parent=${LAYERS[0]}
	elif built_kernel "$release"; then
		add_kernel "$release" "$root"
		parent=${LAYERS[0]}
	fi
	[[ ${NOMODULE-} || ${KDIR-} ]] ||
		add_layer layer.sh dkms "$root" "$parent"
	boot_files "$root" "$parent" "$(basename "$parent"/usr/lib/modules/*)"
	measure_kernel
}

# Set SLOW to how much longer a kernel may take for all. One with KASAN or KCSAN
# takes about three times as long.
measure_kernel()
{
	local layer

	SLOW=1
	for layer in "${LAYERS[@]}"; do
		! grep -qsx 'CONFIG_K[AC]SAN=y' "$layer/boot/config-$KERNEL_RELEASE" ||
			SLOW=3
	done
}

# The first of Debian's kernels whose source has YNL whole, in its release.
YNL_SOURCE=linux-source-6.12

# Whether the guest is to have what the test ynl needs; not for one command.
wants_ynl()
{
	[[ ${WITH_YNL-} && ! ${NOMODULE-} ]] && chosen ynl &&
		[[ $(release_column "$(root_release "$1")" suite) == trixie ]]
}

# Put what a script of this directory makes on top of the guest's layers.
add_layer() # script argument...
{
	local layer

	layer=$("${WITHIN[@]}" "$QEMU_DIR/$1" "${@:2}")
	hold "$layer"
	LAYERS=("$layer" "${LAYERS[@]}")
}

# Make layer $3 of release $1, in what layer $2 has put on top of the root. Sets
# ROOT and LAYER.
make_layer()
{
	local tools

	ROOT=$("$QEMU_DIR/root.sh" "$1")
	hold "$ROOT"
	tools=$("$QEMU_DIR/layer.sh" "$2" "$ROOT")
	hold "$tools"
	LAYER=$("$QEMU_DIR/layer.sh" "$3" "$ROOT" "$tools")
	hold "$LAYER"
}

# The guest starts the kernel that layer $2 has with the modules of release $3;
# $1 is its root.
boot_files()
{
	KERNEL_RELEASE=$3
	KERNEL=$2/boot/vmlinuz-$3
	INITRD=$RUN/initramfs-$BASHPID
	"$QEMU_DIR/initramfs.sh" "$1" "$2/usr" "$3" "$INITRD"
	choose_accel
}

# Whether the kernel of release $1 is one that we build.
built_kernel()
{
	[[ $(release_column "$1" kernel) == *:* ]]
}

# The release whose root release $1 uses.
root_release()
{
	if built_kernel "$1"; then
		release_column "$1" suite
	else
		echo "$1"
	fi
}

# Add the layer with the kernel that is built for release $1 in root $2.
add_kernel()
{
	local kernel

	kernel=$(release_column "$1" kernel)
	add_layer layer.sh kernel "$2" "${kernel%:*}" "${kernel#*:}"
}

# MiB for a guest: a debug kernel keeps books on its memory.
guest_memory()
{
	if [[ ! ${KDIR-} ]] && built_kernel "$1"; then
		echo "${XVTI_MEMORY:-2560}"
	else
		echo "$MEMORY"
	fi
}

# Make the run directory $1 of a guest: its own copy of the tests, so that
# editing one during a run does no harm, and an empty place for answers.
guest_directory()
{
	local run=$1 layer

	rm -rf "$run"
	mkdir -p "$run/self" "$run/out"
	source_files selftests | copy_sources "$run/self"
	cp -a "$QEMU_DIR" "$run/self/qemu"
	rm -rf "$run/self/qemu/out" "$run/self/selftests/qemu"
	for layer in "${LAYERS[@]}"; do
		if [[ -d $layer/usr/lib/xvti/selftests ]]; then
			cp -a "$layer/usr/lib/xvti/selftests/." \
				"$run/self/selftests/"
		fi
	done
}
