#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The table of privileges in the documentation is the one that
# selftests/privileges.sh tries, and each of its rows is tried by something.

set -u
# shellcheck source=tools/tests/ktap.inc disable=SC1091
. "$(dirname "$0")/ktap.inc"
top=$(dirname "$0")/../..
tried=$top/selftests/privileges.sh

# Rows with one blank between words: "see the device yes yes yes no yes yes".
documented() {
	sed -n '/^Privileges$/,/^``selftests/p' "$top/Documentation/security.rst" |
		grep -E '( +(yes|no)){6}$' | tr -s ' '
}

in_test() {
	sed -n "/TABLE <<'END'/,/^END/p" "$tried" |
		grep -E '( +(yes|no)){6}$' | tr -s ' '
}

heads() {
	sed -n '/^Privileges$/,/^``selftests/p' "$top/Documentation/security.rst" |
		grep -xE ' +user .*' | xargs
}

without_function() {
	local row name

	while read -r row; do
		name=$(sed -E 's/( (yes|no)){6}$//' <<<"$row")
		grep -q "^try_${name// /_}()" "$tried" || echo "# nothing tries: $name"
	done
}

ktap_start
rows=$(in_test)
[ "$(wc -l <<<"$rows")" -ge 20 ]
result $? "the test has a table"
diff <(documented) <(echo "$rows") | sed 's/^/# /'
[ "${PIPESTATUS[0]}" -eq 0 ]
result $? "documentation and test have the same rows"
[ "$(heads)" = "$(sed -n 's/^readonly WHO="\(.*\)"$/\1/p' "$tried")" ]
result $? "and the same columns"
missing=$(without_function <<<"$rows")
[ -z "$missing" ] || echo "$missing"
[ -z "$missing" ]
result $? "each row is tried"
finish
