# SPDX-License-Identifier: GPL-2.0
"""A result of the benchmark as a bar chart in SVG: one block for each path and
packet, one bar for each tunnel.
"""

from xml.sax.saxutils import escape

WIDTH = 760
LEFT = 120
RIGHT = 70
BAR = 13
GAP = 22
TOP = 46
COLORS = {
    "none": "#b8b8b8", "sa": "#b8b8b8", "sa-xvti": "#b8b8b8",
    "ipip": "#989898", "spd": "#7f8fa8",
    "vti": "#d9a441", "xfrmi": "#c4572e", "xvti": "#2b7a4b",
    "xvti-nogro": "#4f9a6c", "xvti-policy": "#7fb393",
    "wireguard": "#6b4ba1",
}
CIPHERS = {"null": "null cipher", "gcm": "AES-GCM"}


def text(x, y, words, **attributes):
    extra = "".join(f' {name.replace("_", "-")}="{value}"'
                    for name, value in attributes.items())
    return f'<text x="{x:.0f}" y="{y:.0f}"{extra}>{escape(words)}</text>'


def title(group):
    path, cipher, family, size = group
    words = f"{path}, IPv{family}, {CIPHERS[cipher]}"
    if size.isdigit():
        words += f", {size} octets"
    return words


def block(y, group, values):
    """The elements of a block, and where it ends; it has its own scale."""
    scale = (WIDTH - LEFT - RIGHT) / max(values.values())
    out = [text(8, y, title(group), font_weight="bold")]
    y += 6
    for tunnel, value in values.items():
        length = value * scale
        out.append(text(LEFT - 6, y + BAR - 3, tunnel, text_anchor="end"))
        out.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" '
                   f'height="{BAR - 3}" fill="{COLORS[tunnel]}"/>')
        out.append(text(LEFT + length + 5, y + BAR - 3, f"{value:,.0f}"))
        y += BAR
    return out, y + GAP


def svg(kernel, groups):
    """groups: {group: {tunnel: instructions}}, in the order to be shown."""
    body = [text(8, 18, f"Instructions per packet, Linux {kernel}"
                 " (tcp-gso: per KiB)", font_weight="bold", font_size="14")]
    y = TOP
    for group, values in groups.items():
        elements, y = block(y, group, values)
        body += elements
    return "\n".join([
        "<!-- SPDX-License-Identifier: GPL-2.0 -->",
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
        f'height="{y}" font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{y}" fill="white"/>',
        *body, "</svg>", ""])
