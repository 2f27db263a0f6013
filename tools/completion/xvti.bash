# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Completion of xvti(8) for bash.

# The options of the line that bear on where devices are looked up.
_xvti_netns()
{
	local i

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-n | -netns | --netns)
			printf '%s\n' -n "${COMP_WORDS[i + 1]}"
			return
			;;
		esac
	done
}

_xvti_devices()
{
	local netns

	mapfile -t netns < <(_xvti_netns)
	ip "${netns[@]}" -o link show type xvti 2>/dev/null |
		sed -e 's/^[0-9]*: //' -e 's/[:@].*//'
}

_xvti_links()
{
	local netns

	mapfile -t netns < <(_xvti_netns)
	ip "${netns[@]}" -o link show 2>/dev/null |
		sed -e 's/^[0-9]*: //' -e 's/[:@].*//'
}

_xvti_addresses()
{
	local netns

	mapfile -t netns < <(_xvti_netns)
	ip "${netns[@]}" -o address show 2>/dev/null |
		sed -n 's/.* inet6* \([^/ ]*\).*/\1/p'
}

_xvti_names()
{
	ip netns list 2>/dev/null | sed 's/ .*//'
}

# The words of add and set that the line does not have yet.
_xvti_words()
{
	local word

	for word in local remote reqid mark if_id dev mode carrier mtu queue \
		netns up; do
		case " ${COMP_WORDS[*]:0:COMP_CWORD} " in
		*" $word "*) ;;
		*) echo "$word" ;;
		esac
	done
}

# The position of the verb, or of where it may stand.
_xvti_verb()
{
	local i

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-n* | --n* | -b* | --b*) i=$((i + 1)) ;;
		-*) ;;
		*) break ;;
		esac
	done
	echo "$i"
}

_xvti_value()
{
	case $1 in
	local) _xvti_addresses ;;
	remote) echo any ;;
	reqid | mark | if_id) echo none ;;
	dev) echo none && _xvti_links ;;
	mode) printf '%s\n' direct policy ;;
	carrier) printf '%s\n' always sa ;;
	mtu) echo auto ;;
	queue) ;;
	netns) _xvti_names ;;
	*) return 1 ;;
	esac
}

_xvti_config()
{
	local verb=$1 previous=$2

	if [ "$COMP_CWORD" -eq $((verb + 1)) ]; then
		[ "${COMP_WORDS[verb]}" = add ] || _xvti_devices
		return
	fi
	[ "$COMP_CWORD" -gt $((verb + 2)) ] && _xvti_value "$previous" && return
	_xvti_words
}

_xvti_explain()
{
	local verb=$1 previous=$2 word

	if [ "$COMP_CWORD" -eq $((verb + 1)) ]; then
		_xvti_devices
		return
	fi
	case $previous in
	from) _xvti_addresses && return ;;
	iif) _xvti_links && return ;;
	to) return ;;
	esac
	for word in to from iif; do
		case " ${COMP_WORDS[*]:0:COMP_CWORD} " in
		*" $word "*) ;;
		*) echo "$word" ;;
		esac
	done
}

_xvti_candidates()
{
	local verb previous=${COMP_WORDS[COMP_CWORD - 1]}
	verb=$(_xvti_verb)

	case $previous in
	-n | -netns | --netns)
		_xvti_names
		return
		;;
	esac
	case ${COMP_WORDS[COMP_CWORD]} in
	-*)
		printf '%s\n' -color -json -pretty -statistics -details -netns
		[ "$verb" -lt "$COMP_CWORD" ] ||
			printf '%s\n' -batch -force -Version -help
		return
		;;
	esac
	if [ "$verb" -ge "$COMP_CWORD" ]; then
		printf '%s\n' add delete explain export help load \
			monitor set show version
		return
	fi
	case ${COMP_WORDS[verb]} in
	add | set) _xvti_config "$verb" "$previous" ;;
	explain) _xvti_explain "$verb" "$previous" ;;
	del | delete | show | export) _xvti_devices ;;
	esac
}

_xvti_takes_files()
{
	local verb
	verb=$(_xvti_verb)

	[ "$verb" -lt "$COMP_CWORD" ] && [ "${COMP_WORDS[verb]}" = load ] &&
		[[ ${COMP_WORDS[COMP_CWORD]} != -* ]]
}

# The candidates that begin with a word. Whoever makes a device chooses its name, and
# $(reboot) is one: the shell must see a word, now and when the line is run.
_xvti_offer()
{
	local candidate

	COMPREPLY=()
	while IFS= read -r candidate; do
		[[ $candidate = "$1"* ]] || continue
		printf -v candidate %q "$candidate"
		COMPREPLY+=("$candidate")
	done < <(_xvti_candidates)
}

_xvti()
{
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}

	case $previous in
	-b | -batch | --batch)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	esac
	if _xvti_takes_files; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
	fi
	_xvti_offer "$word"
	# bash takes ":" of an address for the end of a word.
	declare -F __ltrim_colon_completions >/dev/null &&
		__ltrim_colon_completions "$word"
	return 0
}

complete -F _xvti xvti
