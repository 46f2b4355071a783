"""Patterns of addresses: the globs of routes and the address_range of binds.

Two small languages, because two communities write them. Routes use globs (``336*``, ``+4477?``, ``44[1-5]*``), the way
file names are matched. address_range is "UNIX regular expression notation" in SMPP 3.4 (5.2.7), which in the field
means anything from a plain number over ``44*`` to ``^(4477|4478)[0-9]{8}$``; :class:`AddressRange` reads all of these.

Nothing here backtracks: patterns come from peers, and matching must not be something they can make slow.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PATTERN_LENGTH: Final = 512
"""Characters of a pattern. address_range has 40 on the wire; configuration may list several alternatives."""

MAX_POSITIONS: Final = 512
"""Character positions of an address_range after repetitions are written out. ``[0-9]{15}`` takes 15; the bound keeps
``((9{40}){40}){40}`` from taking memory."""

MAX_BEGINNINGS: Final = 64
"""Literal beginnings an address_range is indexed by: a list of forty numbers has forty, ``4477[0-9]{8}`` ten with the
first of its digits; the bound keeps what ``[0-9]{15}`` spells out small."""

MAX_NESTING: Final = 20
"""Depth of groups in an address_range; as deep as 40 octets on the wire can go."""

WILDCARDS: Final = re.compile(r"[*?\[]")
"""What is not a plain character in a glob."""

TON_INTERNATIONAL: Final = 1
TON_ALPHANUMERIC: Final = 5
NPI_UNKNOWN: Final = 0
NPI_ISDN: Final = 1
"""Types of address and numbering plans that people mean (SMPP 3.4 sections 5.2.5 and 5.2.6)."""

_DIGITS: Final = frozenset(b"0123456789")
_QUANTIFIERS: Final = "*+?{"


def address_type(address: bytes) -> tuple[int, int]:
    """TON and NPI as people mean an address: digits are international, anything else is alphanumeric."""
    digits = address.removeprefix(b"+")
    if digits.isdigit():
        return TON_INTERNATIONAL, NPI_ISDN
    return TON_ALPHANUMERIC, NPI_UNKNOWN


def check_glob(pattern: str) -> None:
    """Raise ValueError, saying why, when ``pattern`` is not a glob that routes understand.

    ``*`` is any run of characters, ``?`` any one, ``[1-5]`` one of a class, ``[!1-5]`` one outside it.
    """
    if not pattern:
        raise ValueError('it is empty; "*" matches everything')
    _check_characters(pattern)
    at = 0
    while (start := pattern.find("[", at)) >= 0:
        end = pattern.find("]", start + 1)
        if end < 0:
            raise ValueError(f'the class that begins at character {start + 1} has no closing "]"')
        members = pattern[start + 1 : end].removeprefix("!")
        if not members:
            raise ValueError(f"the class at character {start + 1} is empty")
        _class_members(members)
        at = end + 1


def literal_prefix(pattern: str) -> str:
    """What every match of a glob begins with."""
    wildcard = WILDCARDS.search(pattern)
    return pattern if wildcard is None else pattern[: wildcard.start()]


def _check_characters(pattern: str) -> None:
    """Raise ValueError for a pattern that is too long or holds what no SMPP address holds."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise ValueError(f"it is longer than {MAX_PATTERN_LENGTH} characters")
    if not (pattern.isascii() and pattern.isprintable()):
        raise ValueError("it holds characters other than printable ASCII")


def _class_members(members: str) -> frozenset[int]:
    """What stands between the brackets of a class: characters and ranges; a ``-`` at either end means itself."""
    found: set[int] = set()
    at = 0
    while at < len(members):
        if at + 2 < len(members) and members[at + 1] == "-":
            first, last = ord(members[at]), ord(members[at + 2])
            if first > last:
                raise ValueError(f"the range {members[at : at + 3]} runs backwards")
            found.update(range(first, last + 1))
            at += 3
        else:
            found.add(ord(members[at]))
            at += 1
    return frozenset(found)


class AddressRangeError(ValueError):
    """An address_range that is not understood; the text says which part. A bind with it gets ESME_RBINDFAIL."""


class AddressRange:
    """The addresses an ESME serves, as address_range states them (SMPP 3.4, 5.2.7).

    Understood: plain characters; ``.``, ``\\d`` and classes (``[1-5]``, ``[^0]``); ``*``, ``+``, ``?``, ``{3}`` and
    ``{3,5}`` after those and after groups; groups and alternatives with ``|``, at the top also with ``,``. A ``*``
    after a plain character (or at the beginning) means "anything from here", as in ``44*``: nobody who writes that asks
    for a repeated 4. Without anchors the whole address must match; ``^4477`` leaves the end open and ``4477$`` the
    beginning. A backslash takes the meaning from the next character; a leading ``+`` is a plus sign.

    The empty text states no range: such a value is false, and every address matches.

    The expression becomes a position automaton whose states are the bits of one integer, so that matching takes one
    step per character of the address whatever the pattern is.
    """

    __slots__ = ("_default", "_final", "_first", "_follow", "_masks", "text")

    def __init__(self, text: str | bytes) -> None:
        """Read ``text``; raises AddressRangeError."""
        self.text = text.decode("latin-1") if isinstance(text, bytes) else text
        parser = _Parser(self.text)
        whole = parser.parse()
        self._first = whole.first
        self._final = whole.last
        self._follow = tuple(parser.follow)
        self._masks, self._default = _masks(parser.symbols)

    def __bool__(self) -> bool:
        """Whether a range is stated at all."""
        return self.text != ""

    def __repr__(self) -> str:
        return f"AddressRange({self.text!r})"

    def matches(self, address: bytes) -> bool:
        """Whether ``address`` (without its NUL) lies in the range."""
        if not self.text:
            return True
        possible = self._first
        reached = 0
        for octet in address:
            reached = possible & self._masks.get(octet, self._default)
            if not reached:
                return False
            possible = self._after(reached)
        return bool(reached & self._final)

    def beginnings(self) -> frozenset[bytes]:
        """Literals, at most MAX_BEGINNINGS, one of which each address of the range begins with: what to index it by.

        ``{b""}`` when there is nothing that all of them have in common.
        """
        settled: set[bytes] = set()
        growing = {b"": self._first} if self.text else {}
        while growing:
            whole: set[bytes] = set()
            longer: dict[bytes, int] = {}
            for beginning, possible in growing.items():
                if possible & self._default:
                    whole.add(beginning)  # any character may follow
                    continue
                for octet, mask in self._masks.items():
                    reached = possible & mask
                    if reached & self._final:
                        whole.add(beginning + bytes((octet,)))
                    elif reached:
                        longer[beginning + bytes((octet,))] = self._after(reached)
                if len(settled) + len(whole) + len(longer) > MAX_BEGINNINGS:
                    return frozenset((*settled, *growing))
            settled |= whole
            growing = longer
        return frozenset(settled or (b"",))

    def _after(self, reached: int) -> int:
        """The positions that may accept the character after these."""
        possible = 0
        for position in _bits(reached):
            possible |= self._follow[position]
        return possible


class _Fragment(NamedTuple):
    """A part of an expression: whether it matches nothing too, and the positions it can begin and end at (bits)."""

    nullable: bool
    first: int
    last: int


class _Symbol(NamedTuple):
    """What one position accepts: ``members``, or all other characters when ``negated``."""

    members: frozenset[int]
    negated: bool


_NOTHING: Final = _Fragment(nullable=True, first=0, last=0)
_ANY: Final = _Symbol(frozenset(), negated=True)


def _bits(mask: int) -> Iterator[int]:
    """The numbers of the bits set in ``mask``."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _masks(symbols: list[_Symbol]) -> tuple[dict[int, int], int]:
    """The positions that accept a character: for each one mentioned anywhere, and for all others."""
    default = sum(1 << position for position, symbol in enumerate(symbols) if symbol.negated)
    mentioned = frozenset[int]().union(*(symbol.members for symbol in symbols))
    masks = dict.fromkeys(mentioned, 0)
    for position, (members, negated) in enumerate(symbols):
        for octet in mentioned - members if negated else members:
            masks[octet] |= 1 << position
    return masks, default


class _Parser:
    """Recursive descent over an address_range, building the automaton (Glushkov's construction) on the way."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.symbols: list[_Symbol] = []
        self.follow: list[int] = []

    def parse(self) -> _Fragment:
        """Read everything; raises AddressRangeError."""
        try:
            _check_characters(self.text)
        except ValueError as error:
            raise AddressRangeError(str(error)) from None
        if not self.text:
            return _NOTHING
        whole = self._anchored()
        while self._take("|") or self._take(","):
            whole = _either(whole, self._anchored())
        if self.at < len(self.text):
            raise self._error("unexpected")
        return whole

    def _error(self, what: str) -> AddressRangeError:
        if self.at >= len(self.text):
            return AddressRangeError(f"{what} the end")
        return AddressRangeError(f"{what} {self.text[self.at]!r} at character {self.at + 1}")

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self, character: str) -> bool:
        if self._peek() != character:
            return False
        self.at += 1
        return True

    def _anchored(self) -> _Fragment:
        """One alternative at the top. One of ``^`` and ``$`` without the other leaves the other's side open."""
        while self._take(" "):
            pass
        anchored_start = self._take("^")
        body = self._sequence("|,$ ")
        anchored_end = self._take("$")
        while self._take(" "):
            pass
        if anchored_start and not anchored_end:
            body = self._then(body, self._run())
        elif anchored_end and not anchored_start:
            body = self._then(self._run(), body)
        elif body is _NOTHING:
            raise self._error("an empty alternative before")
        return body

    def _sequence(self, stops: str) -> _Fragment:
        """Pieces until one of ``stops`` or the end."""
        whole = _NOTHING
        while (character := self._peek()) and character not in stops:
            whole = self._then(whole, self._piece(first=whole is _NOTHING))
        return whole

    def _piece(self, *, first: bool) -> _Fragment:
        """An atom with what repeats it."""
        character = self._peek()
        if first and character == "*":
            self.at += 1
            return self._run()
        if character in _QUANTIFIERS and not (first and character == "+"):
            raise self._error("nothing to repeat before")
        start = self.at
        atom, plain = self._atom()
        quantifier = self._peek()
        if not quantifier or quantifier not in _QUANTIFIERS:
            return atom
        if quantifier == "{":
            return self._counted(start, atom)
        if plain and quantifier != "*":
            raise self._error("ambiguous after a plain character (write [x] or a group):")
        self.at += 1
        if plain:
            return self._then(atom, self._run())
        if quantifier == "?":
            return atom._replace(nullable=True)
        return self._repeated(atom)._replace(nullable=quantifier == "*" or atom.nullable)

    def _atom(self) -> tuple[_Fragment, bool]:
        """A group, a class or a character; and whether it is a plain character."""
        character = self._peek()
        if character == "(":
            return self._group(), False
        if character == "[":
            return self._symbol(self._class()), False
        if character in ")]}^$|, ":
            raise self._error("misplaced")
        self.at += 1
        if character == ".":
            return self._symbol(_ANY), False
        if character != "\\":
            return self._symbol(_Symbol(frozenset(character.encode()), negated=False)), True
        return self._escape()

    def _escape(self) -> tuple[_Fragment, bool]:
        character = self._peek()
        if not character:
            raise AddressRangeError("a backslash at the end")
        if character == "d":
            self.at += 1
            return self._symbol(_Symbol(_DIGITS, negated=False)), False
        if character.isalnum():
            raise self._error("an unsupported escape: backslash before")
        self.at += 1
        return self._symbol(_Symbol(frozenset(character.encode()), negated=False)), True

    def _group(self) -> _Fragment:
        self.at += 1
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise AddressRangeError(f"groups nested deeper than {MAX_NESTING}")
        if self._peek() == "?":
            raise self._error("an unsupported group: parenthesis before")
        whole = self._branch()
        while self._take("|"):
            whole = _either(whole, self._branch())
        if not self._take(")"):
            raise AddressRangeError("a group without its closing parenthesis")
        self.depth -= 1
        return whole

    def _branch(self) -> _Fragment:
        """One alternative of a group.

        An empty one is refused: MAX_POSITIONS bounds the work of repetitions only if each copy takes a position.
        """
        whole = self._sequence("|)")
        if whole is _NOTHING:
            raise self._error("an empty alternative before")
        return whole

    def _class(self) -> _Symbol:
        start = self.at
        end = self.text.find("]", start + 1)
        if end < 0:
            raise AddressRangeError(f'the class that begins at character {start + 1} has no closing "]"')
        inside = self.text[start + 1 : end]
        members = inside.removeprefix("^")
        if not members or "[" in members or "\\" in members:
            raise AddressRangeError(f"the class [{inside}] is not supported")
        try:
            found = _class_members(members)
        except ValueError as error:
            raise AddressRangeError(str(error)) from None
        self.at = end + 1
        return _Symbol(found, negated=members != inside)

    def _counted(self, start: int, atom: _Fragment) -> _Fragment:
        """``{n}`` or ``{n,m}`` after ``atom``, which begins at ``start``: read again for every further copy."""
        low, high = self._bounds()
        end = self.at
        whole = atom if high else _NOTHING
        if low == 0:
            whole = whole._replace(nullable=True)
        for copy in range(1, high):
            self.at = start
            another, _ = self._atom()
            whole = self._then(whole, another if copy < low else another._replace(nullable=True))
        self.at = end
        return whole

    def _bounds(self) -> tuple[int, int]:
        end = self.text.find("}", self.at)
        inside = self.text[self.at + 1 : end] if end > 0 else ""
        low, comma, high = inside.partition(",")
        if not low.isdecimal() or (comma and not high.isdecimal()) or int(low) > int(high or low):
            raise self._error("a repetition that is not {n} or {n,m} with n not above m:")
        self.at = end + 1
        if int(high or low) > MAX_POSITIONS:
            raise AddressRangeError(f"more than {MAX_POSITIONS} repetitions")
        return int(low), int(high or low)

    def _symbol(self, symbol: _Symbol) -> _Fragment:
        """A new position."""
        position = len(self.symbols)
        if position >= MAX_POSITIONS:
            raise AddressRangeError(f"more than {MAX_POSITIONS} characters once repetitions are written out")
        self.symbols.append(symbol)
        self.follow.append(0)
        return _Fragment(nullable=False, first=1 << position, last=1 << position)

    def _run(self) -> _Fragment:
        """Any run of characters, also none."""
        return self._repeated(self._symbol(_ANY))._replace(nullable=True)

    def _repeated(self, part: _Fragment) -> _Fragment:
        for position in _bits(part.last):
            self.follow[position] |= part.first
        return part

    def _then(self, left: _Fragment, right: _Fragment) -> _Fragment:
        for position in _bits(left.last):
            self.follow[position] |= right.first
        return _Fragment(
            left.nullable and right.nullable,
            left.first | right.first if left.nullable else left.first,
            left.last | right.last if right.nullable else right.last,
        )


def _either(left: _Fragment, right: _Fragment) -> _Fragment:
    return _Fragment(left.nullable or right.nullable, left.first | right.first, left.last | right.last)
