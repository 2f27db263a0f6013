# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# guest.sh - gather what a guest consists of. Sourced by run.sh.
# shellcheck disable=SC2034 # boot.sh and check.sh use what is set here

# Gather the guest of release $1: sets KERNEL, INITRD, KERNEL_RELEASE, LAYERS
# and MEMORY. NOMODULE=1 leaves out all that is built from this tree.
guest_gather()
{
	local release=$1 root parent user dkms

	MEMORY=$(guest_memory "$release")
	root=$("$QEMU_DIR/root.sh" "$(root_release "$release")")
	hold "$root"
	LAYERS=("$root")
	if [[ ! ${NOMODULE-} ]]; then
		user=$("$QEMU_DIR/layer.sh" user "$root")
		hold "$user"
		LAYERS=("$user" "${LAYERS[@]}")
	fi
	if [[ ${KDIR-} ]]; then
		guest_kdir "$root"
		choose_accel
		return
	fi
	parent=$root
	if built_kernel "$release"; then
		parent=$(guest_kernel "$release" "$root")
		hold "$parent"
		LAYERS=("$parent" "${LAYERS[@]}")
	fi
	if [[ ! ${NOMODULE-} ]]; then
		dkms=$("$QEMU_DIR/layer.sh" dkms "$root" "$parent")
		hold "$dkms"
		LAYERS=("$dkms" "${LAYERS[@]}")
	fi
	KERNEL_RELEASE=$(basename "$parent"/usr/lib/modules/*)
	KERNEL=$parent/boot/vmlinuz-$KERNEL_RELEASE
	INITRD=$RUN/initramfs-$release
	"$QEMU_DIR/initramfs.sh" "$root" "$parent/usr" "$KERNEL_RELEASE" "$INITRD"
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

# Print the layer with the kernel that is built for release $1 in root $2.
guest_kernel()
{
	local kernel

	kernel=$(release_column "$1" kernel)
	"$QEMU_DIR/layer.sh" kernel "$2" "${kernel%:*}" "${kernel#*:}"
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

# The guest runs the kernel of tree $KDIR.
guest_kdir()
{
	local root=$1 layer

	layer=$("$QEMU_DIR/kdir.sh" "$KDIR")
	hold "$layer"
	LAYERS=("$layer" "${LAYERS[@]}")
	KERNEL_RELEASE=$(basename "$layer"/usr/lib/modules/*)
	KERNEL=$layer/boot/bzImage
	INITRD=$RUN/initramfs-kdir
	"$QEMU_DIR/initramfs.sh" "$root" "$layer/usr" "$KERNEL_RELEASE" "$INITRD"
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
