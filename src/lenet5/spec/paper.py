"""Constants of LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition" (1998).

Page numbers refer to the 46-page preprint. Tables and figures are drawn as in the paper, for comparison by eye.
"""

# f(a) = A tanh(S a), equation 6 and appendix A (p. 8, 40): f(1) = 1 and f(-1) = -1, where the curvature is largest.
SQUASH_AMPLITUDE = 1.7159
SQUASH_SLOPE = 2 / 3

# Table I (p. 8): X where the map of C3 in this column is connected to the map of S2 in this row.
TABLE_1 = """\
X...XXX..XXXX.XX
XX...XXX..XXXX.X
XXX...XXX..X.XXX
.XXX..XXXX..X.XX
..XXX..XXXX.XX.X
...XXX..XXXX.XXX
"""

# Figure 3 (p. 8): the 7x12 pictures of the digits 0 to 9 whose pixels, +1 for # and -1 for ., are the centres of the
# output units. The bars above 0, 2, 4 and 5 are in the figure: they distinguish the digits from similar letters.
CODES = """\
.#####.   ...##..   .#####.   #######   .#####.   .#####.   ..####.   #######   .#####.   .#####.
.......   ..###..   .......   .....##   .......   .......   .##....   .....##   ##...##   ##..###
..###..   .####..   .#####.   ....##.   .......   #######   ##.....   .....##   ##...##   ##...##
.##.##.   ...##..   ##...##   ...##..   .##..##   ##.....   ##.....   ....##.   ##...##   ##...##
##...##   ...##..   #....##   ..####.   .##..##   ##.....   ######.   ...##..   .#####.   ##..###
##...##   ...##..   ....##.   .....##   ###..##   .####..   ###..##   ...##..   ##...##   .######
##...##   ...##..   ..###..   .....##   ##...##   ..####.   ##...##   ..##...   ##...##   .....##
##...##   ...##..   .##....   .....##   ##...##   .....##   ##...##   ..##...   ##...##   .....##
.##.##.   ...##..   ##.....   ##...##   ##..###   ##...##   ###..##   ..##...   ##...##   ....##.
..###..   .######   #######   .#####.   .######   .#####.   .#####.   ..##...   .#####.   .####..
.......   .......   .......   .......   .....##   .......   .......   .......   .......   .......
.......   .......   .......   .......   .....##   .......   .......   .......   .......   .......
"""


def maps_seen(drawing: str = TABLE_1) -> tuple[tuple[int, ...], ...]:
    """Return for each column of a table the rows with an X; for Table I, the maps of S2 connected to each of C3."""
    rows = drawing.split()
    return tuple(tuple(row for row, line in enumerate(rows) if line[map_] == "X") for map_ in range(len(rows[0])))


def codes() -> tuple[tuple[int, ...], ...]:
    """Return the 10 codes of Figure 3, each of 84 numbers -1 or +1, row by row."""
    lines = [line.split() for line in CODES.splitlines()]
    return tuple(
        tuple(1 if pixel == "#" else -1 for line in lines for pixel in line[digit]) for digit in range(len(lines[0]))
    )
