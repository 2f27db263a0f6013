#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# run.sh - `make bench`: measure in one guest, on one processor whose clock
# counts instructions, and report. Settings, in the environment:
#
#   RELEASE, KDIR       the kernel, as for the tests
#   ROWS='GLOB...'      only these rows, such as 'tx-fwd/*/null/4/64'
#   FULL=1              every combination; by default those of the table rows
#   SCALE='1 100...'    instead, rows of so many devices
#   CORES=1             instead, two flows on two processors
#   PROFILE=ROW         instead, the functions that this row spends most in, so
#                       many as FUNCTIONS says, 60 by default
#   COMPARE=FILE.json   also show what has changed since that result
#   XVTI_OUT            directory of the results, by default out; not that of the
#                       tests, which they empty

set -euo pipefail

BENCH=$(cd "$(dirname "$0")" && pwd)
OUT=${XVTI_OUT:-$BENCH/out}
RELEASE=${RELEASE:-bookworm}

# The clock that costs least. Nothing else runs on this machine, so the guest
# knows its speed.
export XVTI_APPEND="${XVTI_APPEND-} tsc=reliable clocksource=tsc"

command=
PROFILED=100
for name in FULL ROWS SCALE PROFILE PROFILED; do
	printf -v command '%s%s=%q ' "$command" "$name" "${!name-}"
done
mkdir -p "$OUT"
if [[ ${PROFILE-} ]]; then
	dir=$(mktemp -d "${TMPDIR:-/tmp}/xvti-profile.XXXXXX")
	trap 'rm -rf "$dir"' EXIT
	export XVTI_QEMU="-monitor unix:$dir/monitor,server=on,wait=off"
	XVTI_QEMU+=" -serial unix:$dir/serial,server=on,wait=off"
	XVTI_ICOUNT=1 "$BENCH/../qemu/run.sh" exec "$RELEASE" \
		"$command bench/bench.sh" |
		python3 "$BENCH/profile.py" "$dir" "$PROFILED"
	exit
fi
script=bench.sh suffix=
if [[ ${SCALE-} ]]; then
	script=scale.sh suffix=-scale
	export XVTI_MEMORY=${XVTI_MEMORY:-3000}
fi
icount=1
if [[ ${CORES-} ]]; then
	script=cores.sh suffix=-cores icount=
	export XVTI_ACCEL=tcg XVTI_CPUS=2
fi
XVTI_ICOUNT=$icount "$BENCH/../qemu/run.sh" exec "$RELEASE" \
	"$command bench/$script" |
	python3 "$BENCH/report.py" --directory="$OUT" --suffix="$suffix" \
		--globs="${ROWS-}" ${COMPARE:+--compare="$COMPARE"}
