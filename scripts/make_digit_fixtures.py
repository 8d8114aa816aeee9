#!/usr/bin/python3
"""Write test/digits/my0.png ... my9.png, a digit in every kind of PNG, and blank.png.

Run by hand from the top of the repository; the results are committed. Digits are strokes of a round
pen; 8 bits a sample, black on white, unless said otherwise below.
"""

import math
import os
import random
import struct
import zlib

FOLDER = "test/digits"
PI = math.pi


def arc(x, y, rx, ry, begin, end, n=24):
    angles = [begin + (end - begin) * i / n for i in range(n + 1)]
    return [(x + rx * math.cos(a), y + ry * math.sin(a)) for a in angles]


# In the unit square, y downwards; angles from the right, clockwise.
STROKES = [
    [arc(.5, .5, .22, .32, 0, 2 * PI)],
    [[(.42, .3), (.52, .18), (.5, .82)]],
    [arc(.5, .36, .18, .18, -PI, .3) + [(.32, .8), (.72, .8)]],
    [arc(.48, .34, .17, .16, -.9 * PI, .5 * PI) + arc(.48, .65, .2, .16, -.5 * PI, .85 * PI)],
    [[(.58, .18), (.3, .6), (.75, .6)], [(.6, .4), (.57, .84)]],
    [[(.7, .2), (.4, .2), (.38, .46)] + arc(.49, .63, .19, .19, -.6 * PI, .8 * PI)],
    [[(.6, .17), (.4, .4)] + arc(.5, .64, .17, .18, -.85 * PI, 1.2 * PI)],
    [[(.28, .22), (.7, .2), (.45, .82)]],
    [arc(.5, .34, .14, .15, .5 * PI, 2.5 * PI) + arc(.5, .66, .18, .17, -.5 * PI, 1.5 * PI)],
    [arc(.5, .36, .17, .17, 0, 2 * PI) + [(.66, .4), (.6, .83)]],
]


def distance(x, y, a, b):
    dx, dy = b[0] - a[0], b[1] - a[1]
    t = max(0, min(1, ((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy or 1)))
    return math.hypot(x - a[0] - t * dx, y - a[1] - t * dy)


def draw(digit, width, height, pen=.045, left=0, top=0, scale=1):
    """Rows of ink from 0 to 1."""
    side = min(width, height) * scale
    segments = [pair for stroke in STROKES[digit] for pair in zip(stroke, stroke[1:])]
    return [[max(0, min(1, .5 + side * (pen - min(distance((x + .5) / side - left,
                                                           (y + .5) / side - top, a, b)
                                                  for a, b in segments))))
             for x in range(width)] for y in range(height)]


def chunk(kind, data):
    return (struct.pack(">I", len(data)) + kind + data +
            struct.pack(">I", zlib.crc32(kind + data)))


def save(name, ink, depth, colour_type, row_bytes, palette=b""):
    header = struct.pack(">IIBBBBB", len(ink[0]), len(ink), depth, colour_type, 0, 0, 0)
    raw = b"".join(b"\0" + row_bytes(row) for row in ink)
    with open(os.path.join(FOLDER, name), "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette +
                   chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))


def grey(paper, ink, noise=0):
    def row_bytes(row):
        levels = (paper + (ink - paper) * v + random.gauss(0, noise) for v in row)
        return bytes(max(0, min(255, round(level))) for level in levels)
    return row_bytes


def bits(row):
    text = "".join("0" if v > .5 else "1" for v in row)
    return bytes(int(text[i:i + 8].ljust(8, "1"), 2) for i in range(0, len(row), 8))


def main():
    random.seed(4)
    os.makedirs(FOLDER, exist_ok=True)
    save("my0.png", draw(0, 120, 90), 8, 0, grey(240, 20))
    save("my1.png", draw(1, 28, 28), 8, 0, grey(0, 255))  # white on black
    save("my2.png", draw(2, 100, 100), 1, 0, bits)
    save("my3.png", draw(3, 75, 100, .04, .1, .3), 8, 2,  # dark blue on cream
         lambda row: b"".join(bytes(round(p + (i - p) * v) for p, i in
                                    ((245, 30), (235, 40), (210, 130))) for v in row))
    palette = bytes(c for i in range(16) for c in (10 + 16 * i, 60 + 12 * i, 30))
    save("my4.png", draw(4, 96, 96, .05), 4, 3,  # yellow on dark green, from a palette
         lambda row: bytes(round(a * 15) << 4 | round(b * 15) for a, b in zip(row[::2], row[1::2])),
         chunk(b"PLTE", palette))
    save("my5.png", draw(5, 80, 80, .05), 8, 6,  # black on nothing
         lambda row: b"".join(bytes((0, 0, 0, round(255 * v))) for v in row))
    save("my6.png", draw(6, 80, 80, .05), 16, 4,  # white on nothing
         lambda row: b"".join(struct.pack(">HH", 65535, round(65535 * v)) for v in row))
    save("my7.png", draw(7, 64, 200, .05), 16, 0,
         lambda row: b"".join(struct.pack(">H", round(60000 - 52000 * v)) for v in row))
    save("my8.png", draw(8, 120, 120, scale=.5, left=.8, top=.7), 8, 0, grey(190, 90, 6))  # a corner
    save("my9.png", draw(9, 60, 60, .02), 8, 0, grey(255, 0))  # a thin pen
    save("blank.png", [[0] * 40] * 30, 8, 0, grey(230, 0, 3))


main()
