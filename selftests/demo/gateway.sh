# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# strongSwan in a network namespace: each daemon has a directory of its own for
# its configuration, socket and log. For the demo and ike.lib; needs lib.sh.

DEMO=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
CHARON=

ike_available()
{
	for CHARON in /usr/lib/ipsec/charon /usr/libexec/ipsec/charon /usr/sbin/charon-systemd; do
		[ -x "$CHARON" ] && command -v swanctl >/dev/null && return 0
	done
	return 1
}

# What the child is bound by, and more of its settings, come as arguments.
ike_config() # directory id peer-id local remote "child's setting"...
{
	local name child

	child=$(printf '\\n\t\t\t\t%s' "${@:6}")
	mkdir -p "$1"/swanctl/{conf.d,x509,x509ca,x509ocsp,x509aa,x509ac,x509crl}
	mkdir -p "$1"/swanctl/{pubkey,private,rsa,ecdsa,bliss,pkcs8,pkcs12}
	for name in strongswan.conf swanctl.conf; do
		sed -e "s|@DIR@|$1|; s|@ID@|$2|; s|@PEER@|$3|; s|@LOCAL@|$4|" \
			-e "s|@REMOTE@|$5|; s|@CHILD@|${child#"\n"}|" "$DEMO/$name.in" >"$1/$name"
	done
	mv "$1/swanctl.conf" "$1/swanctl/swanctl.conf"
}

# The daemon's process id file is in /run, whatever its configuration says, so
# it gets a /run of its own. Its process is IKE_PID.
ike_start() # netns directory
{
	rm -f "$2/charon.vici"
	# shellcheck disable=SC2016 # for the inner shell
	background "$2/charon.out" ip netns exec "$1" env STRONGSWAN_CONF="$2/strongswan.conf" \
		sh -c 'mount -t tmpfs tmpfs /run && exec "$1"' sh "$CHARON"
	# shellcheck disable=SC2034 # for the caller
	IKE_PID=$BG_PID
	busywait "$XVTI_WAIT" test -S "$2/charon.vici" || return
	busywait "$XVTI_WAIT" ike "$2" --load-all --noprompt
}

# swanctl for the daemon of a directory.
ike() # directory argument...
{
	local dir=$1

	shift
	STRONGSWAN_CONF=$dir/strongswan.conf SWANCTL_DIR=$dir/swanctl \
		swanctl "$@" --uri "unix://$dir/charon.vici"
}

# The newest SPI out of a namespace to an address.
ike_spi() # netns remote
{
	ip -n "$1" xfrm state list dst "$2" | awk '/spi 0x/ { print $4; exit }'
}
