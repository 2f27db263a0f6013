#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Puts what the reference network is configured with into the documents: what
# stands between a line ".. lab: WHAT" and the next ".. lab end" is replaced by
# what is generated now. With --check it changes nothing, and fails where a
# document is behind.
#
# usage: document.sh [--check]
#
# WHAT is one of
#   file GATEWAY SETTINGS NAME     a file that a daemon of a gateway reads
#   conn GATEWAY PEER SETTINGS     the part of it for one tunnel
#   devices GATEWAY SETTINGS       the commands that make its devices
#   table
# where SETTINGS are a style, a binding and the kind of V3-2, such as
# swanctl/mark/xvti.

set -eu
SOURCE=$(dirname "$(readlink -f "$0")")
DOCUMENTATION=$SOURCE/../../Documentation
. "$SOURCE/table.sh"
. "$SOURCE/config.sh"

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

settings() # settings
{
	IFS=/ read -r STYLE BINDING PEER <<<"$1"
	check_settings
}

generate() # what argument...
{
	case $1 in
	file)
		settings "$3"
		configure_gateway "$2" "$WORK/$2"
		sed "s,$WORK,/etc,g" "$WORK/$2/$4"
		;;
	conn)
		settings "$4"
		VARS=([GATEWAY]=$2 [LOCAL]=${PUBLIC[$2]})
		render_tunnels "$2" "$STYLE-tunnel" "$(tunnel_of "$2" "$3")"
		echo "${VARS[TUNNELS]}"
		;;
	devices) settings "$3"; devices "$2" ;;
	table) grep -v SPDX "$SOURCE/network" ;;
	*) echo "document.sh: no such thing: '$*'" >&2; exit 2 ;;
	esac
}

devices() # gateway
{
	local nr

	for nr in ${ENDS[$1]}; do
		tunnel_end "$nr" "$1"
		echo "ip netns exec $1-public $(device_command "$1" "$nr")"
	done
	for nr in ${ENDS[$1]}; do
		tunnel_end "$nr" "$1"
		echo "ip -n $1-private addr add $OWN4/31 dev $PEER_NAME"
		echo "ip -n $1-private addr add $OWN6/127 dev $PEER_NAME"
		echo "ip -n $1-private link set $PEER_NAME up"
	done
}

# A document with its generated parts as they are now.
update() # file
{
	local line what skip=

	while IFS= read -r line; do
		[ "$line" != ".. lab end" ] || skip=
		[ -n "$skip" ] || printf '%s\n' "$line"
		[[ $line = ".. lab: "* ]] || continue
		skip=1
		read -ra what <<<"${line#.. lab: }"
		printf '\n::\n\n'
		generate "${what[@]}" | sed 's/^\(.\)/\t\1/'
		echo
	done <"$1"
	[ -z "$skip" ] || { echo "$1: '.. lab end' is missing" >&2; return 1; }
}

for file in "$DOCUMENTATION"/*.rst; do
	grep -q '^\.\. lab: ' "$file" || continue
	update "$file" >"$WORK/new"
	if [ "${1:-}" = --check ]; then
		diff -u "$file" "$WORK/new"
	else
		cmp -s "$file" "$WORK/new" || cp "$WORK/new" "$file"
	fi
done
"$SOURCE/draw.py" svg >"$WORK/new"
if [ "${1:-}" = --check ]; then
	cmp "$DOCUMENTATION/reference-network.svg" "$WORK/new"
else
	cp "$WORK/new" "$DOCUMENTATION/reference-network.svg"
fi
