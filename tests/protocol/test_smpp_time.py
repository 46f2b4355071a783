"""Times of SMPP: against agreed results of other libraries, the calendar and each other."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smppwire.smpp_time import (
    RelativeTime,
    SmppTimeError,
    check_time,
    format_absolute,
    format_relative,
    parse_absolute,
    parse_final_date,
    parse_relative,
    parse_time,
)

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
DIGITS = st.text("0123456789", min_size=15, max_size=15)
LOCAL_LIMITS = (datetime(1938, 1, 2), datetime(2037, 12, 30))  # noqa: DTZ001 - hypothesis adds the zone
NEARLY_TIMES = st.one_of(
    st.binary(max_size=20),
    st.builds(lambda digits, p: (digits + p).encode(), DIGITS, st.sampled_from("+-R")),
    st.builds(
        lambda month, day, rest, p: f"24{month:02}{day:02}{rest}{p}".encode(),
        st.integers(0, 13),
        st.integers(0, 32),
        st.sampled_from(["235959948", "000000000", "240000000", "006000000", "000060000", "000000049"]),
        st.sampled_from("+-Rr"),
    ),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("170610233429004+", datetime(2017, 6, 10, 22, 34, 29, tzinfo=UTC)),
        ("020610233429008-", datetime(2002, 6, 11, 1, 34, 29, tzinfo=UTC)),
        ("111019080000017+", datetime(2011, 10, 19, 3, 45, tzinfo=UTC)),
        ("370101000000000+", datetime(2037, 1, 1, tzinfo=UTC)),
        ("380101000000000+", datetime(1938, 1, 1, tzinfo=UTC)),
        ("000229000000948-", datetime(2000, 2, 29, 12, 0, 0, 900_000, tzinfo=UTC)),
        ("000002000000000R", NOW + timedelta(hours=48)),
        ("000000990000000R", NOW + timedelta(hours=99)),
        ("000000000000999R", NOW),
        ("000100000000000R", datetime(2026, 2, 28, 12, tzinfo=UTC)),
        ("020100000000000R", datetime(2028, 2, 29, 12, tzinfo=UTC)),
        ("001201000000000R", datetime(2027, 2, 1, 12, tzinfo=UTC)),
        ("020610233429000R", datetime(2028, 8, 11, 11, 34, 29, tzinfo=UTC)),
    ],
)
def test_what_a_time_means(text: str, expected: datetime) -> None:
    assert parse_time(text, NOW) == expected
    assert parse_time(text.encode(), NOW) == expected
    assert parse_time(text, NOW.astimezone(ZoneInfo("Asia/Tokyo"))).utcoffset() == timedelta(0)


def test_no_time_is_none() -> None:
    assert parse_time("", NOW) is None
    assert parse_time(b"", NOW) is None
    assert parse_final_date(b"") is None
    assert check_time(b"")


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "000002000000000r",
        "0000020000AA000R",
        "001300000000000R",
        "000032000000000R",
        "000002000000000R\n",
        "170610233429049+",
        "170010233429000+",
        "171310233429000+",
        "170600233429000+",
        "170631233429000+",
        "170229000000000+",
        "000230000000000+",
        "170610240000000+",
        "170610006000000+",
        "170610000060000+",
        "170610233429000*",
        "170610233429",
        "1706102334290000000+",
        "١٧٠٦١٠٢٣٣٤٢٩٠٠٤+",
    ],
)
def test_what_is_no_time(text: str) -> None:
    assert not check_time(text.encode())
    with pytest.raises(SmppTimeError):
        parse_time(text, NOW)


@given(octets=NEARLY_TIMES)
def test_the_check_agrees_with_the_parser(octets: bytes) -> None:
    try:
        parse_time(octets, NOW)
    except SmppTimeError:
        assert not check_time(octets)
    else:
        assert check_time(octets)


@pytest.mark.parametrize("year", range(100))
def test_the_29th_of_february_exists_every_fourth_year(year: int) -> None:
    assert check_time(f"{year:02}0229000000000+".encode()) is (year % 4 == 0)


def test_an_absolute_time_keeps_its_own_zone() -> None:
    moment = parse_absolute("070927233429848-")
    assert moment.isoformat() == "2007-09-27T23:34:29.800000-12:00"


def test_relative_parts() -> None:
    assert parse_relative(b"020610233429000R") == RelativeTime(2, 6, 10, 23, 34, 29)
    assert format_relative(RelativeTime(2, 6, 10, 23, 34, 29)) == b"020610233429000R"
    assert format_relative(timedelta(hours=48)) == b"000002000000000R"
    assert format_relative(timedelta(days=31, hours=23, minutes=59, seconds=59, microseconds=9)) == b"000031235959000R"


@pytest.mark.parametrize(
    "duration",
    [timedelta(days=32), timedelta(seconds=-1), RelativeTime(100), RelativeTime(months=13), RelativeTime(hours=-1)],
)
def test_durations_that_do_not_fit_are_not_written(duration: timedelta | RelativeTime) -> None:
    with pytest.raises(SmppTimeError):
        format_relative(duration)


def test_a_relative_time_beyond_the_calendar_raises() -> None:
    for late in (RelativeTime(99), RelativeTime(days=31)):
        with pytest.raises(SmppTimeError):
            late.after(datetime(9999, 12, 31, tzinfo=UTC))


@given(
    moment=st.datetimes(*LOCAL_LIMITS, timezones=st.just(UTC)),
    quarters=st.integers(-48, 48),
)
def test_moments_come_back_to_the_tenth_of_a_second(moment: datetime, quarters: int) -> None:
    octets = format_absolute(moment, quarters)
    assert check_time(octets)
    assert parse_time(octets, NOW) == moment.replace(microsecond=moment.microsecond // 100_000 * 100_000)


@given(duration=st.timedeltas(timedelta(0), timedelta(days=31)).map(lambda d: timedelta(d.days, d.seconds)))
def test_durations_come_back(duration: timedelta) -> None:
    octets = format_relative(duration)
    assert check_time(octets)
    assert parse_time(octets, NOW) == NOW + duration


def test_moments_that_do_not_fit_are_not_written() -> None:
    for moment in (datetime(2038, 1, 1, tzinfo=UTC), datetime(1937, 12, 31, tzinfo=UTC), LOCAL_LIMITS[0]):
        with pytest.raises(SmppTimeError):
            format_absolute(moment)
    for quarters in (-49, 49):
        with pytest.raises(SmppTimeError, match="quarter"):
            format_absolute(NOW, quarters)


def test_final_dates_may_be_short() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert parse_final_date("170610233429") == datetime(2017, 6, 10, 23, 34, 29, tzinfo=UTC)
    assert parse_final_date(b"170610233429", berlin) == datetime(2017, 6, 10, 21, 34, 29, tzinfo=UTC)
    assert parse_final_date(b"170610233429004+", berlin) == datetime(2017, 6, 10, 22, 34, 29, tzinfo=UTC)
    for wrong in (b"170631233429", b"000002000000000R", b"1706102334"):
        with pytest.raises(SmppTimeError):
            parse_final_date(wrong)


def test_local_time_with_a_fixed_zone() -> None:
    zone = timezone(timedelta(hours=5, minutes=45))
    assert format_absolute(datetime(2026, 1, 1, 0, 0, tzinfo=zone), 23) == b"260101000000023+"
    assert format_absolute(datetime(2026, 1, 1, 0, 0, tzinfo=zone), -4) == b"251231171500004-"
