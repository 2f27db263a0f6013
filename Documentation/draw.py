#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Draws a picture of characters as SVG.

usage: draw.py FILE.txt >FILE.svg

Lines are made of "-" and "|" with "+" where they meet, arrows end in one of
"<", ">", "^" and "v"; a ":" is a dotted line. Everything else is text. Which
of the two a character is depends on its neighbours, so that tx-no-sa is text.
The colours suit light and dark backgrounds.
"""

import html
import sys

WIDTH, HEIGHT = 8, 18
COLOR = "#7a869a"
SIDES = {"-": "EW", "|": "NS", ":": "NS", "+": "NESW", ">": "W", "<": "E",
         "^": "S", "v": "N"}
STEP = {"N": (0, -1), "E": (1, 0), "S": (0, 1), "W": (-1, 0)}
BACK = {"N": "S", "S": "N", "E": "W", "W": "E"}


class Picture:
    def __init__(self, text):
        self.rows = text.expandtabs().rstrip("\n").split("\n")

    def at(self, x, y):
        row = self.rows[y] if 0 <= y < len(self.rows) else ""
        return row[x] if 0 <= x < len(row) else " "

    def joins(self, x, y, side):
        """Whether the characters on both sides of an edge reach for it."""
        dx, dy = STEP[side]
        return (side in SIDES.get(self.at(x, y), "") and
                BACK[side] in SIDES.get(self.at(x + dx, y + dy), ""))

    def is_line(self, x, y):
        """A ":" or "v" in a word has its like only by chance."""
        return any(self.joins(x, y, side) for side in "NESW")

    def strokes(self):
        for y, row in enumerate(self.rows):
            for x, char in enumerate(row):
                if char == " " or not self.is_line(x, y):
                    continue
                for side in "NESW":
                    if self.joins(x, y, side):
                        yield x, y, side, char
                if char in "<>^v":
                    yield x, y, "head", char

    def words(self):
        """Runs of text; two spaces separate, as columns may."""
        for y, row in enumerate(self.rows):
            run, start = "", 0
            for x in range(len(row) + 2):
                char = self.at(x, y)
                text = char != " " and not self.is_line(x, y)
                if text:
                    start = start if run else x
                    run += char
                elif run and char == " " and not run.endswith(" "):
                    run += " "
                elif run:
                    yield start, y, run.rstrip()
                    run = ""
            if run:
                yield start, y, run.rstrip()


def stroke(x, y, side, char):
    mid_x, mid_y = x * WIDTH + WIDTH / 2, y * HEIGHT + HEIGHT / 2
    if side == "head":
        tip = {">": (4, 0), "<": (-4, 0), "^": (0, -6), "v": (0, 6)}[char]
        wing = (tip[1] * 0.6, tip[0] * 0.6)
        points = ((tip[0], tip[1]), (wing[0] - tip[0], wing[1] - tip[1]),
                  (-wing[0] - tip[0], -wing[1] - tip[1]))
        path = " ".join(f"{mid_x + a:g},{mid_y + b:g}" for a, b in points)
        return f'<polygon points="{path}" fill="{COLOR}"/>'
    dx, dy = STEP[side]
    dots = ' stroke-dasharray="2 3"' if char == ":" else ""
    return (f'<line x1="{mid_x:g}" y1="{mid_y:g}" '
            f'x2="{mid_x + dx * WIDTH / 2:g}" y2="{mid_y + dy * HEIGHT / 2:g}" '
            f'stroke="{COLOR}"{dots}/>')


def draw(text):
    picture = Picture(text)
    width = max(len(row) for row in picture.rows) * WIDTH
    height = len(picture.rows) * HEIGHT
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" '
           f'height="{height}" viewBox="0 0 {width} {height}" '
           f'font-family="monospace" font-size="13" fill="{COLOR}">')
    for found in picture.strokes():
        yield stroke(*found)
    for x, y, words in picture.words():
        yield (f'<text x="{x * WIDTH}" y="{y * HEIGHT + HEIGHT * 0.72:g}" '
               f'textLength="{len(words) * WIDTH}">{html.escape(words)}</text>')
    yield "</svg>"


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as source:
        print("\n".join(draw(source.read())))
