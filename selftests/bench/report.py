#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Turn what bench.sh or scale.sh prints, a line of JSON for each measurement,
into a table, a file KERNEL.json and, for rows, a chart KERNEL.svg; and compare
with an earlier such file.

Measurements are rows, PATH/TUNNEL/CIPHER/FAMILY/SIZE, in instructions, or what
has to do with many devices, scale/KIND/DEVICES/WHAT.
"""

import argparse
import fnmatch
import json
import sys

import chart

TUNNELS = ["none", "sa", "sa-xvti", "ipip", "spd", "vti", "xfrmi", "xvti",
           "xvti-nogro", "xvti-policy", "wireguard"]
PATHS = ["tx-fwd", "tx-udp", "tcp-gso", "rx", "rx-gro", "both"]
# What a path costs without a tunnel device, where that is not "none".
FLOORS = {"tx-udp": "spd", "rx": "sa", "rx-gro": "sa"}
# Smaller differences are not worth a line.
CHANGE = 0.01


def split(row):
    """The group of a row, which its tunnel is compared in, and the tunnel."""
    path, tunnel, cipher, family, size = row.split("/")
    return (path, cipher, family, size), tunnel


def order(group):
    path, cipher, family, size = group
    return (PATHS.index(path), cipher == "gcm", family,
            int(size) if size.isdigit() else 0)


def groups(rows):
    """The rows as {group: {tunnel: value}}, in order."""
    found = {}
    for row, value in rows.items():
        group, tunnel = split(row)
        found.setdefault(group, {})[tunnel] = value
    return {group: {tunnel: found[group][tunnel] for tunnel in TUNNELS
                    if tunnel in found[group]}
            for group in sorted(found, key=order)}


def floor(rows, group):
    """What the path alone costs; without a tunnel there is no cipher."""
    path, _, family, size = group
    if path in FLOORS:
        return rows.get("/".join([path, FLOORS[path], *group[1:]]))
    for cipher in ("null", "gcm"):
        value = rows.get("/".join([path, "none", cipher, family, size]))
        if value is not None:
            return value
    return None


def ratios(rows, group, values):
    """xvti by xfrmi, in all and above the floor."""
    if "xvti" not in values or "xfrmi" not in values:
        return "-", "-"
    total = f"{values['xvti'] / values['xfrmi']:.2f}"
    base = floor(rows, group)
    if base is None:
        return total, "-"
    cost = (values["xvti"] - base) / (values["xfrmi"] - base)
    return total, f"{cost:.2f}"


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() or value > 100 \
        else f"{value:.2f}"


def row_table(rows):
    found = groups(rows)
    tunnels = [name for name in TUNNELS
               if any(name in values for values in found.values())]
    lines = ["path    cipher IP size" +
             "".join(f" {name:>{max(7, len(name))}}" for name in tunnels) +
             "  ratio  cost"]
    for group, values in found.items():
        path, cipher, family, size = group
        total, cost = ratios(rows, group, values)
        lines.append(f"{path:<8}{cipher:<7}v{family} {size:>4}" +
                     "".join(f" {number(values.get(name)):>{max(7, len(name))}}"
                             for name in tunnels) + f"{total:>7}{cost:>6}")
    return "\n".join(lines)


def scale_table(scale):
    found = {}
    for name, value in scale.items():
        _, kind, count, what = name.split("/")
        found.setdefault((int(count), what), {})[kind] = value
    lines = [f"{'devices':>7} {'what':<20} {'xfrmi':>12} {'xvti':>12}"]
    for (count, what), values in found.items():
        lines.append(f"{count:>7} {what:<20}"
                     f" {number(values.get('xfrmi')):>12}"
                     f" {number(values.get('xvti')):>12}")
    return "\n".join(lines)


def wanted(name, globs):
    """What was not asked for is not missing."""
    return not globs or any(fnmatch.fnmatchcase(name, glob) for glob in globs)


def compare(old, new, globs):
    lines = []
    for name, value in new.items():
        if name not in old:
            lines.append(f"{name:<40} {'-':>10} {value:>10,.0f}  new")
            continue
        change = value / old[name] - 1 if old[name] else 0
        if abs(change) >= CHANGE:
            lines.append(f"{name:<40} {old[name]:>10,.0f} {value:>10,.0f}"
                         f" {change:+7.1%}")
    for name, value in old.items():
        if name not in new and wanted(name, globs):
            lines.append(f"{name:<40} {value:>10,.0f} {'-':>10}  gone")
    return "\n".join(lines) or f"nothing differs by {CHANGE:.0%}"


def read(stream):
    result = {"kernel": None, "rows": {}, "scale": {}, "failed": {}}
    for line in stream:
        if not line.startswith("{"):
            print(line, end="", file=sys.stderr)
            continue
        entry = json.loads(line)
        if "kernel" in entry:
            result["kernel"] = entry["kernel"]
        elif "failed" in entry:
            result["failed"][entry["row"]] = entry["failed"]
            print(f"{entry['row']:<40} not measured: {entry['failed']}",
                  flush=True)
        else:
            if "scale" in entry:
                name = f"scale/{entry['scale']}/{entry['devices']}" \
                       f"/{entry['what']}"
                value = result["scale"][name] = entry["value"]
            else:
                name = entry["row"]
                value = result["rows"][name] = entry["instructions"]
            print(f"{name:<40} {number(value):>12}", flush=True)
    return result


def tables(result):
    lines = []
    if result["rows"]:
        lines += [f"{result['kernel']}: instructions per packet; for tcp-gso"
                  " per KiB", "ratio: xvti by xfrmi; cost: the same, less the"
                  " path without a tunnel device: " +
                  ", ".join(f"{tunnel} on {path}"
                            for path, tunnel in FLOORS.items()) +
                  ", else none", "",
                  row_table(result["rows"])]
    if result["scale"]:
        lines += [f"{result['kernel']}: milliseconds (millions of"
                  " instructions), octets of memory, and instructions",
                  "of a packet over all devices in turn; wall: with the time"
                  " that was waited", "",
                  scale_table(result["scale"])]
    return "\n".join(lines)


def write(name, text):
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--directory", required=True)
    parser.add_argument("--suffix", default="")
    parser.add_argument("--compare")
    parser.add_argument("--globs", default="")
    options = parser.parse_args()

    old = None
    if options.compare:
        with open(options.compare, encoding="utf-8") as file:
            old = json.load(file)
    result = read(sys.stdin)
    if not result["rows"] and not result["scale"]:
        sys.exit("nothing was measured")
    name = f"{options.directory}/{result['kernel']}{options.suffix}"
    write(name + ".json", json.dumps(result, indent=1) + "\n")
    print(f"\n{tables(result)}")
    if old:
        print(f"\nagainst {options.compare} ({old['kernel']}):")
        print(compare({**old["rows"], **old["scale"]},
                      {**result["rows"], **result["scale"]},
                      options.globs.split()))
    print(f"\nwritten: {name}.json")
    if result["rows"]:
        write(name + ".svg",
              chart.svg(result["kernel"], groups(result["rows"])))
        print(f"written: {name}.svg")
    if result["failed"]:
        sys.exit(f"{len(result['failed'])} rows could not be measured")


if __name__ == "__main__":
    main()
