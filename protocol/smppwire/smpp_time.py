"""Times of SMPP: absolute and relative, between their 16 characters and ``datetime`` (SMPP 3.4, 7.1.1).

A time is ``YYMMDDhhmmsstnnp``: two digits each for year, month, day, hour, minute and second, one digit of tenths,
``nn`` quarter hours between local time and UTC, and ``p``, which is ``+`` (local time is ahead of UTC), ``-`` (behind)
or ``R`` (the digits are a duration, counted from the time of the SMSC). The empty string means "now" or "the default".

Three readings that the specification leaves open, and ours:

* The year has two digits: 38 to 99 are 1938 to 1999, 00 to 37 are 2000 to 2037 (SMPP 3.4 appendix C).
* In a relative time, hours, minutes and seconds above 23, 59 and 59 are accepted (``99`` hours is seen in the wild),
  months above 12 and days above 31 are not; the tenths and ``nn`` are ignored.
* Relative years and months are calendar arithmetic: one month after 31 January is the last day of February.

``check_time`` says whether ``parse_time`` will succeed, without building anything: it is the one for the hot path.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

from smppwire.errors import TextError

YEAR_PIVOT = 38
"""Two-digit years from here on belong to the 1900s (SMPP 3.4 appendix C)."""

MAX_OFFSET_QUARTERS = 48
"""Largest difference between local time and UTC, in quarters of an hour (SMPP 3.4, 7.1.1.1)."""

MAX_RELATIVE_MONTHS = 12
"""Largest month field of a relative time."""

MAX_RELATIVE_DAYS = 31
"""Largest day field of a relative time."""

# Every year that ends in a multiple of four is a leap year between 1938 and 2037 (2000 is one), so one pattern can tell
# whether a day exists. A request with a time that is no date is refused without an exception being built.
_DAY_OF_YEAR = (
    rb"(?:\d\d(?:(?:0[13578]|1[02])(?:0[1-9]|[12]\d|3[01])"
    rb"|(?:0[469]|11)(?:0[1-9]|[12]\d|30)"
    rb"|02(?:0[1-9]|1\d|2[0-8]))"
    rb"|(?:[02468][048]|[13579][26])0229)"
)
_CLOCK = rb"(?:[01]\d|2[0-3])[0-5]\d[0-5]\d"
_ABSOLUTE = re.compile(_DAY_OF_YEAR + _CLOCK + rb"\d(?:[0-3]\d|4[0-8])[+-]")
_RELATIVE = re.compile(rb"\d\d(?:0\d|1[0-2])(?:[0-2]\d|3[01])\d{9}R")
_SHORT = re.compile(_DAY_OF_YEAR + _CLOCK)
_ANY_TIME = re.compile(rb"(?:" + _ABSOLUTE.pattern + rb"|" + _RELATIVE.pattern + rb")").fullmatch


class SmppTimeError(TextError):
    """A time that does not follow SMPP 3.4, 7.1.1, or a moment that cannot be written in that form."""


class RelativeTime(NamedTuple):
    """A duration as a relative time states it (SMPP 3.4, 7.1.1.2). Months vary, so it has no length of its own."""

    years: int = 0
    months: int = 0
    days: int = 0
    hours: int = 0
    minutes: int = 0
    seconds: int = 0

    def after(self, now: datetime) -> datetime:
        """The moment this much after ``now``: years and months on the calendar (the day clipped), then the rest.

        Raises ``SmppTimeError`` when that is after the year 9999.
        """
        months = now.month - 1 + self.months
        year = now.year + self.years + months // 12
        month = months % 12 + 1
        try:
            moved = now.replace(year=year, month=month, day=min(now.day, monthrange(year, month)[1]))
            return moved + timedelta(days=self.days, hours=self.hours, minutes=self.minutes, seconds=self.seconds)
        except (ValueError, OverflowError) as error:
            raise SmppTimeError(f"{self} after {now} is beyond the calendar") from error


def check_time(octets: bytes) -> bool:
    """Whether ``octets`` (without the NUL) is empty, an absolute or a relative time: when ``parse_time`` succeeds."""
    return not octets or _ANY_TIME(octets) is not None


def parse_time(text: bytes | str, now: datetime) -> datetime | None:
    """The moment in UTC that a schedule_delivery_time, validity_period or final_date names; None for the empty string.

    ``now`` is the time of the SMSC, from which relative times count; it must be aware.
    Raises ``SmppTimeError`` for anything that is neither form, or a date that does not exist.
    """
    octets = _octets(text)
    if not octets:
        return None
    if octets.endswith(b"R"):
        return parse_relative(octets).after(now).astimezone(UTC)
    return parse_absolute(octets).astimezone(UTC)


def parse_absolute(text: bytes | str) -> datetime:
    """The moment of an absolute time, in the zone the text itself states (a fixed offset). Raises ``SmppTimeError``."""
    octets = _octets(text)
    if _ABSOLUTE.fullmatch(octets) is None:
        raise SmppTimeError(f"{text!r} is no absolute time YYMMDDhhmmsstnn+ or -")
    quarters = int(octets[13:15])
    zone = timezone(timedelta(minutes=15 * (quarters if octets.endswith(b"+") else -quarters)))
    return _moment(octets, zone).replace(microsecond=int(octets[12:13]) * 100_000)


def parse_relative(text: bytes | str) -> RelativeTime:
    """The parts of a relative time. Raises ``SmppTimeError``."""
    octets = _octets(text)
    if _RELATIVE.fullmatch(octets) is None:
        raise SmppTimeError(f"{text!r} is no relative time YYMMDDhhmmss000R")
    return RelativeTime(*_pairs(octets))


def parse_final_date(text: bytes | str, zone: tzinfo = UTC) -> datetime | None:
    """The moment of a final_date in UTC; None when empty, that is, while the message is not final.

    Besides the absolute time this accepts the twelve characters ``YYMMDDhhmmss``, which SMPP 3.4's note to section
    7.1.1 and SMPP 3.3 allow for times reported by the SMSC; they are local time in ``zone``. Raises ``SmppTimeError``.
    """
    octets = _octets(text)
    if not octets:
        return None
    if _SHORT.fullmatch(octets) is not None:
        return _moment(octets, zone).astimezone(UTC)
    return parse_absolute(octets).astimezone(UTC)


def format_absolute(moment: datetime, offset_quarters: int = 0) -> bytes:
    """``moment`` as an absolute time, in the local time ``offset_quarters`` quarter hours ahead of UTC (-48 to 48).

    Fractions below a tenth of a second are cut. Raises ``SmppTimeError`` when ``moment`` is not aware, when its local
    year is not within 1938 to 2037, or when the offset is out of range.
    """
    if not -MAX_OFFSET_QUARTERS <= offset_quarters <= MAX_OFFSET_QUARTERS:
        raise SmppTimeError(f"offset of {offset_quarters} quarter hours is not within -48 to 48")
    if moment.tzinfo is None:
        raise SmppTimeError(f"{moment} has no time zone")
    local = moment.astimezone(timezone(timedelta(minutes=15 * offset_quarters)))
    if not 1900 + YEAR_PIVOT <= local.year < 2000 + YEAR_PIVOT:
        raise SmppTimeError(f"year {local.year} has no two-digit form; 1938 to 2037 have")
    sign = "-" if offset_quarters < 0 else "+"
    return f"{local:%y%m%d%H%M%S}{local.microsecond // 100_000}{abs(offset_quarters):02}{sign}".encode()


def format_relative(duration: timedelta | RelativeTime) -> bytes:
    """``duration`` as a relative time; fractions of a second are cut.

    A ``timedelta`` is written in days, hours, minutes and seconds, as its months would have no fixed length. Raises
    ``SmppTimeError`` when a part does not fit its two digits (a ``timedelta``: when negative, or 32 days or more).
    """
    parts = duration if isinstance(duration, RelativeTime) else _split(duration)
    if min(parts) < 0 or max(parts) > 99 or parts.months > MAX_RELATIVE_MONTHS or parts.days > MAX_RELATIVE_DAYS:
        raise SmppTimeError(f"{duration!r} does not fit a relative time")
    return b"%02d%02d%02d%02d%02d%02d000R" % parts


def _octets(text: bytes | str) -> bytes:
    """``text`` as octets; characters outside ASCII become ``?``, which is in no time."""
    return text.encode("ascii", "replace") if isinstance(text, str) else text


def _pairs(octets: bytes) -> tuple[int, int, int, int, int, int]:
    """The six two-digit numbers at the front."""
    return (
        int(octets[0:2]),
        int(octets[2:4]),
        int(octets[4:6]),
        int(octets[6:8]),
        int(octets[8:10]),
        int(octets[10:12]),
    )


def _moment(octets: bytes, zone: tzinfo) -> datetime:
    """The moment of twelve digits that a pattern has already found to be a date and a clock time."""
    year, month, day, hour, minute, second = _pairs(octets)
    century = 1900 if year >= YEAR_PIVOT else 2000
    return datetime(century + year, month, day, hour, minute, second, tzinfo=zone)


def _split(duration: timedelta) -> RelativeTime:
    """A ``timedelta`` in days, hours, minutes and seconds."""
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return RelativeTime(days=duration.days, hours=hours, minutes=minutes, seconds=seconds)
