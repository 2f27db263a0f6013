#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The documentation is built without a warning, its drawings are those of their
# texts, its pages can be reached from the index, and what it says of files and
# counters is all of them.

set -u
# shellcheck source=tools/tests/ktap.inc disable=SC1091
. "$(dirname "$0")/ktap.inc"
top=$(cd "$(dirname "$0")/../.." && pwd)
docs=$top/Documentation

# What is set as code in the terms of the definition lists of page $1, before
# line $2.
# shellcheck disable=SC2016 # as reST quotes
terms() {
	sed -n "/$2/q; /^\`\`/p" "$docs/$1" | grep -oE '``[^`]+``' | tr -d '`'
}

# The files of the module in the order in which they are to be read.
reading_order() {
	sed -n '/Reading order:/,/\*\//p' "$top/kmod/main.c" | grep -oE '[a-z]+\.[ch]'
	echo main.c
}

ktap_start
for text in "$docs"/figures/*.txt; do
	python3 "$docs/draw.py" "$text" | cmp -s - "${text%.txt}.svg"
	result $? "drawing of $(basename "$text")"
done
diff <(reading_order) <(terms internals.rst '^Other kernels') | sed 's/^/# /'
[ "${PIPESTATUS[0]}" -eq 0 ]
result $? "main.c and the tour have the same order"
missing=$(cd "$top/kmod" && printf '%s\n' *.c | grep -vxF "$(reading_order)")
[ -z "$missing" ] || echo "# not in it: ${missing//$'\n'/ }"
[ -z "$missing" ]
result $? "and all files"
missing=$(sed -n 's/.*\[XVTI_A_STATS_[RT]X_.*= "\(.*\)",/\1/p' "$top/tools/names.c" |
	grep -vxF "$(terms troubleshooting.rst '^Watching')")
[ -z "$missing" ] || echo "# no symptom: ${missing//$'\n'/ }"
[ -z "$missing" ]
result $? "symptoms of all counters"
if [ -x "$top/selftests/lab/document.sh" ]; then
	said=$("$top/selftests/lab/document.sh" --check 2>&1)
	rc=$?
	[ $rc -eq 0 ] || echo "# ${said//$'\n'/$'\n'# }"
	result $rc "configurations are those of the reference network"
else
	result 0 "configurations # SKIP the reference network is not here"
fi
if ! command -v sphinx-build >/dev/null; then
	result 0 "html # SKIP needs sphinx-build"
	finish
	exit
fi
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
said=$(sphinx-build -W --keep-going -q -b html -d "$out/trees" "$docs" "$out/html" 2>&1)
rc=$?
[ -z "$said" ] || echo "# ${said//$'\n'/$'\n'# }"
[ $rc -eq 0 ] && [ -z "$said" ]
result $? "html"
missing=
for page in "$docs"/*.rst; do
	page=$(basename "$page" .rst)
	[ "$page" = index ] || grep -q "href=\"$page.html\"" "$out/html/index.html" ||
		missing+=" $page"
done
[ -z "$missing" ] || echo "# not in the index:$missing"
[ -z "$missing" ]
result $? "index"
finish
