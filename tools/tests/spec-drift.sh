#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The interface is written down more than once: in the specification, in the
# header that the module and the tool share, in the policies of the module, in
# the counter names and meanings of the tool, and in what its JSON is. Fails where
# they have drifted apart.

set -u
# shellcheck source=tools/tests/ktap.inc disable=SC1091
. "$(dirname "$0")/ktap.inc"
top=$(dirname "$0")/../..

echo "KTAP version 1"
# the distribution's own, which is what the package PyYAML comes for
python=/usr/bin/python3
[ -x "$python" ] || python=python3
if ! "$python" -c 'import yaml' 2>/dev/null; then
	echo "1..0 # SKIP needs python3 with PyYAML"
	exit 4
fi

"$python" - "$top" <<'END'
import json
import re
import sys
from pathlib import Path

import yaml

top = Path(sys.argv[1])
spec = yaml.safe_load((top / "Documentation/netlink/specs/xvti.yaml").read_text())
header = (top / "kmod/include/uapi/linux/xvti.h").read_text()
names = (top / "tools/names.c").read_text()
counters = (top / "tools/counters.c").read_text()
results = []


def check(name, want, got):
    """Compares two lists, and shows the first place where they differ."""
    results.append(want == got)
    print(f"{'ok' if want == got else 'not ok'} {len(results)} {name}")
    for i in range(max(len(want), len(got))):
        pair = [str(x[i]) if i < len(x) else "nothing" for x in (want, got)]
        if pair[0] != pair[1]:
            print(f"# entry {i}: specification {pair[0]}, found {pair[1]}")
            break


def numbered(names_and_values, start=0):
    """As C and YNL number: one more than the last, unless a value is given."""
    value = start - 1
    for name, given in names_and_values:
        value = value + 1 if given is None else int(given)
        yield name, value


def header_enum(prefix):
    """The enumerators of @prefix, in order, without the __MAX bookkeeping."""
    code = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    for body in re.findall(r"enum\s*\w*\s*\{(.*?)\}", code, flags=re.S):
        found = re.findall(r"(\w+)\s*(?:=\s*([^,\s]+))?\s*[,\n]", body)
        if found and found[0][0].startswith(prefix):
            return list(numbered((n, v or None) for n, v in found
                                 if n.startswith(prefix)
                                 and n != prefix + "MAX"))
    return []


def constant(prefix, name):
    return prefix + name.upper().replace("-", "_")


def spec_entries(prefix, entries, start):
    pairs = ((constant(prefix, e["name"]), e.get("value")) for e in entries)
    return list(numbered(pairs, start))


defines = dict(re.findall(r'#define\s+(XVTI_\w+)\s+"?(\w+)"?', header))
for definition in spec["definitions"]:
    if definition["type"] == "const":
        check(f"constant {definition['name']}", [str(definition["value"])],
              [defines.get(constant("XVTI_", definition["name"]))])
        continue
    prefix = constant("XVTI_", definition["name"]) + "_"
    check(f"enum {definition['name']}",
          spec_entries(prefix, definition["entries"], 0), header_enum(prefix))

for attrs in spec["attribute-sets"]:
    prefix = constant("XVTI_A_", attrs["name"]) + "_"
    check(f"attributes of {attrs['name']}",
          spec_entries(prefix, attrs["attributes"], 1), header_enum(prefix))

check("operations", spec_entries("XVTI_CMD_", spec["operations"]["list"], 1),
      header_enum("XVTI_CMD_"))

check("family and groups",
      [spec["name"]] + [g["name"] for g in spec["mcast-groups"]["list"]],
      [defines["XVTI_FAMILY_NAME"]] +
      [v for k, v in defines.items() if k.startswith("XVTI_MCGRP_")])

stats = [a["name"] for s in spec["attribute-sets"] if s["name"] == "stats"
         for a in s["attributes"] if a["type"] != "pad"]
check("counter names of the tool",
      [(constant("XVTI_A_STATS_", n), n) for n in stats],
      re.findall(r'\[(XVTI_A_STATS_\w+)\]\s*=\s*"([^"]+)"', names))


check("drops that explain explains",
      [constant("XVTI_A_STATS_", n) for n in stats if re.match("[rt]x-", n)],
      re.findall(r"\[(XVTI_A_STATS_\w+)\]\s*=\s*\{", counters))


def types_of(attrs):
    """Types as the comments of the header give them."""
    kinds = {"nest": "nest", "binary": "binary", "string": "string"}
    return [(constant("XVTI_A_DEV_", a["name"]), kinds.get(a["type"], a["type"]))
            for a in attrs if a["type"] != "pad"]


dev = next(s for s in spec["attribute-sets"] if s["name"] == "dev")
check("types of dev", types_of(dev["attributes"]),
      re.findall(r"(XVTI_A_DEV_\w+),\s*/\* (\w+)", header))

# What a set may hold, as the kernel's generator would write it.
LENGTHS = {"IFNAMSIZ - 1": 15, "sizeof(struct in6_addr)": 16}
by_name = {a["name"]: a for a in dev["attributes"]}
dev_set = next(o for o in spec["operations"]["list"] if o["name"] == "dev-set")


def policy_of(attr):
    checks = attr.get("checks", {})
    kind = {"string": "NUL_STRING"}.get(attr["type"], attr["type"].upper())
    return (constant("XVTI_A_DEV_", attr["name"]), kind, checks.get("max-len"))


netlink = (top / "kmod/netlink.c").read_text()
policies = re.search(r"xvti_dev_policy\[.*?\] = \{(.*?)\n\};", netlink, re.S)[1]
check("policies of a set",
      [policy_of(by_name[n]) for n in dev_set["do"]["request"]["attributes"]],
      [(name, kind, LENGTHS.get(length, length) or None)
       for name, kind, length in re.findall(
           r"\[(\w+)\]\s*=\s*\{ \.type = NLA_(\w+)(?:,\s*\.len = ([^}]+?))? \}",
           policies)])

conf = (top / "kmod/conf.c").read_text()
limits = [constant("XVTI_", a["checks"]["max"]) for a in dev["attributes"]
          if "max" in a.get("checks", {})]
check("limits", limits, [name for name in limits if f"> {name})" in conf])

# JSON has underscores, and of the header's names only what it shows.
device = json.loads((top / "tools/show.schema.json").read_text())["items"]
enums = {d["name"]: [e["name"] for e in d["entries"]]
         for d in spec["definitions"] if d["type"] == "enum"}
for name, values in enums.items():
    check(f"{name} in JSON", values,
          device["properties"][name.replace("-", "_")].get("enum", []))
schema = device["properties"]["stats"]
check("counters in JSON", [n.replace("-", "_") for n in stats], schema["required"])
check("counters in JSON have a type", [],
      [n for n in schema["required"] if n not in schema["properties"]])
manual = (top / "tools/xvti.8").read_text()
manual = set(re.findall(r"\w+", manual[manual.index("JSON the keys are"):]))
check("keys of JSON in the manual page", [],
      [k for k in device["properties"] if k not in manual])

tests = (top / "selftests/genl.py").read_text()
tests = tests[tests.index("ATTRIBUTES = {"):tests.index("NAMES = {")]
check("attributes of the tests", [a["name"] for a in dev["attributes"]],
      re.findall(r'\("([\w-]+)", "\w+"\)', tests))

fuzzer = (top / "selftests/nlfuzz.c").read_text()
check("attributes of the fuzzer", [a["name"] for a in dev["attributes"]],
      re.findall(r'\{ "([\w-]+)", \w+, ', fuzzer))
for operation, flag in (("dev-get", "GET"), ("dev-set", "SET")):
    request = next(o for o in spec["operations"]["list"]
                   if o["name"] == operation)["do"]["request"]
    check(f"what the fuzzer sends of {operation}", request["attributes"],
          re.findall(r'\{ "([\w-]+)", \w+, [\w |]*' + flag, fuzzer))

print(f"1..{len(results)}")
print(f"# {sum(results)} of {len(results)} passed")
sys.exit(not all(results))
END
