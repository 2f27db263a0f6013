# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034 # for those that source this
#
# The table "network" as arrays, and how the network can be set up.

LAB_SOURCE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

# What a tunnel is bound by, what charon reads, and what V3-2 has instead of
# xvti devices.
: "${BINDING:=mark}" "${STYLE:=swanctl}" "${PEER:=xvti}"

SITES=() GATEWAYS=() TUNNELS=() ROUTERS=()
declare -A AS ROUTER NETS		# of a site
declare -A SITE PUBLIC LAN ENDS SIBLING	# of a gateway; the numbers of its tunnels
declare -A END				# of a tunnel's number and gateway
declare -A FIRST SECOND			# of a tunnel: its gateways

read_table()
{
	local kind rest name

	while read -r kind rest; do
		case $kind in
		site) add_site_line "$rest" ;;
		gateway) add_gateway_line "$rest" ;;
		tunnel) add_tunnel_line "$rest" ;;
		'#'* | '') ;;
		*) echo "network: no such thing: '$kind'" >&2; exit 2 ;;
		esac
	done <"$LAB_SOURCE/network"
	for name in "${GATEWAYS[@]}"; do
		SIBLING[$name]=$(sibling "$name")
	done
}

add_site_line() # line
{
	local nr as router nets

	read -r nr as router nets <<<"$1"
	SITES+=("$nr")
	ROUTERS+=("$router")
	AS[$nr]=$as ROUTER[$nr]=$router NETS[$nr]=$nets
}

add_gateway_line() # line
{
	local name site public lan

	read -r name site public lan <<<"$1"
	GATEWAYS+=("$name")
	SITE[$name]=$site PUBLIC[$name]=$public LAN[$name]=$lan ENDS[$name]=
}

add_tunnel_line() # line
{
	local nr a a4 a6 b b4 b6

	read -r nr a a4 a6 b b4 b6 <<<"$1"
	TUNNELS+=("$nr")
	FIRST[$nr]=$a SECOND[$nr]=$b
	ENDS[$a]+=" $nr"
	ENDS[$b]+=" $nr"
	END[$nr,$a]="$b $a4 $a6 $b4 $b6"
	END[$nr,$b]="$a $b4 $b6 $a4 $a6"
}

# The other gateway of a site.
sibling() # gateway
{
	local other

	for other in "${GATEWAYS[@]}"; do
		[ "$other" = "$1" ] || [ "${SITE[$other]}" != "${SITE[$1]}" ] || echo "$other"
	done
}

# The end that a gateway has of a tunnel: sets the gateway at the other end,
# which the device is named after, and the addresses of both.
tunnel_end() # tunnel gateway
{
	read -r PEER_NAME OWN4 OWN6 PEER4 PEER6 <<<"${END[$1,$2]}"
}

# The tunnel between two gateways.
tunnel_of() # gateway gateway
{
	local nr

	for nr in ${ENDS[$1]}; do
		[[ ${END[$nr,$1]} != "$2 "* ]] || echo "$nr"
	done
}

# Those that cannot be are refused before anything is made.
check_settings()
{
	case $BINDING in
	mark | if_id | reqid) ;;
	*) echo "lab: BINDING is mark, if_id or reqid, not '$BINDING'" >&2; return 2 ;;
	esac
	case $STYLE in
	swanctl | ipsec) ;;
	*) echo "lab: STYLE is swanctl or ipsec, not '$STYLE'" >&2; return 2 ;;
	esac
	case $PEER in
	xvti | vti6 | xfrmi) ;;
	*) echo "lab: PEER is xvti, vti6 or xfrmi, not '$PEER'" >&2; return 2 ;;
	esac
	if [ "$STYLE" = ipsec ] && { [ "$BINDING" = if_id ] || [ "$PEER" = xfrmi ]; }; then
		echo "lab: ipsec.conf knows no if_id: not with BINDING=$BINDING PEER=$PEER" >&2
		return 2
	fi
}

# What the tunnels of a gateway are bound by, and the kind of its devices.
binding_of() # gateway
{
	case $(kind_of "$1") in
	vti6) echo mark ;;
	xfrmi) echo if_id ;;
	*) echo "$BINDING" ;;
	esac
}

kind_of() # gateway
{
	if [ "$1" = "$PEER_GATEWAY" ]; then echo "$PEER"; else echo xvti; fi
}

readonly PEER_GATEWAY=V3-2
read_table
