"""Errors say who erred, how bad it is, and what to answer."""

import pytest

from smppwire.constants import CommandStatus
from smppwire.errors import (
    DecodeError,
    EncodeError,
    FramingError,
    ProtocolError,
    SmppError,
    StateError,
    TextError,
)


@pytest.mark.parametrize("kind", [FramingError, DecodeError, StateError])
def test_the_peers_faults_are_protocol_errors(kind: type[Exception]) -> None:
    assert issubclass(kind, ProtocolError)


@pytest.mark.parametrize("kind", [EncodeError, TextError])
def test_our_own_faults_are_not(kind: type[Exception]) -> None:
    assert issubclass(kind, SmppError)
    assert not issubclass(kind, ProtocolError)


def test_text_errors_are_value_errors() -> None:
    assert issubclass(TextError, ValueError)


def test_a_framing_error_is_fatal() -> None:
    error = FramingError("too long", command_length=99, sequence_number=3)
    assert (error.fatal, error.command_status, error.command_length, error.sequence_number) == (True, 2, 99, 3)
    assert error.field == "command_length"


def test_a_decode_error_is_not() -> None:
    error = DecodeError(
        CommandStatus.ESME_RINVMSGLEN, "9 octets announced", command_id=4, sequence_number=8, offset=50, field="sm"
    )
    assert (error.fatal, error.command_id, error.sequence_number, error.offset) == (False, 4, 8, 50)
    assert str(error) == "sm: 9 octets announced at octet 50 (ESME_RINVMSGLEN)"


def test_a_state_error_needs_no_place() -> None:
    error = StateError(CommandStatus.ESME_RINVBNDSTS, "not bound")
    assert (error.fatal, error.offset, error.field) == (False, None, None)
    assert str(error) == "not bound (ESME_RINVBNDSTS)"
