"""How many there should be."""

from __future__ import annotations

from typing import NamedTuple

from smppd.control.failures import InvalidError


class Expected(NamedTuple):
    """What a number has to be; all that is given has to hold."""

    exactly: int | None = None
    at_least: int | None = None
    at_most: int | None = None

    def check(self) -> None:
        """Raise InvalidError when no number can be so."""
        if self.exactly is not None and (self.at_least is not None or self.at_most is not None):
            raise InvalidError([("exactly", "expected either exactly, or at_least and at_most")])
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise InvalidError([("at_most", f"expected at_least ({self.at_least}) or more, got {self.at_most}")])

    def allows(self, count: int) -> bool:
        """Whether a number is as expected."""
        return (
            (self.exactly is None or count == self.exactly)
            and (self.at_least is None or count >= self.at_least)
            and (self.at_most is None or count <= self.at_most)
        )

    def exceeds(self, count: int) -> bool:
        """Whether more were expected than there are."""
        return max(self.exactly or 0, self.at_least or 0) > count

    def __str__(self) -> str:
        words = {"exactly": self.exactly, "at least": self.at_least, "at most": self.at_most}
        return " and ".join(f"{word} {number}" for word, number in words.items() if number is not None)
