"""Constraints on numbers, as automata over digits: a length, a pattern, a check digit.

A constraint is composed with the lattice of a number (LeCun 1998, section VIII: transducers): only paths whose digits
lead from its first state to a final one count. Two constraints together are their product, `both`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lenet5.errors import ReadingError

DEAD = -1
LONGEST = 200  # digits in a length or pattern


@dataclass(frozen=True, eq=False)
class Constraint:
    """A deterministic automaton; it starts in state 0.

    table  (states, 10) int: the state after each digit, -1 where the digit is not allowed
    final  (states,) bool: whether a number may end there
    said   for a person
    """

    table: NDArray[np.int64]
    final: NDArray[np.bool_]
    said: str

    def allows(self, number: str) -> bool:
        """Return whether a string of digits fulfils the constraint."""
        state = 0
        for digit in number:
            state = int(self.table[state, int(digit)])
            if state == DEAD:
                return False
        return bool(self.final[state])


def anything() -> Constraint:
    """Return the constraint that every number fulfils."""
    return Constraint(np.zeros((1, 10), np.int64), np.ones(1, bool), "any number")


def length(least: int, most: int) -> Constraint:
    """Return the constraint of numbers of `least` to `most` digits. Raises ReadingError."""
    if not 1 <= least <= most <= LONGEST:
        raise ReadingError(f"length {least}..{most}: expected 1 <= least <= most <= {LONGEST}, as in length 4..6.")
    table = np.tile(np.append(np.arange(1, most + 1), DEAD)[:, None], (1, 10))
    return Constraint(table, np.arange(most + 1) >= least, f"length {least}..{most}")


def pattern(text: str) -> Constraint:
    """Return the constraint of numbers like "20##": each # any digit. Raises ReadingError."""
    if not text or len(text) > LONGEST or not set(text) <= set("0123456789#"):
        raise ReadingError(f'pattern "{text}": expected 1 to {LONGEST} digits and # for any digit, as in "20##".')
    table = np.full((len(text) + 1, 10), DEAD, np.int64)
    for place, sign in enumerate(text):
        table[place, slice(None) if sign == "#" else int(sign)] = place + 1
    return Constraint(table, np.arange(len(text) + 1) == len(text), f'pattern "{text}"')


def luhn() -> Constraint:
    """Return the constraint of numbers with a right check digit as bank cards have it (ISO/IEC 7812-1).

    From the right, every second digit counts twice (less 9 where that has two digits); the sum must end in 0. From the
    left nobody knows yet which these are, so a state holds both sums: where the last digit so far is the number's
    last, and where it is not.
    """
    digits = np.arange(10)
    twice = 2 * digits - 9 * (digits > 4)
    last, other = np.divmod(np.arange(100), 10)
    # The next digit is the last: it counts once, and the one before it, till now last, becomes one that counts twice.
    table = 10 * ((other[:, None] + digits) % 10) + (last[:, None] + twice) % 10
    # State 100 stands for the start, where the sums are 0 as in state 0, but where no number may end.
    table, final = np.vstack([table, table[:1]]), np.append(last == 0, False)
    order = np.append(100, np.arange(100))
    return Constraint(table[order] + 1, final[order], "luhn")


def both(one: Constraint, other: Constraint) -> Constraint:
    """Return the constraint of numbers that fulfil two."""
    many = len(other.final)
    first, second = one.table[:, None], other.table[None]
    table = np.where((first == DEAD) | (second == DEAD), DEAD, first * many + second).reshape(-1, 10)
    return Constraint(table, (one.final[:, None] & other.final).ravel(), f"{one.said}, {other.said}")


def wanted(length: int | str | None = None, pattern: str | None = None, luhn: bool = False) -> Constraint | None:
    """Return the constraint of the options of `read`, None without any.

    length   5, "5" or "4..6"
    pattern  "20##"
    luhn     whether numbers end in Luhn's check digit

    Raises ReadingError.
    """
    clauses = [f"length {length}"] * (length is not None) + [f"pattern {pattern}"] * (pattern is not None)
    clauses += ["luhn"] * luhn
    return parse(", ".join(clauses)) if clauses else None


def parse(text: str) -> Constraint:
    """Return the constraint of a text: `length 4..6`, `length 5`, `pattern 20##` or `luhn`; commas part several.

    Raises ReadingError.
    """
    found: Constraint | None = None
    for clause in text.split(","):
        each = _clause(clause)
        found = each if found is None else both(found, each)
    assert found is not None  # split gives at least one clause
    return found


def _clause(text: str) -> Constraint:
    words = text.split()
    if words == ["luhn"]:
        return luhn()
    if len(words) == 2 and words[0] == "pattern":
        return pattern(words[1].strip("\"'"))
    if len(words) == 2 and words[0] == "length":
        least, _, most = words[1].partition("..")
        if all(number.isascii() and number.isdigit() and len(number) < 4 for number in (least, most or least)):
            return length(int(least), int(most or least))
    raise ReadingError(f'constraint "{text.strip()}": expected length 4..6, pattern 20## or luhn.')
