#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh - the one entry to the guests: check, demo, lab, shell, exec. See README.

set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$QEMU_DIR/boot.sh"
. "$QEMU_DIR/guest.sh"

usage()
{
	cat >&2 <<-END
	usage: run.sh check                 run the tests
	       run.sh list                  which tests on which release
	       run.sh compile               with other compilers, for other machines
	       run.sh dkms                  what DKMS does with the module
	       run.sh packages              what a user does with our packages
	       run.sh deb [RELEASE]         build them
	       run.sh demo [RELEASE]        run the demo
	       run.sh lab [RELEASE]         the reference network
	       run.sh shell [RELEASE]       a shell in a guest
	       run.sh repro                 show the kernel's bugs
	       run.sh exec RELEASE COMMAND  one shell command in a guest
	       run.sh purge                 remove all that is cached
	settings: RELEASES, T, V, KDIR, NOMODULE, XVTI_OUT; see README
	END
	exit 2
}

# All mounts are made in a mount namespace of our own, so that none is left
# behind however this ends. Without root, a user namespace has to be ours too.
enter_namespaces()
{
	[[ ! ${XVTI_MOUNTNS-} ]] || return 0
	export XVTI_MOUNTNS=1
	if [[ $EUID == 0 ]]; then
		exec unshare --mount "$0" "$@"
	fi
	export XVTI_USERNS=1
	exec unshare --user --map-root-user --map-auto --mount "$0" "$@"
}

cleanup()
{
	local pid

	boot_stop
	# Background children ignore an interrupt from the terminal.
	for pid in $(jobs -p); do
		kill "$pid" 2>/dev/null || true
	done
	wait
	[[ ! ${RUN-} ]] || rm -rf "$RUN"
}

# Run command $2 in a guest of release $1, its output going to stdout as it
# comes, and exit with its code.
run_exec()
{
	local release=$1 command=$2 run=$RUN/guest code follow

	guest_gather "$release"
	guest_directory "$run"
	echo "$command" >"$run/out/command"
	: >"$run/out/output"
	boot_background "$run" exec "$release"
	tail -n +1 -s 0.1 -f --pid="$QEMU_PID" "$run/out/output" 2>/dev/null &
	follow=$!
	if ! wait_answer "$run" exit "${XVTI_TIMEOUT:-3600}"; then
		tail -n 40 "$run/console" "$run/qemu.log" >&2
		die "the guest ended or hung before the command did"
	fi
	code=$(answer "$run" exit)
	boot_stop
	wait "$follow" 2>/dev/null || true
	exit "$code"
}

# With a command, that instead of a shell on the terminal.
run_shell()
{
	local release=$1 command=${2-} run=$RUN/guest

	guest_gather "$release"
	guest_directory "$run"
	[[ ! $command ]] || echo "$command" >"$run/out/command"
	say "leave the guest with 'exit'; Ctrl-A X kills it"
	boot_foreground "$run" shell "$release"
	answer "$run" exit >/dev/null || die "the guest ended before its shell"
}

# The reference network, and then perhaps a shell in it.
run_lab()
{
	local release=$1 command

	printf -v command 'exec env BINDING=%q STYLE=%q PEER=%q lab/tour.sh' \
		"${BINDING-}" "${STYLE-}" "${PEER-}"
	if [[ ${LAB_SHELL-} ]]; then
		run_shell "$release" "$command --shell"
	else
		run_exec "$release" "$command"
	fi
}

[[ $# != 0 ]] || usage
if [[ ! ${XVTI_MOUNTNS-} ]]; then
	"$QEMU_DIR/setup.sh" base
	[[ ! ${KDIR-} && $1 != repro ]] || "$QEMU_DIR/setup.sh" kdir
fi
enter_namespaces "$@"
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
RUN=$(mktemp -d "${TMPDIR:-/tmp}/xvti.XXXXXX")

verb=$1
shift
case $verb in
check) . "$QEMU_DIR/check.sh"; WITH_YNL=1; run_check ;;
list) . "$QEMU_DIR/check.sh"; run_list ;;
compile) . "$QEMU_DIR/check.sh"; . "$QEMU_DIR/compile.sh"; run_compile ;;
dkms) . "$QEMU_DIR/check.sh"; . "$QEMU_DIR/dkms.sh"; run_dkms ;;
packages) . "$QEMU_DIR/check.sh"; . "$QEMU_DIR/system.sh"; run_packages ;;
deb) . "$QEMU_DIR/system.sh"; run_deb "${1:-bookworm}" ;;
demo) run_exec "${1:-bookworm}" 'exec demo/demo.sh' ;;
lab) run_lab "${1:-bookworm}" ;;
repro) . "$QEMU_DIR/repro.sh"; run_repro ;;
shell) run_shell "${1:-bookworm}" ;;
exec) [[ $# == 2 ]] || usage; run_exec "$1" "$2" ;;
purge) rm -rf --one-file-system "$CACHE" ;;
*) usage ;;
esac
