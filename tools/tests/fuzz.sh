#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What the command reads, as it is in examples and changed at random, the same at
# each run, with the sanitizers: a short form of "make fuzz" for any compiler.

set -u
# shellcheck source=tools/tests/ktap.inc disable=SC1091
. "$(dirname "$0")/ktap.inc"
fuzz=$(dirname "$0")/../fuzz
runs=5000
# what make says and is told as a part of another does not belong here
unset MAKEFLAGS MFLAGS MAKELEVEL

echo "KTAP version 1"
probe=$(mktemp) || exit 1
trap 'rm -f "$probe"' EXIT
for need in python3 objcopy; do
	command -v $need >/dev/null && continue
	echo "1..0 # SKIP needs $need"
	exit 4
done
if ! "${CC:-cc}" -fsanitize=address,undefined -x c -o "$probe" - \
	<<<'int main(void) { return 0; }' 2>/dev/null || ! "$probe"; then
	echo "1..0 # SKIP ${CC:-cc} has no sanitizers"
	exit 4
fi

# quietly COMMAND...: what it says only if it fails
quietly() {
	local said rc

	said=$("$@" 2>&1)
	rc=$?
	[ $rc -eq 0 ] || echo "# ${said//$'\n'/$'\n'# }"
	return $rc
}

quietly make -s -C "$fuzz" -j"$(nproc)" ENGINE=driver all
result $? "fuzzers are built"
for target in $(make -s -C "$fuzz" targets); do
	quietly make -s -C "$fuzz" ENGINE=driver RUNS=$runs SEED=1 "run-$target"
	result $? "fuzz $target"
done
finish
