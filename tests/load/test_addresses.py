from random import Random

import pytest

from smppd.load.addresses import (
    Numbers,
    Range,
    Rows,
    dealt,
    dealt_rows,
    octets_of,
    parse_range,
    source_octets,
    source_type,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("447700900000", Range(447700900000, 1, 12)),
        ("+447700900000", Range(447700900000, 1, 12)),
        ("0044", Range(44, 1, 4)),
        ("447700900000-447700900999", Range(447700900000, 1000, 12)),
        ("+4477 - +4478", Range(4477, 2, 4)),
        ("447700900xxx", Range(447700900000, 1000, 12)),
        ("xx", Range(0, 100, 2)),
        ("447700900000*1000", Range(447700900000, 1000, 12)),
        ("0998*2", Range(998, 2, 4)),
    ],
)
def test_ranges(text: str, expected: Range) -> None:
    assert parse_range(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("12-3", "same number of digits"),
        ("9-1", "backwards"),
        ("5*0", "empty"),
        ("98*3", "more digits than the first"),
        ("1-9999999999999", "same number"),
        ("0000000000000-9999999999999", "more than 1000000000000 numbers"),
        ("1234567890123456789xx", "more than 20 digits"),
        ("", "^$"),
        ("+", "^$"),
        ("44a", "^$"),
        ("4x4", "^$"),
    ],
)
def test_what_is_no_range(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_range(text)


@pytest.mark.parametrize(
    ("address", "ton", "npi", "octets"),
    [
        ("", 0, 0, b""),
        ("MyBank", 5, 0, b"MyBank"),
        ("60300", 3, 0, b"60300"),
        ("+60300", 1, 1, b"60300"),
        ("123456", 3, 0, b"123456"),
        ("1234567", 1, 1, b"1234567"),
        ("+447700900999", 1, 1, b"447700900999"),
        ("3D Print", 5, 0, b"3D Print"),
    ],
)
def test_senders_are_what_they_look_like(address: str, ton: int, npi: int, octets: bytes) -> None:
    assert source_type(address) == (ton, npi)
    assert source_octets(address) == octets


POOLS = {
    "one range": ["447700900000-447700900999"],
    "several": ["100-250", "300", "400", "0500*3"],
    "even numbers": ["2", "4", "6", "8", "10"],
}


@pytest.mark.parametrize("texts", POOLS.values(), ids=list(POOLS))
@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_workers_share_all_numbers_and_meet_at_none(texts: list[str], workers: int) -> None:
    ranges = [parse_range(text) for text in texts]
    shares = [list(octets_of(dealt(ranges, worker, workers))) for worker in range(workers)]
    assert all(shares)
    together = sorted(number for share in shares for number in share)
    assert together == sorted(octets_of(ranges))
    rows = [number.decode() for number in octets_of(ranges)]
    of_rows = [[rows[index].encode() for index in dealt_rows(rows, worker, workers)] for worker in range(workers)]
    assert sorted(number for share in of_rows for number in share) == together
    assert all(of_rows)


def test_kinds_that_share_numbers_deal_them_alike() -> None:
    one = dealt([parse_range("447700900000*1000")], 1, 3)
    other = dealt([parse_range("447700900500*1000")], 1, 3)
    rows = [str(447700900000 + n) for n in range(1, 900)]
    from_file = {rows[index].encode() for index in dealt_rows(rows, 2, 3)}
    assert {int(number) % 3 for number in (*octets_of(one), *octets_of(other))} == {1}
    assert from_file.isdisjoint(octets_of(one))


def test_rows_of_one_number_stay_together() -> None:
    rows = ["2", "4", "2", "6", "4", "8"]
    shares = [{rows[index] for index in dealt_rows(rows, worker, 2)} for worker in range(2)]
    assert shares == [{"2", "6"}, {"4", "8"}]


def test_too_few_numbers_are_for_all() -> None:
    ranges = [parse_range("447700900000")]
    assert [dealt(ranges, worker, 4) for worker in range(4)] == [ranges] * 4
    assert dealt_rows(["1", "2", "1"], 3, 4) == [0, 1, 2]


def test_sequential_numbers_go_round() -> None:
    numbers = Numbers([Range(8, 2, 2), Range(100, 2, 3, 10)], None)
    assert numbers.size == 4
    assert [numbers.draw()[0] for _ in range(6)] == [b"08", b"09", b"100", b"110", b"08", b"09"]


def test_random_numbers_are_all_of_the_pool() -> None:
    numbers = Numbers([Range(8, 2, 2), Range(100, 2, 3)], Random(1))
    drawn = [numbers.draw()[0] for _ in range(200)]
    assert set(drawn) == {b"08", b"09", b"100", b"101"}
    assert drawn != sorted(drawn)


def test_rows_come_with_their_numbers() -> None:
    rows = Rows(["1", "2"], None)
    assert rows.size == 2
    assert [rows.draw() for _ in range(3)] == [(b"1", 0), (b"2", 1), (b"1", 0)]
    anywhere = Rows(["1", "2"], Random(1))
    assert {anywhere.draw() for _ in range(50)} == {(b"1", 0), (b"2", 1)}
