# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# How a tour shows what it does, for the demo and the lab; needs lib.sh. Each
# command is shown before it runs, and at the end what held. TOUR is the name of
# the tour.

HELD=()

if [ -t 1 ]; then
	BOLD=$'\e[1m' PLAIN=$'\e[m'
else
	BOLD='' PLAIN=''
fi

headline()
{
	printf '\n%s== %s%s\n' "$BOLD" "$*" "$PLAIN"
}

shown() # netns text: what was typed
{
	printf '%s[%s]# %s%s\n' "$BOLD" "$1" "$2" "$PLAIN"
}

# Runs a command in a namespace, and shows it as one would type it.
run() # netns command...
{
	shown "$1" "${*:2}"
	in_ns "$@"
}

# Adds a line to the table at the end, by the outcome of a command.
holds() # what command...
{
	local what=$1

	shift
	if "$@" >/dev/null 2>&1; then
		HELD+=("yes $what")
	else
		HELD+=("NO  $what")
		RET=$KSFT_FAIL
	fi
}

summary()
{
	headline "What held"
	printf '  %s\n' "${HELD[@]}"
	if [ "$RET" -eq 0 ]; then
		echo "all of it"
	else
		echo "not all of it"
	fi
}

give_up()
{
	echo "$TOUR: $*" >&2
	exit "$KSFT_ERROR"
}

need_xvti()
{
	[ -d /sys/module/xvti ] || modprobe xvti || give_up "the xvti module cannot be loaded"
	command -v xvti >/dev/null || give_up "the xvti command is not installed"
}
