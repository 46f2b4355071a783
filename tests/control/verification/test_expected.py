import pytest

from smppd.control.failures import InvalidError
from smppd.control.verification.expected import Expected


def test_numbers_are_judged() -> None:
    assert Expected().allows(0)
    assert [Expected(exactly=2).allows(count) for count in (1, 2, 3)] == [False, True, False]
    assert [Expected(at_least=2, at_most=3).allows(count) for count in (1, 2, 3, 4)] == [False, True, True, False]


def test_too_few_are_told_from_too_many() -> None:
    assert Expected(exactly=2).exceeds(1)
    assert not Expected(exactly=2).exceeds(3)
    assert Expected(at_least=2).exceeds(1)
    assert not Expected(at_most=2).exceeds(0)


def test_in_words() -> None:
    assert str(Expected(exactly=2)) == "exactly 2"
    assert str(Expected(at_least=1, at_most=3)) == "at least 1 and at most 3"
    assert str(Expected()) == ""


@pytest.mark.parametrize(
    ("expected", "path"),
    [
        (Expected(exactly=2, at_least=1), "exactly"),
        (Expected(exactly=2, at_most=2), "exactly"),
        (Expected(at_least=3, at_most=2), "at_most"),
    ],
)
def test_what_no_number_can_be_is_refused(expected: Expected, path: str) -> None:
    with pytest.raises(InvalidError) as caught:
        expected.check()
    assert [where for where, _ in caught.value.problems] == [path]
    Expected(at_least=2, at_most=2).check()
