# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# compile.sh - the module compiled with gcc, clang and sparse, and for two other
# architectures, on each release. Sourced by run.sh, after check.sh.
# shellcheck disable=SC2034 # verdict.sh uses what is set here

COMPILE_RELEASES="bullseye bookworm trixie trixie-backports"

check_compile()
{
	local release=$1 dir start=$SECONDS

	make_layer "$release" compilers compile
	KERNEL_RELEASE=$(basename "$ROOT"/usr/lib/modules/*)
	begin_results "$release"
	dir=$OUT/$release
	cp "$LAYER/usr/lib/xvti/compile.ktap" "$dir/"
	judge_output compile "$dir/compile.ktap" \
		"$(cat "$LAYER/usr/lib/xvti/code")"
	show_output "$dir" compile
	echo "$((SECONDS - start))" >"$dir/seconds"
}

# The verb compile of run.sh.
run_compile()
{
	# shellcheck disable=SC2086 # words
	run_each check_compile ${RELEASES:-$COMPILE_RELEASES}
}
