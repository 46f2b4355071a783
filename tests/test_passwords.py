import hashlib
from base64 import b64encode

import pytest

from smppd.passwords import ScryptHash

SALT, DIGEST = b64encode(b"s" * 16).decode(), b64encode(b"h" * 32).decode()


def cheap_hash(password: bytes, n: int = 2) -> str:
    digest = hashlib.scrypt(password, salt=b"s" * 16, n=n, r=1, p=1)
    return f"scrypt${n}$1$1${SALT}${b64encode(digest).decode()}"


def test_a_new_hash_verifies_its_password_and_no_other() -> None:
    made = ScryptHash.create(b"secret", b"0123456789abcdef")
    read = ScryptHash.parse(str(made))
    assert read == made
    assert read.verify(b"secret")
    assert not read.verify(b"Secret")


def test_a_hash_made_elsewhere() -> None:
    # RFC 7914, section 12, the second vector, cut to the 64 octets it has.
    digest = bytes.fromhex(
        "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
        "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
    )
    # Its salt "NaCl" is shorter than what we accept in a configuration, so the struct is built directly.
    assert ScryptHash(1024, 8, 16, b"NaCl", digest).verify(b"password")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not of the form"),
        ("password", "not of the form"),
        (f"bcrypt$2$1$1${SALT}${DIGEST}", "not of the form"),
        (f"scrypt$2$1$1${SALT}", "not of the form"),
        (f"scrypt$x$1$1${SALT}${DIGEST}", "not whole numbers"),
        (f"scrypt$-2$1$1${SALT}${DIGEST}", "not whole numbers"),
        (f"scrypt$2$1${'9' * 5000}${SALT}${DIGEST}", "not whole numbers"),
        (f"scrypt$3$1$1${SALT}${DIGEST}", "power of two"),
        (f"scrypt$1$1$1${SALT}${DIGEST}", "power of two"),
        (f"scrypt$0$1$1${SALT}${DIGEST}", "power of two"),
        (f"scrypt$2$0$1${SALT}${DIGEST}", "memory"),
        (f"scrypt$1048576$8$1${SALT}${DIGEST}", "memory"),
        (f"scrypt$2$99999999$1${SALT}${DIGEST}", "memory"),
        (f"scrypt$2$1$0${SALT}${DIGEST}", "p is not"),
        (f"scrypt$2$1$17${SALT}${DIGEST}", "p is not"),
        (f"scrypt$65536$8$16${SALT}${DIGEST}", "too long"),
        (f"scrypt$2$1$1$!!!!${DIGEST}", "base64"),
        (f"scrypt$2$1$1${SALT}$abc", "base64"),
        (f"scrypt$2$1$1$${DIGEST}", "octets"),
        (f"scrypt$2$1$1${SALT}$", "octets"),
    ],
)
def test_what_is_no_hash(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        ScryptHash.parse(text)
    assert SALT not in str(caught.value)


def test_the_largest_accepted_parameters_can_be_computed() -> None:
    largest = ScryptHash.parse(f"scrypt$65536$8$1${SALT}${DIGEST}")
    assert not largest.verify(b"x")
