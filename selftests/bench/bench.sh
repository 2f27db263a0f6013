#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bench.sh - in a guest whose clock counts instructions: measure the rows of
# the table rows, and print a line of JSON for each. See ../../Documentation/
# performance.rst. Called by run.sh, which has the settings FULL and ROWS in
# the environment.

# shellcheck source=topology.sh
. "$(dirname "$(readlink -f "$0")")/topology.sh"

# Set COUNTS and KIBS to the packets in the two runs whose difference is the
# figure, and before them, and TIME to what is taken for their time: that of the
# processor, or of the sender where the kernel does not say how long it idled.
# WireGuard leaves the work to others, so that it takes the processor's, by ticks if
# need be, and many packets; and their queues take so many at once.
plan() # tunnel
{
	COUNTS=(64 500 2500) KIBS=(1024 2048 8192) TIME=busy
	if [[ $1 == wireguard ]]; then
		COUNTS=(64 500x5 1000x5)
		((IDLE_KNOWN)) || COUNTS=(64 500x100 1000x100) KIBS=(1024 2048 67584)
	elif ((!IDLE_KNOWN)); then
		TIME=own
	fi
}

all_values()
{
	echo "tx-fwd none,ipip,spd,vti,xfrmi,xvti,xvti-policy null,gcm 4,6 64,512,1400"
	echo "tx-udp none,ipip,spd,vti,xfrmi,xvti,xvti-policy null,gcm 4,6 64,512,1400"
	echo "tcp-gso none,ipip,spd,vti,xfrmi,xvti,xvti-policy,wireguard null,gcm 4,6 -"
	echo "rx sa,sa-xvti,spd,vti,xfrmi,xvti,xvti-nogro,xvti-policy null,gcm 4,6 64,512,1400"
	echo "rx-gro sa,vti,xfrmi,xvti null,gcm 4,6 64,512,1400"
	echo "both none,ipip,spd,vti,xfrmi,xvti,xvti-policy,wireguard null,gcm 4,6 64,512,1400"
}

# "path tunnel cipher family size" of each row, the sizes innermost.
row_names()
{
	local path tunnels ciphers families sizes t c f s

	if [[ ${FULL-} ]]; then
		all_values
	else
		sed '/^#/d' "$BENCH/rows"
	fi | while read -r path tunnels ciphers families sizes; do
		for c in ${ciphers//,/ }; do
			for f in ${families//,/ }; do
				for t in ${tunnels//,/ }; do
					for s in ${sizes//,/ }; do
						echo "$path $t $c $f $s"
					done
				done
			done
		done
	done
}

wanted() # row
{
	local glob globs

	[[ ${ROWS-} ]] || return 0
	read -ra globs <<<"$ROWS"
	for glob in "${globs[@]}"; do
		# shellcheck disable=SC2053 # ROWS holds globs
		[[ $1 != $glob ]] || return 0
	done
	return 1
}

# The load of a row; lines of "count delivered busy own".
load() # path size
{
	local sink=(ba u0) dst=10.2.0.2 src=10.1.0.2

	[[ $1 == tx-* ]] || sink=(bb s0)
	[[ $FAMILY == 4 ]] || dst=fd02::2 src=fd01::2
	case $1 in
	tx-udp) benchload udp ba "$dst" "$2" "${sink[@]}" "${COUNTS[@]}" ;;
	tcp-gso) benchload tcp ba "${dst%2}1" bb "${KIBS[@]}" ;;
	*) benchload pktgen bg g0 $MAC_A "$src" "$dst" "$2" "${sink[@]}" \
		"${COUNTS[@]}" ;;
	esac
}

# The difference of the last two runs; every packet must have been delivered.
# What is done for a packet after its sender is done is in the processor's time.
figure()
{
	local n count=() delivered=() busy=() own=()
	local -n time=$TIME

	while read -r n delivered[${#delivered[@]}] busy[${#busy[@]}] own[${#own[@]}]; do
		count+=("$n")
	done
	[[ ${#count[@]} == 3 ]] || return 1
	[[ ${count[*]} == "${delivered[*]::3}" ]] || {
		echo "sent ${count[*]}, delivered ${delivered[*]::3}"
		return 1
	}
	echo $(((time[2] - time[1]) * 1000 / (count[2] - count[1])))
}

measure() # path tunnel cipher family size
{
	local out result

	plan "$2"
	out=$(load "$1" "$5" 2>&1)
	if result=$(figure <<<"$out"); then
		printf '{"row":"%s","instructions":%d.%03d}\n' "$ROW" \
			$((result / 1000)) $((result % 1000))
	else
		not_measured "$result $out"
	fi
}

# Set MISSING to what this kernel does not have.
find_missing()
{
	local tunnel options

	MISSING=" "
	while read -r tunnel options; do
		# shellcheck disable=SC2086 # several words
		if ip link add x0 type $options 2>/dev/null; then
			ip link del x0
		else
			MISSING+="$tunnel "
		fi
	done <<-END
		ipip ipip local 192.0.2.9 remote 192.0.2.10
		vti vti local 192.0.2.9 remote 192.0.2.10 key 9
		xfrmi xfrm if_id 9
		wireguard wireguard
	END
	[[ $MISSING == " " ]] || echo "not on this kernel:$MISSING" >&2
}

not_measured() # why
{
	local why=${1//[\"\\]/ }

	printf '{"row":"%s","failed":"%s"}\n' "$ROW" "${why//$'\n'/; }"
}

run_rows()
{
	local path tunnel cipher family size config='' out

	while read -r path tunnel cipher family size; do
		ROW=$path/$tunnel/$cipher/$family/$size
		CIPHER=$cipher FAMILY=$family
		wanted "$ROW" || continue
		[[ $MISSING != *" $tunnel "* ]] || continue
		if [[ $config != "${ROW%/*}" ]]; then
			[[ ! $config ]] || topology_end
			config=${ROW%/*}
			if ! out=$(setup "$path" "$tunnel" 2>&1); then
				not_measured "$out"
				config=
				topology_end
				continue
			fi
		fi
		measure "$path" "$tunnel" "$cipher" "$family" "$size"
	done < <(row_names)
	topology_end
}

# One row, for the host to trace its last run, and the kernel's symbols.
profile_row() # row
{
	local path tunnel size

	ROW=$1
	IFS=/ read -r path tunnel CIPHER FAMILY size <<<"$ROW"
	COUNTS=(64 "$PROFILED")
	KIBS=(1024 "$PROFILED")
	setup "$path" "$tunnel"
	stty -F /dev/ttyS1 raw -echo
	BENCHLOAD_PROFILE=/dev/ttyS1 load "$path" "$size"
	awk '$2 ~ /[tTwW]/ { print "symbol", $1, $3 }' /proc/kallsyms
	topology_end
}

begin
find_missing
if [[ ${PROFILE-} ]]; then
	profile_row "$PROFILE"
else
	run_rows
fi
