"""Read the handwritten numbers in a photograph.

    python examples/read_photograph.py photo.jpg
    python examples/read_photograph.py             # an image made of MNIST digits, dim on its right side

Prints each line of text, then every number with its place in the picture and how sure the reader is of each digit.
"""

import argparse

import numpy as np

import lenet5


def made_page():
    """Return grey paper, (200, 400) uint8, with two numbers of four digits, and a shadow on its right."""
    digits = lenet5.data("mnist", "test").images
    ink = np.zeros((200, 400))
    for index in range(8):
        row, column = divmod(index, 4)
        top, left = 40 + 80 * row, 60 + 40 * column
        ink[top : top + 28, left : left + 28] = digits[index] / 255
    light = np.linspace(230, 120, 400)  # of the paper, from left to right
    return (light * (1 - 0.8 * ink)).astype(np.uint8)


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("photo", nargs="?", help="a picture; without it one is made")
given = parser.parse_args()

page = lenet5.load("digits-large").read(given.photo or made_page())
print(page.text)
for line in page.lines:
    for number in line.numbers:
        sure = ", ".join(f"{100 * digit.answers[0].probability:.0f} %" for digit in number.digits)
        print(f"{number.text} at {number.box}: {sure}")
