"""Texts."""

import re

CODE = re.compile(r"Your code is (?P<code>\d{6})\.")


def code_text(code: str) -> str:
    """What a customer gets."""
    return f"Your code is {code}. It expires in 5 minutes."


def is_stop(text: str) -> bool:
    """Whether a customer wants no more messages."""
    return text.strip().upper() == "STOP"
