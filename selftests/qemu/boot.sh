# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# boot.sh - start one guest, and follow what it says in its directory of
# answers. Sourced by run.sh.
#
# A guest is described by the variables that guest.sh sets: KERNEL, INITRD and
# LAYERS (directories, topmost first) or DISK (an image). Its run directory $1 has self/, what is
# mounted at /xvti, and out/, the answers.

MEMORY=${XVTI_MEMORY:-1024}
CPUS=${XVTI_CPUS:-2}
QEMU=qemu-system-x86_64
ACCEL=${XVTI_ACCEL-}
# A clock that counts instructions is that of one emulated processor.
[[ ! ${XVTI_ICOUNT-} ]] || ACCEL=tcg CPUS=1

# Print the options that share directory $2 as $1; $3 is ",readonly=on" or
# nothing.
share()
{
	printf '%s\n' -fsdev \
		"local,id=$1,path=$2,security_model=none,multidevs=remap${3-}" \
		-device "virtio-9p-pci,fsdev=$1,mount_tag=$1"
}

# Options for the processor: KVM only where it is known to work. Emulated, all
# that QEMU knows is fastest, but for a fifth level of page tables to walk, and
# for the string instructions that are fast on real ones: they copy octet by
# octet. One processor needs no atomic instructions of the host's. With
# XVTI_ICOUNT the guest's clock counts its instructions, a nanosecond each, idle
# time passes at once, and a copy is what it is on a real one.
accel()
{
	local model=max,la57=off thread=multi

	if [[ $ACCEL == kvm ]]; then
		printf '%s\n' -accel kvm -cpu host
		return
	fi
	[[ ${XVTI_ICOUNT-} ]] || model+=,erms=off,fsrm=off
	printf '%s\n' -cpu "${XVTI_CPU:-$model}"
	if [[ ${XVTI_ICOUNT-} ]]; then
		printf '%s\n' -accel tcg,thread=single \
			-icount shift=0,sleep=off
	else
		[[ $CPUS != 1 ]] || thread=single
		printf '%s\n' -accel "tcg,thread=$thread"
	fi
}

qemu_options()
{
	local run=$1 mode=$2 i tags=() append

	printf '%s\n' -nodefaults -no-user-config \
		-machine pc -smp "$((CPUS + 1))" -m "$MEMORY" \
		-kernel "$KERNEL" -initrd "$INITRD"
	accel
	for i in "${!LAYERS[@]}"; do
		share "layer$i" "${LAYERS[i]}" ,readonly=on
		tags+=("layer$i")
	done
	# A disk outlives a reboot, but not the guest: writes go elsewhere.
	if [[ $mode == disk ]]; then
		printf '%s\n' -drive \
			"file=$DISK,format=raw,if=virtio,snapshot=on"
	else
		printf '%s\n' -no-reboot
	fi
	share self "$run/self" ,readonly=on
	share out "$run/out"
	# One more is never started, as a host may have CPUs that are not there.
	append="maxcpus=$CPUS console=ttyS0 quiet panic=-1 log_buf_len=16M mitigations=off"
	append+=" rcupdate.rcu_cpu_stall_timeout=60 watchdog_thresh=30"
	# What a cache has is its own, so that it can be counted.
	append+=" slab_nomerge"
	# The timer is there, also when this machine has no time for its first ticks.
	append+=" no_timer_check"
	# Emulated, a program at an address of its own is translated anew, which
	# is most of what starting it costs.
	append+=" norandmaps"
	# Nor is it about what memory a process may use. The benchmark counts what
	# the kernel does by itself.
	if [[ ! ${XVTI_ICOUNT-} ]]; then
		append+=" init_on_alloc=0 cgroup_disable=memory"
	fi
	if [[ $mode == disk ]]; then
		append+=" ${XVTI_APPEND-} guest.disk=vda"
	else
		append+=" ${XVTI_APPEND-} guest.layers=$(IFS=,; echo "${tags[*]}")"
	fi
	printf '%s\n' -append "$append" -display none
	if [[ $mode == shell ]]; then
		printf '%s\n' -serial mon:stdio
	else
		printf '%s\n' -serial "file:$run/console"
	fi
	# shellcheck disable=SC2086 # options, split at spaces
	[[ ! ${XVTI_QEMU-} ]] || printf '%s\n' $XVTI_QEMU
}

# Set ACCEL, unless the user did. That /dev/kvm exists proves little: the
# processor must have what KVM needs, and a guest must start under it, which is
# tried once for each start of this machine.
choose_accel()
{
	local boot verdict

	[[ ! $ACCEL ]] || return 0
	ACCEL=tcg
	grep -qE '^flags.*\b(vmx|svm)\b' /proc/cpuinfo && [[ -w /dev/kvm ]] ||
		return 0
	boot=$(cat /proc/sys/kernel/random/boot_id)
	verdict=$CACHE/kvm-$boot
	if [[ ! -s $verdict ]]; then
		rm -f "$CACHE"/kvm-*
		if kvm_boots "$RUN/kvm-$BASHPID"; then
			echo kvm >"$verdict"
		else
			echo tcg >"$verdict"
		fi
	fi
	ACCEL=$(cat "$verdict")
}

# Try one guest under KVM in run directory $1.
kvm_boots()
{
	local run=$1 result=0
	local ACCEL=kvm

	guest_directory "$run"
	echo true >"$run/out/command"
	boot_background "$run" exec trial
	wait_answer "$run" exit 30 || result=1
	boot_stop
	rm -rf "$run"
	return $result
}

# Tell the guest what to do: $2 is shell, exec or tests. Sets TOKEN.
write_job()
{
	local run=$1 mode=$2 release=$3 size= name

	TOKEN=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
	if [[ $mode == shell && -t 0 ]]; then
		size=$(stty size)
	fi
	rm -f "$run"/out/{ready,exit}
	echo "$TOKEN" >"$run/out/token"
	head -c 64 /dev/urandom >"$run/out/seed"
	printf '%s=%q\n' JOB_MODE "$mode" JOB_RELEASE "$release" \
		JOB_SIZE "$size" JOB_SLOW "${SLOW:-1}" >"$run/out/job"
	# what the tests of storms may be told
	for name in XVTI_{SEED,SOAK_SECONDS,FLOOD,ROUNDS,FAULTS}; do
		[[ ! ${!name-} ]] || printf 'export %s=%q\n' "$name" "${!name}"
	done >>"$run/out/job"
}

# Start the guest in the background. Sets QEMU_PID.
boot_background()
{
	local run=$1 mode=$2 release=$3 options

	write_job "$run" "$mode" "$release"
	mapfile -t options < <(qemu_options "$run" "$mode")
	# However the caller ends, its guest ends too.
	setpriv --pdeathsig KILL "$QEMU" "${options[@]}" \
		</dev/null >"$run/qemu.log" 2>&1 &
	QEMU_PID=$!
}

# Run the guest on this terminal until it ends.
boot_foreground()
{
	local run=$1 mode=$2 release=$3 options

	write_job "$run" "$mode" "$release"
	mapfile -t options < <(qemu_options "$run" "$mode")
	"$QEMU" "${options[@]}"
}

# Stop the guest whatever state it is in.
boot_stop()
{
	[[ ${QEMU_PID-} ]] || return 0
	kill -9 "$QEMU_PID" 2>/dev/null || true
	wait "$QEMU_PID" 2>/dev/null || true
	QEMU_PID=
}

boot_alive()
{
	[[ ${QEMU_PID-} ]] && kill -0 "$QEMU_PID" 2>/dev/null
}

# Print what the guest wrote to answer $2, without its token; fail if there is
# none, or it is not this boot's.
answer()
{
	local run=$1 name=$2 token rest

	[[ -s $run/out/$name ]] || return 1
	read -r token rest <"$run/out/$name"
	[[ $token == "$TOKEN" ]] || return 1
	echo "$rest"
}

# Wait $3 seconds for answer $2; fail when the guest ends without it.
wait_answer()
{
	local run=$1 name=$2 limit=$((SECONDS + $3))

	until answer "$run" "$name" >/dev/null; do
		if ! boot_alive; then
			# It may have answered just before its end.
			answer "$run" "$name" >/dev/null
			return
		fi
		((SECONDS < limit)) || return 1
		sleep 0.1
	done
}
