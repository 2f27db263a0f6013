#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The documentation is built without a warning, its drawings are those of their
# texts, and its pages can be reached from the index.

set -u
# shellcheck source=tools/tests/ktap.inc disable=SC1091
. "$(dirname "$0")/ktap.inc"
docs=$(cd "$(dirname "$0")/../../Documentation" && pwd)

ktap_start
for text in "$docs"/figures/*.txt; do
	python3 "$docs/draw.py" "$text" | cmp -s - "${text%.txt}.svg"
	result $? "drawing of $(basename "$text")"
done
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
