# SPDX-License-Identifier: GPL-2.0
#
# Prints what is wrong with a value by a JSON schema, of which it knows what
# show.schema.json uses, and no more: a keyword that it does not know is wrong
# itself. jq -r --slurpfile schema FILE -f schema.jq

def known: ["$schema", "title", "description", "type", "items", "enum",
	"additionalProperties", "required", "properties"];

def kind: if type == "number" and . == floor then "integer" else type end;

def wrong($s; $path):
	(($s | keys) - known | .[] | "\($path): schema: unknown keyword \(.)"),
	(if $s.type and kind != $s.type then "\($path): is \(kind), not \($s.type)" else empty end),
	(if $s.enum and (. as $v | $s.enum | any(. == $v) | not) then "\($path): \(.) is none of \($s.enum)" else empty end),
	(if type == "object" then
		((($s.required // []) - keys)[] | "\($path): no \(.)"),
		(if $s.additionalProperties == false then
			(keys - ($s.properties | keys))[] | "\($path): \(.) is not in the schema"
		else empty end),
		(to_entries[] | .key as $k | select($s.properties[$k]) |
			.value | wrong($s.properties[$k]; "\($path).\($k)"))
	elif type == "array" and $s.items then
		(to_entries[] | "\($path)[\(.key)]" as $p | .value | wrong($s.items; $p))
	else empty end);

wrong($schema[0]; "")
