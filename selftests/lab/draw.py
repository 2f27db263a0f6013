#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Draws the network of the table beside this file.

draw.py text    for a terminal
draw.py svg     for Documentation/reference-network.svg
"""

import ipaddress
import os
import sys
from html import escape

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "network")


class Network:
    def __init__(self, path):
        self.sites = []
        self.gateways = []
        self.tunnels = []
        with open(path, encoding="ascii") as table:
            for line in table:
                words = line.split("#")[0].split()
                if words:
                    getattr(self, "add_" + words[0])(words[1:])

    def add_site(self, words):
        number, asn, router, *addresses = words
        nets = [str(ipaddress.ip_interface(a).network) for a in addresses]
        self.sites.append((number, asn, router, nets))

    def add_gateway(self, words):
        self.gateways.append((words[0], words[1], words[2]))

    def add_tunnel(self, words):
        number, first, first4, first6, second, second4, second6 = words
        self.tunnels.append((number, (first, first4, first6),
                             (second, second4, second6)))

    def of_site(self, number):
        return [g for g in self.gateways if g[1] == number]


# --- for a terminal ----------------------------------------------------------

WIDTH = 26


def text(network):
    """Sites side by side, the underlay below them, then the tunnels."""
    columns = []
    for number, asn, router, nets in network.sites:
        first, second = network.of_site(number)
        lines = [f"site {number}, AS {asn}"]
        lines += nets + [""] * (3 - len(nets))
        lines += [f"        {router}",
                  "  .-----'`-----.",
                  f" {first[0]:<12} {second[0]}",
                  "  |            |",
                  f" {first[2]}",
                  "  |            |",
                  f"        {second[2]}",
                  "  |            |"]
        columns.append([line.ljust(WIDTH) for line in lines])
    for row in zip(*columns):
        print("  " + "".join(row).rstrip())
    label = " internet: IPv6, OSPFv3 "
    print("  " + label.center(WIDTH * len(network.sites) - 4, "="))
    print("\n  tunnels, each with BGP in both families:\n")
    for number, (gw1, a4, a6), (gw2, b4, b6) in network.tunnels:
        print(f"  {number:>4}  {gw1} {a4:>13} {a6:>15} == {b6:<15} {b4:<13} {gw2}")


# --- for a document ------------------------------------------------------------

STYLE = """
text { font: 13px sans-serif; fill: #222 }
.small { font-size: 11px; fill: #555; stroke: #fff; stroke-width: 3px;
  stroke-linejoin: round; paint-order: stroke }
.site { fill: #eef4fb; stroke: #7a9cc6 }
.node { fill: #fff; stroke: #333 }
.net { fill: #f7f3e3; stroke: #a89a5c; stroke-dasharray: 5 4 }
.lan { stroke: #333; stroke-width: 1.5 }
.wan { stroke: #a89a5c; stroke-dasharray: 5 4 }
.tunnel { stroke: #c0392b; stroke-width: 1.6; fill: none }
"""

SIZE = (940, 660)
MIDDLE = (470, 85)
# of each site: its box, its router, its two gateways, and where its text is
PLACES = [
    ((20, 120, 250, 330), (60, 285), ((205, 190), (205, 385))),
    ((670, 120, 250, 330), (880, 285), ((735, 190), (735, 385))),
    ((290, 490, 360, 150), (470, 600), ((375, 520), (565, 520))),
]


class Svg:
    def __init__(self):
        self.parts = []

    def add(self, name, content=None, **attributes):
        words = "".join(f' {k.rstrip("_").replace("_", "-")}="{escape(str(v))}"'
                        for k, v in attributes.items())
        if content is None:
            self.parts.append(f"<{name}{words}/>")
        else:
            self.parts.append(f"<{name}{words}>{escape(content)}</{name}>")

    def line(self, kind, start, end):
        self.add("line", class_=kind, x1=start[0], y1=start[1],
                 x2=end[0], y2=end[1])

    def label(self, at, content, kind=None, anchor="middle"):
        more = {"class_": kind} if kind else {}
        self.add("text", content, x=at[0], y=at[1], text_anchor=anchor, **more)

    def node(self, at, name, below=None):
        self.add("rect", class_="node", x=at[0] - 28, y=at[1] - 14, width=56,
                 height=28, rx=5)
        self.label((at[0], at[1] + 5), name)
        if below:
            self.label((at[0], at[1] + 29), below, "small")

    def write(self):
        width, height = SIZE
        print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
              f'height="{height}" viewBox="0 0 {width} {height}">')
        print("<!-- SPDX-License-Identifier: GPL-2.0 -->")
        print("<!-- made by selftests/lab/draw.py -->")
        print(f"<style>{STYLE}</style>")
        print('<rect width="100%" height="100%" fill="#fff"/>')
        print("\n".join(self.parts))
        print("</svg>")


def svg(network):
    out = Svg()
    places = {}
    for (number, asn, router, nets), place in zip(network.sites, PLACES):
        box, router_at, gateways_at = place
        left, top, width, height = box
        out.add("rect", class_="site", x=left, y=top, width=width,
                height=height, rx=10)
        # above the upper sites, inside the lower one
        if top > 400:
            out.label((left + 12, top + 85), f"site {number}, AS {asn}", anchor="start")
            for row, net in enumerate(nets):
                out.label((left + 12, top + 103 + 15 * row), net, "small", "start")
        else:
            out.label((left + 12, top - 62), f"site {number}, AS {asn}", anchor="start")
            for row, net in enumerate(nets):
                out.label((left + 12, top - 44 + 15 * row), net, "small", "start")
        places[router] = router_at
        for (name, _, _), at in zip(network.of_site(number), gateways_at):
            places[name] = at
            out.line("lan", router_at, at)
    for name, _, _ in network.gateways:
        out.line("wan", places[name], (MIDDLE[0], MIDDLE[1] - 15))
    for number, _, _, _ in network.sites:
        out.line("wan", *(places[g[0]] for g in network.of_site(number)))
    for _, (first, _, _), (second, _, _) in network.tunnels:
        out.line("tunnel", places[first], places[second])
    out.add("ellipse", class_="net", cx=MIDDLE[0], cy=MIDDLE[1] - 15, rx=95, ry=42)
    out.label((MIDDLE[0], MIDDLE[1] - 19), "internet")
    out.label((MIDDLE[0], MIDDLE[1] - 3), "IPv6, OSPFv3", "small")
    for _, _, router, _ in network.sites:
        out.node(places[router], router)
    for name, _, underlay in network.gateways:
        out.node(places[name], name, underlay)
    out.line("tunnel", (30, 500), (70, 500))
    out.label((78, 504), "tunnel: IPsec, BGP", "small", "start")
    out.line("wan", (30, 522), (70, 522))
    out.label((78, 526), "underlay", "small", "start")
    out.line("lan", (30, 544), (70, 544))
    out.label((78, 548), "the site's own links, OSPF", "small", "start")
    out.write()


def main(args):
    drawings = {"text": text, "svg": svg}
    if len(args) != 1 or args[0] not in drawings:
        sys.exit(__doc__)
    drawings[args[0]](Network(TABLE))


main(sys.argv[1:])
