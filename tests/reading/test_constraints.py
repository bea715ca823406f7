import pytest

from lenet5.errors import ReadingError
from lenet5.reading.constraints import both, length, luhn, parse, pattern


@pytest.mark.parametrize("number", ["4539578763621486", "79927398713", "18", "0"])
def test_luhn_allows_right_check_digits(number: str) -> None:
    assert luhn().allows(number)


@pytest.mark.parametrize("number", ["4539578763621487", "79927398710", "81", ""])
def test_luhn_refuses_wrong_check_digits(number: str) -> None:
    assert not luhn().allows(number)


def test_luhn_agrees_with_the_sum_written_out() -> None:
    def right(number: str) -> bool:
        values = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
        return sum(value // 10 + value % 10 for value in values) % 10 == 0

    rule = luhn()
    assert all(rule.allows(str(number)) == right(str(number)) for number in range(3000))


def test_length_counts_digits() -> None:
    assert [length(2, 3).allows("1" * count) for count in range(5)] == [False, False, True, True, False]


def test_pattern_fixes_digits() -> None:
    rule = pattern("20##")
    assert rule.allows("2026")
    assert not rule.allows("1998")
    assert not rule.allows("202")


def test_both_wants_both() -> None:
    rule = both(luhn(), pattern("1#"))
    assert [number for number in range(100) if rule.allows(str(number))] == [18]


def test_words_make_constraints() -> None:
    rule = parse("length 2..4, luhn")
    assert rule.allows("18")
    assert not rule.allows("0")
    assert not rule.allows("19")
    assert parse('pattern "20##"').allows("2026")


@pytest.mark.parametrize("text", ["", "length", "length 3..2", "length x", "pattern 2x", "length 0", "check", "luhn,"])
def test_other_words_are_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(ReadingError, match="expected"):
        parse(text)
