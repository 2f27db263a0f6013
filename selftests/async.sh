#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels=last
#
# Ciphers that finish later, in another context: what they decrypt has to
# arrive, and a device must go when it is told to, with packets in them.
#
#   OA: xv0 10.8.0.1, fd08::1            OB: xv0 10.8.0.2, fd08::2
#        :                                    :
#   UA: 192.0.2.1     ------ v0 ------   UB: 192.0.2.2
#       2001:db8::1                          2001:db8::2
#
# AES-GMAC is what other tests do not use: an instance that was made stays, and
# is what every later SA with the cipher gets.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

readonly NAME='rfc4543(gcm(aes))'

# Has the kernel wrap the cipher. It prefers the wrapper, to which it gives a
# higher priority.
wrap() # template
{
	local out driver

	# with them the core reports each packet as lost that its cipher has yet
	# to finish
	modprobe -qr esp4_offload esp6_offload
	ALGO=(aead "$NAME" "$KEY20" 128)
	instance "$1" 1 && return
	modprobe -qa algif_aead "$1"
	"$SELFTESTS/cryptobind.py" "$NAME"
	# by the driver: the name may lead to the wrapper itself, in ever more
	# wrappers, on newer kernels
	driver=$(driver_of)
	out=$("$SELFTESTS/cryptobind.py" "$1($driver)" 2>&1)
	instance "$1" 1 || skip "no $1: $out"
}

# The driver that the kernel has made for the cipher.
driver_of()
{
	awk -v name="$NAME" '
		$1 == "name" { ours = $3 == name }
		$1 == "driver" && ours { print $3; exit }' /proc/crypto
}

# Whether there is an instance of a template for the cipher with so many
# references; each SA has one.
instance() # template references
{
	awk -v driver="$1(" -v least="$2" '
		$1 == "name" { ours = index($3, "rfc4543(") == 1 }
		$1 == "driver" { ours = ours && index($3, driver) == 1 }
		$1 == "refcnt" && ours && $3 >= least { found = 1 }
		END { exit !found }' /proc/crypto
}

traffic() # what
{
	ping_ok "$1" "$OA" "$IB4"
	ping_ok "$1, back" "$OB" "$IA6"
	ping_ok "$1: many" "$OA" "$IB4" -f -c 200
	tcp_ok "$1" "$OA" "$OB" "$IB4" 200
	tcp_ok "$1, back" "$OB" "$OA" "$IA6" 200
	check_no_drops "$OA" xv0
	check_no_drops "$OB" xv0
}

# All goes while packets are under way: devices first, then, as the case ends,
# namespaces. None may be held by a packet that the cipher has had.
deleted() # what outer-family
{
	setup_tunnel "$2"
	sa_pair 7 0x2000
	ping_on "$OA" "$IB4"
	ping_on "$OB" "$IA6"
	await "$1: traffic" at_least 20 link_stat "$OB" xv0 rx_packets
	del_tunnel
	check "$1: the device is gone" no_dev "$OA" xv0
	setup_tunnel "$2"
	await "$1: traffic again" at_least 20 link_stat "$OB" xv0 rx_packets
	delete_ns "$UB" "$OA" "$OB" "$UA"
}

# What is refused after an asynchronous cipher is counted once.
refused_once() # what
{
	ip_batch "$OB" <<<"link set xv0 down"
	ping_none "$1: device down" "$OA" "$IB4" 2
	await "$1: device down" is 2 counter "$OB" xv0 rx_down
	check_dropped "$1: device down" "$OB" xv0 rx_down 2
	del_tunnel
	sa_pair_del 0x1000
}

wrapped() # template outer-family...
{
	local template=$1 outer

	wrap "$template"
	setup_hosts
	shift
	for outer; do
		setup_tunnel "$outer"
		sa_pair 7 0x1000
		check "$template: in use" instance "$template" 2
		traffic "$template, IPv$outer"
		refused_once "$template, IPv$outer"
	done
	deleted "$template, IPv$outer" "$outer"
}

# Finished by threads of any processor. The kernel's padata holds the lock of one of
# its lists while it takes that of another, which lockdep takes for the same lock; it
# says so, and is off from then on.
case_pcrypt()
{
	[ ! -e /proc/lockdep ] || skip "lockdep reports the kernel's own padata"
	wrapped pcrypt 6 4
}

# Finished by a thread of this processor. Where AES-NI is, all ciphers are such
# as they are, and the kernel wraps none once more.
case_cryptd()
{
	if grep -q aesni /proc/crypto; then
		plain
	else
		wrapped cryptd 4 6
	fi
}

plain()
{
	setup_hosts
	cipher gcm
	setup_tunnel 4
	sa_pair 7 0x1000
	traffic "AES-NI"
	refused_once "AES-NI"
	deleted "AES-NI" 6
}

need_module
run_cases pcrypt cryptd
