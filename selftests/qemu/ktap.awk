# SPDX-License-Identifier: GPL-2.0
#
# ktap.awk - read one test's KTAP and print a line for each result:
#   pass|fail|skip TAB case TAB reason or diagnosis
# then "plan TAB N", or "plan TAB none" when there was no plan, and what was said
# after the last result. Nested results are indented, and count through the line
# of their parent.

BEGIN {
	OFS = "\t"
	plan = "none"
}

# What a test says between results is the diagnosis of a failure.
/^# / && !/^# Totals:/ {
	notes = notes (notes == "" ? "" : "; ") substr($0, 3)
}

/^1\.\.[0-9]+/ {
	plan = substr($1, 4) + 0
	if (plan == 0 && match(toupper($0), /# *SKIP/)) {
		print "skip", "all", trim(substr($0, RSTART + RLENGTH))
		plan = 1
	}
}

/^(not )?ok( |$)/ {
	status = /^ok/ ? "pass" : "fail"
	text = $0
	reason = ""
	sub(/^(not )?ok */, "", text)
	sub(/^[0-9]+ */, "", text)
	sub(/^- */, "", text)
	if (match(toupper(text), / *# *(SKIP|TODO|XFAIL)/)) {
		reason = trim(substr(text, RSTART + RLENGTH))
		text = substr(text, 1, RSTART - 1)
		status = "skip"
	} else if (status == "fail") {
		reason = notes
	}
	gsub(/\t/, " ", text)
	gsub(/\t/, " ", reason)
	print status, text == "" ? "unnamed" : text, reason
	notes = ""
}

/^Bail out!/ {
	print "fail", "bail out", $0
}

END {
	print "plan", plan, notes
}

function trim(s)
{
	gsub(/^[ \t]+|[ \t]+$/, "", s)
	return s
}
