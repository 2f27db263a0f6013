# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2153
#
# What the daemons read, made of the templates *.in and the table. Needs
# table.sh, and neither root nor a network: the documents are made of it too.

declare -A VARS

# In seconds: how long BGP, OSPF and IKE keep a neighbour that says nothing, when IKE
# begins to ask, and when BGP tries to connect and gives that up. A kernel that is
# slow by design has more.
: "${XVTI_SLOW:=1}"
declare -rA TIMERS=([BGP_HOLD]=$((6 * XVTI_SLOW)) [OSPF_DEAD]=$((4 * XVTI_SLOW))
	[BGP_DELAY]=$((1 * XVTI_SLOW)) [BGP_RETRY]=$((2 * XVTI_SLOW))
	[IKE_RETRANSMIT]=$((2 * XVTI_SLOW)) [IKE_DEAD]=$((24 * XVTI_SLOW))
	[DPD_DELAY]=$((10 * XVTI_SLOW)))

# A template with its @NAMES@ replaced and without its licence.
render() # template
{
	local text key

	text=$(<"$LAB_SOURCE/$1.in")
	text=${text#*$'\n'}
	for key in "${!VARS[@]}"; do
		text=${text//@$key@/"${VARS[$key]}"}
	done
	for key in "${!TIMERS[@]}"; do
		text=${text//@$key@/"${TIMERS[$key]}"}
	done
	printf '%s\n' "$text"
}

# A template for each tunnel of a gateway, or for those given, in VARS[TUNNELS].
render_tunnels() # gateway template [tunnels]
{
	local nr text=

	for nr in ${3:-${ENDS[$1]}}; do
		tunnel_end "$nr" "$1"
		VARS+=([NR]=$nr [PEER]=$PEER_NAME [PROTOCOL]=${PEER_NAME/-/_}
			[REMOTE]=${PUBLIC[$PEER_NAME]}
			[OWN4]=$OWN4 [OWN6]=$OWN6 [PEER4]=$PEER4 [PEER6]=$PEER6
			[PEER_AS]=${AS[${SITE[$PEER_NAME]}]}
			[BINDING]=$(child_binding "$1" "$nr"))
		text+=${text:+$'\n\n'}$(render "$2")
	done
	VARS[TUNNELS]=$text
}

# What binds a child to its device, as charon is told it.
child_binding() # gateway tunnel
{
	case $STYLE-$(binding_of "$1") in
	swanctl-mark) printf '\t\t\t\tmark_in = %s\n\t\t\t\tmark_out = %s' "$2" "$2" ;;
	swanctl-if_id) printf '\t\t\t\tif_id_in = %s\n\t\t\t\tif_id_out = %s' "$2" "$2" ;;
	swanctl-reqid) printf '\t\t\t\treqid = %s\n\t\t\t\tpolicies = no' "$2" ;;
	ipsec-mark) printf '  mark = %s' "$2" ;;
	ipsec-reqid) printf '  reqid = %s\n  installpolicy = no' "$2" ;;
	esac
}

# All that the daemons of a gateway read, in its directory.
configure_gateway() # gateway directory
{
	local gw=$1 dir=$2 number=${1#V}

	mkdir -p "$dir"/swanctl/{conf.d,x509,x509ca,x509ocsp,x509aa,x509ac,x509crl} \
		"$dir"/swanctl/{pubkey,private,rsa,ecdsa,bliss,pkcs8,pkcs12}
	VARS=([GATEWAY]=$gw [DIR]=$dir [LOCAL]=${PUBLIC[$gw]} [AS]=${AS[${SITE[$gw]}]}
		[ROUTER_ID]=10.255.${number/-/.} [FRONTEND]=stroke)
	[ "$STYLE" = ipsec ] || VARS[FRONTEND]=
	render strongswan.conf >"$dir/strongswan.conf"
	render public-bird >"$dir/public-bird.conf"
	render_tunnels "$gw" private-bird-tunnel
	render private-bird >"$dir/private-bird.conf"
	if [ "$STYLE" = ipsec ]; then
		render_tunnels "$gw" ipsec-tunnel
		render ipsec.conf >"$dir/ipsec.conf"
		echo ': PSK "a key that all gateways know"' >"$dir/ipsec.secrets"
	else
		render_tunnels "$gw" swanctl-tunnel
		render swanctl.conf >"$dir/swanctl/swanctl.conf"
	fi
}

configure_router() # site directory
{
	local own4 own6

	read -r own4 own6 _ <<<"${NETS[$1]}"
	mkdir -p "$2"
	VARS=([ROUTER_ID]=10.255.$1.255 [OWN4]=${own4%/*} [OWN6]=${own6%/*})
	render router-bird >"$2/bird.conf"
}

# The command that makes the device of a tunnel's end, in the public namespace.
device_command() # gateway tunnel
{
	local here there

	tunnel_end "$2" "$1"
	here=${PUBLIC[$1]}
	there=${PUBLIC[$PEER_NAME]}
	case $(kind_of "$1") in
	xvti) echo "xvti add $PEER_NAME local $here remote $there" \
		"$BINDING $2 carrier sa netns $1-private" ;;
	vti6) echo "ip link add $PEER_NAME netns $1-public type vti6" \
		"local $here remote $there key $2" ;;
	xfrmi) echo "ip link add $PEER_NAME netns $1-public type xfrm if_id $2" ;;
	esac
}
