#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=last
#
# The examples of the manual pages, as they are installed, are typed in; those
# of configuration files are loaded. How an example is marked, and that each is,
# tools/tests/manual.sh checks.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

MAN=/usr/share/man
[ -e /usr/local/share/man/man8/xvti.8 ] && MAN=/usr/local/share/man

# The examples of a page with this mark: a line for each of theirs, with the
# marks's argument before it, and an empty line after each example.
examples() # page mark
{
	awk -v mark="^\\\\.\\\\\\\\\" example $2( |\$)" '
		/^\.EE/ && on { print ""; on = 0 }
		on {
			gsub(/\\-/, "-"); gsub(/\\\(aq/, "\x27"); gsub(/\\e/, "\\")
			print argument "\t" $0
		}
		/^\.EX/ && last ~ mark { on = 1; argument = split(last, w, " ") > 3 ? w[4] : 0 }
		{ last = $0 }' "$MAN/$1"
}

# Types an example of commands in; each must exit as the mark says. Another
# mount namespace, as ip netns exec has, would hide namespaces that are added.
type_in() # page
{
	local wanted line rc count=0

	while IFS=$'\t' read -r wanted line; do
		[ -n "$line" ] || continue
		check_eq "prompt of '$line'" "${line:0:2}" "# "
		(cd "$TMP" && nsenter "--net=/var/run/netns/$UA" bash -c "${line#\# }") \
			>"$TMP/out" 2>&1 </dev/null
		rc=$?
		[ "$rc" -eq "$wanted" ] ||
			fail "$1: '${line#\# }' returned $rc, wanted $wanted: $(cat "$TMP/out")"
		count=$((count + 1))
	done < <(examples "$1" run)
	check_ge "$1: commands" "$count" "$2"
}

setup()
{
	setup_ns UA
	[ ! -e /etc/xvti ] || die "there is an /etc/xvti already"
	defer rm -rf /etc/xvti
}

# What load has made of the examples is recorded under the namespace's inode.
case_xvti_8()
{
	setup
	defer ip netns del private
	type_in man8/xvti.8 14
	check_eq "devices" "$(xvti -n "$UA" -j show | jq -r '.[].ifname')" road0
	check_eq "its MTU" "$(dev_value "$UA" road0 mtu)" 1400
	check_eq "devices in private" "$(xvti -n private -j show | jq -r '.[].ifname')" vpn0
}

case_xvti_conf_5()
{
	setup
	type_in man5/xvti.conf.5 5
	check_eq "MTU" "$(dev_value "$UA" branch mtu)" 1400
}

case_xvti_4()
{
	setup
	type_in man4/xvti.4 4
}

# Files of the configuration, all together.
case_files()
{
	setup_ns UA
	defer ip netns del wan
	defer ip netns del lan
	must ip netns add wan
	must ip netns add lan
	examples man5/xvti.conf.5 file | cut -f 2- >"$TMP/all.conf"
	check_ge "lines" "$(grep -c . "$TMP/all.conf")" 5
	check "load" xvti -n "$UA" load "$TMP/all.conf"
	check_eq "branch" "$(dev_value "$UA" branch reqid carrier up)" '[7,"sa",true]'
	check_eq "site2" "$(dev_value lan site2 reqid carrier up)" '[12,"sa",true]'
	check "load nothing" xvti -n "$UA" load /dev/null
}

# Completion knows the devices that there are.
case_completion()
{
	local file=/usr/share/bash-completion/completions/xvti

	[ -e "$file" ] || file=/usr/local$file
	setup_ns UA
	must in_ns "$UA" xvti add vpn0 local "$A4" remote "$B4" reqid 7
	must in_ns "$UA" xvti add vpn1 local "$A4" remote "$B4" reqid 8
	must ip -n "$UA" link add dum type dummy
	# shellcheck disable=SC2016 # for the inner shell
	check_eq "devices" "$(in_ns "$UA" bash -c '. "$0"; COMP_WORDS=(xvti show ""); COMP_CWORD=2
		_xvti; echo "${COMPREPLY[@]}"' "$file")" "vpn0 vpn1"
	# shellcheck disable=SC2016
	check_eq "devices elsewhere" "$(bash -c '. "$0"; COMP_WORDS=(xvti -n "$1" set v); COMP_CWORD=4
		_xvti; echo "${COMPREPLY[@]}"' "$file" "$UA")" "vpn0 vpn1"
}

need_module
[ -e "$MAN/man8/xvti.8" ] || skip_all "the manual pages are not installed"
run_cases xvti_8 xvti_conf_5 xvti_4 files completion
