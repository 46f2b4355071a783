"""Entity tags: who has an answer already need not get it again, and nobody overwrites what others have changed."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

_TAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
TAG_OCTETS: Final = 12
"""Octets of a digest: two answers of one path never share it by chance."""


def etag_of(body: bytes) -> str:
    """The strong entity tag of an answer (RFC 9110 section 8.8.3)."""
    return f'"{blake2b(body, digest_size=TAG_OCTETS).hexdigest()}"'


def is_in(tag: str, header: str, *, weak: bool) -> bool:
    """Whether `tag`, a strong one, is among those of an If-Match or If-None-Match header; `*` stands for any.

    `weak` says whether a tag marked as weak may be the same (RFC 9110 section 8.8.3.2): yes for If-None-Match.
    """
    if header.strip() == "*":
        return True
    return any(tag == (each.removeprefix("W/") if weak else each) for each in _TAG.findall(header))
