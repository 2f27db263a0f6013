#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The manual pages are complete, formatted without a warning, and their examples
# say what they are, so that none goes untried: selftests/manual.sh runs those
# that are to be run, and examples of files are those that are installed.

set -u
# shellcheck source=tools/tests/ktap.inc disable=SC1091
. "$(dirname "$0")/ktap.inc"
tools=$(dirname "$0")/..
examples=$tools/../Documentation/examples
pages=("$tools/xvti.8" "$tools/xvti.conf.5" "$tools/xvti.4")

# documented WORD PAGE: as a bold word of its own, whatever macro makes it so
documented() {
	sed -e 's/\\-/-/g; s/\\fR\[\\fB//g; s/\[//g; s/\\f.//g' "$2" |
		grep -qE -- "^\.(B|BR|BI|TP|RB|IR)( .*)?[ \"]$1([]\" ,.:]|\$)"
}

all_documented() {
	local page=$1 word missing=
	shift
	for word; do
		documented "$word" "$page" || missing+=" $word"
	done
	[ -z "$missing" ] || echo "# not in $page:$missing"
	[ -z "$missing" ]
}

# Each example after a mark that says what it is.
marked() {
	awk '/^\.EX/ && last !~ /^\.\\" example (run|copy|file|output|systemd|trace)/ {
			print "# " FILENAME ":" FNR ": an example without a mark"
			wrong = 1
		}
		{ last = $0 }
		END { exit wrong }' "${pages[@]}"
}

# The example of page $1 that is a copy of file $2.
copied() {
	awk -v file="$2" '
		/^\.EE/ { on = 0 }
		on { gsub(/\\-/, "-"); gsub(/\\e/, "\\"); print }
		/^\.EX/ && last == ".\\\" example copy " file { on = 1 }
		{ last = $0 }' "$1"
}

ktap_start
mapfile -t verbs < <("$XVTI" help | sed -n '/^COMMAND:/,/^$/s/^  \([a-z]*\) .*/\1/p')
mapfile -t words < <("$XVTI" help | sed -n '/^WORDS:/,/^$/s/^  \([a-z_]*\) .*/\1/p')
mapfile -t stats < <(sed -n 's/.*\[XVTI_A_STATS_.*= "\(.*\)",/\1/p' "$tools/names.c")
mapfile -t options < <(sed -n '/^} options\[\] = {/,/^};/s/.*{ "\([A-Za-z]*\)".*/-\1/p' "$tools/args.c" |
	grep -vx -e -stats -e -version)
[ ${#verbs[@]} -ge 10 ] && all_documented "$tools/xvti.8" "${verbs[@]}"
result $? "commands"
[ ${#words[@]} -ge 12 ] && all_documented "$tools/xvti.8" "${words[@]}" &&
	all_documented "$tools/xvti.conf.5" "${words[@]}"
result $? "words"
[ ${#options[@]} -ge 8 ] && all_documented "$tools/xvti.8" "${options[@]}"
result $? "options"
[ ${#stats[@]} -ge 19 ] && all_documented "$tools/xvti.4" "${stats[@]}"
result $? "counters"
marked
result $? "examples are marked"
for page in "${pages[@]}"; do
	while read -r file; do
		diff <(copied "$page" "$file") "$examples/$file" | sed 's/^/# /'
		[ "${PIPESTATUS[0]}" -eq 0 ]
		result $? "$(basename "$page") has $file"
	done < <(sed -n 's/^\.\\" example copy //p' "$page")
done
for page in "${pages[@]}"; do
	name="$(basename "$page") is formatted without a warning"
	if command -v groff >/dev/null; then
		said=$(groff -man -Tutf8 -ww -rCHECKSTYLE=0 "$page" 2>&1 >/dev/null)
		[ -z "$said" ] || echo "# ${said//$'\n'/$'\n'# }"
		[ -z "$said" ]
		result $? "$name"
	else
		result 0 "$name # SKIP needs groff"
	fi
done
finish
