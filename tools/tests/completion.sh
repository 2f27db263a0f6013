#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What completion offers: every command and every word that the tool has.

set -u
# shellcheck source=tools/tests/ktap.inc disable=SC1091
. "$(dirname "$0")/ktap.inc"
completion=$(realpath "$(dirname "$0")/../completion/xvti.bash")

# What is offered for the last word of a line.
offered() {
	bash -c '. "$0"
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_xvti
		printf "%s\n" "${COMPREPLY[@]}"' "$completion" xvti "$@" | sort
}

# offers NAME WANTED WORD...
offers() {
	local name=$1 wanted got
	wanted=$(sort <<<"$2")
	shift 2

	got=$(offered "$@")
	[ "$got" = "$wanted" ]
	result $? "$name"
	[ "$got" = "$wanted" ] || printf '# want %s\n# got  %s\n' "$(xargs <<<"$wanted")" "$(xargs <<<"$got")"
}

ktap_start
verbs=$("$XVTI" help | sed -n '/^COMMAND:/,/^$/s/^  \([a-z]*\) .*/\1/p')
words=$("$XVTI" help | sed -n '/^WORDS:/,/^$/s/^  \([a-z_]*\) .*/\1/p')
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
touch "$dir/a.conf" "$dir/b.conf"
offers "commands" "$verbs" ""
offers "commands after an option" "$verbs" -d ""
offers "words" "$words" add xv0 ""
offers "words that are left" "$(grep -vx -e local -e up <<<"$words")" set xv0 local 192.0.2.1 up ""
offers "a part of a word" "mark
mode
mtu" set xv0 m
offers "values" "always
sa" set xv0 carrier ""
offers "words of explain" "from
iif" explain xv0 to 10.0.0.1 ""
offers "files to load" "$dir/a.conf
$dir/b.conf" load "$dir/"
# Names that the shell would run.
mkdir "$dir/bin"
cat >"$dir/bin/ip" <<-'END'
	#!/bin/sh
	echo '7: $(touch${IFS}ran)@NONE: <UP>'
	echo '8: `touch${IFS}ran`: <UP>'
END
chmod +x "$dir/bin/ip"
PATH=$dir/bin:$PATH
cd "$dir" || exit 1
# shellcheck disable=SC2016 # they are to stay as they are
offers "names that are commands" '\$\(touch\$\{IFS\}ran\)
\`touch\$\{IFS\}ran\`' show ""
[ ! -e "$dir/ran" ]
result $? "and are not run"
cd - >/dev/null || exit 1
offers "options" "-color
-details
-json
-netns
-pretty
-statistics" show -
finish
