#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# SAs are replaced under numbered datagrams: none lost, none repeated, and the
# new SA is in use from the first packet after it was installed, or, where the
# peer has asked for it, from when the peer is ready.
#
#   OA: xv0 10.8.0.1  - numbered UDP ->  OB: xv0 10.8.0.2
#        :                                    :
#   UA: 192.0.2.1 --------- v0 --------- UB: 192.0.2.2

. "$(dirname "$(readlink -f "$0")")/lib.sh"

# The SA out is replaced between packets: where does the next one go?
case_new_at_once()
{
	local outer

	cipher gcm
	for outer in 4 6; do
		setup_hosts
		setup_tunnel "$outer"
		sa_pair 7 0x1000
		ping_ok "old SA" "$OA" "$IB4" -c 5
		ping_ok "old SA" "$OA" "$IB6" -c 5
		sa_pair 7 0x2000
		ping_ok "new SA" "$OA" "$IB4" -c 5
		ping_ok "new SA" "$OA" "$IB6" -c 5
		check_eq "outer IPv$outer: packets of the old SA" "$(sa_packets "$UA" "$B" 0x1000)" 10
		check_eq "outer IPv$outer: packets of the new SA" "$(sa_packets "$UA" "$B" 0x2000)" 10
		check_eq "outer IPv$outer: and back, old" "$(sa_packets "$UA" "$A" 0x1001)" 10
		check_eq "outer IPv$outer: and back, new" "$(sa_packets "$UA" "$A" 0x2001)" 10
		run_deferred
	done
}

# As a daemon does it: inbound SAs first, then outbound, then the old ones,
# inbound last, once nothing is under way any more.
replace() # old-spi new-spi
{
	sa_add "$UB" "$A" "$B" $(($2)) 7
	sa_add "$UA" "$B" "$A" $(($2 + 1)) 7
	sa_add "$UA" "$A" "$B" $(($2)) 7
	sa_add "$UB" "$B" "$A" $(($2 + 1)) 7
	await "the new SA is in use" at_least 5 sa_packets "$UA" "$B" $(($2))
	sa_del "$UA" "$B" $(($1))
	sa_del "$UB" "$A" $(($1 + 1))
	sa_del "$UB" "$B" $(($1))
	sa_del "$UA" "$A" $(($1 + 1))
}

case_nothing_lost() # outer-family inner-address
{
	local round

	setup_hosts
	setup_tunnel "$1"
	cipher gcm
	sa_pair 7 0x1000
	numbered "$2" 300
	for round in 1 2 3 4; do
		replace $((0xf00 + round * 0x100)) $((0x1000 + round * 0x100))
	done
	numbered_end
	check_no_drops "$OA" xv0
	check_no_drops "$OB" xv0
}

case_nothing_lost_4() { case_nothing_lost 4 "$IB4"; }
case_nothing_lost_6() { case_nothing_lost 6 "$IB6"; }

# A daemon may take another reqid for each SA: the device has learned that of
# the SA that it holds on to, and stays with it.
case_other_reqid()
{
	setup_hosts
	setup_tunnel 4 mark 6
	cipher gcm
	sa_pair 7 0x1000 mark 6
	ping_ok "before" "$OA" "$IB4"
	answer 8 mark 6
	ping_ok "the peer is not ready" "$OA" "$IB4"
	ping_ok "the peer is not ready" "$OA" "$IB6"
	complete_rekey 8 mark 6
	ping_ok "the peer is ready" "$OB" "$IA4"
	ping_ok "after" "$OA" "$IB4" -c 5
	check_ge "packets of the new SA" "$(sa_packets "$UA" "$B" 0x2000 mark 6)" 5
	check_no_drops "$OA" xv0
	check_no_drops "$OB" xv0
}

# From one cipher to another and back.
case_other_cipher()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000
	ping_ok "gcm" "$OA" "$IB4"
	cipher cbc
	sa_pair 7 0x2000
	sa_pair_del 0x1000
	ping_ok "cbc" "$OA" "$IB4"
	ping_ok "cbc" "$OA" "$IB6"
	check_eq "packets of the new SA" "$(sa_packets "$UA" "$B" 0x2000)" 6
	check_no_drops "$OA" xv0
}

reserve() # reqid [mark...]
{
	reserve_spi "$UA" "$B" "$A" 0x2001 "$@"
}

# As a daemon does it whose peer has asked: it reserves an SPI, completes the
# SA in, and adds the SA out, of which the peer does not know yet.
answer() # reqid [mark...]
{
	local reqid=$1

	shift
	reserve "$reqid" "$@"
	ANSWERED=${EPOCHREALTIME/./}
	ip_batch "$UA" <<-END
		$(sa_line "$B" "$A" 0x2001 "$reqid" "$@" | as_updates)
		$(sa_line "$A" "$B" 0x2000 "$reqid" "$@")
	END
}

answer_rekey() # outer-family [command that replaces the first SAs]
{
	setup_hosts
	setup_tunnel "$1"
	cipher gcm
	sa_pair 7 0x1000
	[ $# -lt 2 ] || "${@:2}"
	ping_ok "before" "$OA" "$IB4"
	answer 7
}

# What the peer then does, when it has the answer.
complete_rekey() # [reqid [mark...]]
{
	local reqid=${1:-7}

	sa_add "$UB" "$A" "$B" 0x2000 "$reqid" "${@:2}"
	sa_add "$UB" "$B" "$A" 0x2001 "$reqid" "${@:2}"
}

check_used() # what old new
{
	check_eq "$1: packets of the old SA" "$(sa_packets "$UA" "$B" 0x1000)" "$2"
	check_eq "$1: packets of the new SA" "$(sa_packets "$UA" "$B" 0x2000)" "$3"
}

# The old SA stays in use until the peer is seen to use the new ones.
case_peer_rekeys()
{
	local outer

	for outer in 4 6; do
		answer_rekey "$outer"
		ping_ok "the peer is not ready" "$OA" "$IB4"
		ping_ok "the peer is not ready" "$OA" "$IB6"
		check_used "the peer is not ready" 9 0
		complete_rekey
		# the reply to the first shows it
		ping_ok "the peer is ready" "$OA" "$IB4" -c 1
		ping_ok "the peer is ready" "$OA" "$IB4" -c 2
		check_used "the peer is ready" 10 2
		run_deferred
	done
}

# ... or until the old SA goes, ...
case_peer_deletes()
{
	answer_rekey 4
	ping_ok "the peer is not ready" "$OA" "$IB4"
	complete_rekey
	sa_del "$UA" "$B" 0x1000
	ping_ok "the old SA is gone" "$OA" "$IB4"
	check_eq "packets of the new SA" "$(sa_packets "$UA" "$B" 0x2000)" 3
}

# ... or ends by itself, with a packet on its way into it, which is sent again, ...
case_peer_late()
{
	answer_rekey 4 hard_limit 8
	ping_ok "the peer is not ready" "$OA" "$IB4" -c 5
	complete_rekey
	ping_ok "the old SA is spent" "$OA" "$IB4" -c 5 -W 5
	check_eq "packets of the new SA" "$(sa_packets "$UA" "$B" 0x2000)" 5
	check_eq "packets sent" "$(link_stat "$OA" xv0 tx_packets)" 13
	check_no_drops "$OA" xv0
}

hard_limit() # packets
{
	sa_pair_del 0x1000
	sa_pair 7 0x1000
	sa_del "$UA" "$B" 0x1000
	sa_add "$UA" "$A" "$B" 0x1000 7 limit packet-hard "$1"
}

# ... or for some seconds, in case that it has lost its state,
case_peer_silent()
{
	local waited

	answer_rekey 4
	ping_on "$OA" "$IB4"
	await "the new SA is in use" at_least 1 sa_packets "$UA" "$B" 0x2000
	waited=$(((${EPOCHREALTIME/./} - ANSWERED) / 1000))
	check_ge "milliseconds for the old SA" "$waited" 4000
	check_le "milliseconds for the old SA" "$waited" 12000
}

# ... and not because of a packet that is lost for another reason,
case_peer_waits()
{
	answer_rekey 4 refuse_marked
	ping_none "refused by the firewall" "$OA" "$IB4" 1 -W 0.2 -Q "$MARKED"
	ping_ok "the peer is not ready" "$OA" "$IB4"
	check_used "the peer is not ready" 7 0
	check_dropped "refused by the firewall" "$OA" xv0 tx_error 1
}

# A firewall takes longer to set up than the old SA is waited for where a kernel is
# slow: so it is there before.
readonly MARKED=0x28
refuse_marked()
{
	in_ns "$UA" nft -f - <<-END || die "no nft"
		table ip t {
			chain outgoing {
				type filter hook output priority 0
				ip protocol esp ip dscp $((MARKED >> 2)) drop
			}
		}
	END
}

# but not where the rekey is this side's own wish, as the old SA is expiring.
case_own_rekey()
{
	answer_rekey 4 soft_limit
	check_used "before" 3 0
	complete_rekey
	ping_ok "after" "$OA" "$IB4"
	check_used "after" 3 3
}

soft_limit()
{
	sa_pair_del 0x1000
	sa_pair 7 0x1000 limit packet-soft 2
}

# That it is expiring is known of an SA from before the device, ...
case_own_rekey_before()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000 limit packet-soft 2
	ping_ok "before" "$OA" "$IB4"
	del_tunnel
	setup_tunnel 4
	answer 7
	complete_rekey
	ping_ok "after" "$OA" "$IB4"
	check_used "after" 3 3
}

# ... and is over when a daemon gives the SA another lifetime.
case_own_rekey_off()
{
	setup_hosts
	setup_tunnel 4
	cipher gcm
	sa_pair 7 0x1000 limit packet-soft 2
	ping_ok "before" "$OA" "$IB4"
	ip_batch "$UA" <<<"$(pair_lines 7 0x1000 | as_updates)"
	# the device sees that when it looks at all SAs
	nap "$XVTI_SLOW"
	answer 7
	ping_ok "the peer is not ready" "$OA" "$IB4"
	check_used "the peer is not ready" 6 0
}

# Nor where the old SA is of a daemon that was there before: the peer, which is ready
# here, need not know that SA any more. Its answer to the first packet shows that
# it is.
case_new_daemon()
{
	local owner

	for owner in 1001 1002; do
		setup_hosts
		setup_tunnel 4
		cipher gcm
		sa_pair 7 0x1000
		must in_ns "$UA" "$SELFTESTS/owned.py" 1001 again "$B" 0x1000
		ping_ok "before" "$OA" "$IB4"
		complete_rekey
		reserve 7
		must in_ns "$UA" "$SELFTESTS/owned.py" "$owner" complete "$A" 0x1001 0x2001
		sa_add "$UA" "$A" "$B" 0x2000 7
		ping_ok "after" "$OA" "$IB4" -c 1
		ping_ok "after" "$OA" "$IB4" -c 2
		if [ "$owner" = 1001 ]; then
			check_used "the same daemon" 4 2
		else
			check_used "another daemon" 3 3
		fi
		run_deferred
	done
}

# Nor where there is one SA for each inner family: the other family's would wait.
case_one_family()
{
	need_families
	setup_hosts
	setup_tunnel 4
	cipher gcm
	family_pairs 7
	ping_ok "before" "$OA" "$IB4"
	ping_ok "before" "$OA" "$IB6"
	reserve_spi "$UA" "$B" "$A" 0x3001 7
	ip_batch "$UB" <<-END
		$(family_sa_line "$A" "$B" 0x3000 7 0.0.0.0/0)
		$(family_sa_line "$B" "$A" 0x3001 7 0.0.0.0/0)
	END
	ip_batch "$UA" <<-END
		$(family_sa_line "$B" "$A" 0x3001 7 0.0.0.0/0 | as_updates)
		$(family_sa_line "$A" "$B" 0x3000 7 0.0.0.0/0)
	END
	ping_ok "IPv4" "$OA" "$IB4"
	ping_ok "IPv6" "$OA" "$IB6"
	check_no_drops "$OA" xv0
}

need_module
run_cases new_at_once nothing_lost_4 nothing_lost_6 other_cipher other_reqid \
	peer_rekeys peer_deletes peer_late peer_silent peer_waits own_rekey \
	own_rekey_before own_rekey_off new_daemon one_family
