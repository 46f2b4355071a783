"""Options as one value: shares of workers, binds in words, TLS files that are of no use."""

from __future__ import annotations

import pickle
import ssl
from pathlib import Path

import pytest

from smppd.errors import UserError
from smppd.load.options import LoadOptions, TlsOptions, parse_binds

TLS = Path(__file__).parent / "tls"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", ("tx",) * 3),
        ("tx=2,rx=1", ("tx", "tx", "rx")),
        ("transmitter=1, receiver=1", ("tx", "rx")),
        ("TRX=2,1", ("trx", "trx", "tx")),
    ],
)
def test_binds_in_words(text: str, expected: tuple[str, ...]) -> None:
    assert parse_binds(text, "tx") == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0", "at least one"),
        ("", "expected a number"),
        ("-1", "expected a number"),
        ("x=1", "'x' is no bind type; there are: trx, transceiver"),
        ("=1", "is no bind type"),
        ("rx=3", "receivers cannot submit"),
        ("10001", "at most 10,000"),
        ("1e9", "expected a number"),
        ("99999999999999999999", "expected a number"),
    ],
)
def test_binds_that_are_none(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_binds(text, "trx")


@pytest.mark.parametrize(("workers", "count"), [(1, 10), (3, 10), (4, 3), (7, 1_000_003)])
def test_shares_add_up(workers: int, count: int) -> None:
    options = LoadOptions(workers=workers, count=count, binds=("tx",) * 9 + ("rx",) * 4)
    shares = [options.count_of(worker) for worker in range(workers)]
    assert sum(share or 0 for share in shares) == count
    assert max(share or 0 for share in shares) - min(share or 0 for share in shares) <= 1
    dealt = [options.binds_of(worker) for worker in range(workers)]
    assert sorted(sum(dealt, ())) == sorted(options.binds)
    assert all("tx" in binds for binds in dealt), "every worker has something to submit on"
    assert LoadOptions(workers=workers).count_of(0) is None


def test_the_report_repeats_no_password() -> None:
    options = LoadOptions(password="hush", host="::1", binds=("tx", "rx"), tls=TlsOptions())
    assert "hush" not in repr(options)
    assert "hush" not in str(options.as_json())
    assert options.as_json()["binds"] == {"tx": 1, "rx": 1}
    assert options.as_json()["target"] == "[::1]:2775"
    assert pickle.loads(pickle.dumps(options)) == options


def test_a_context_checks_certificates_unless_told_otherwise() -> None:
    assert TlsOptions().context().verify_mode is ssl.CERT_REQUIRED
    assert TlsOptions(ca=str(TLS / "server.pem")).context().check_hostname
    insecure = TlsOptions(insecure=True).context()
    assert (insecure.verify_mode, insecure.check_hostname) == (ssl.CERT_NONE, False)
    TlsOptions(cert=str(TLS / "server.pem"), key=str(TLS / "server.key")).context()


def test_files_that_are_of_no_use(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("nothing")
    with pytest.raises(UserError, match=r"--tls-ca .*nothing.pem: no certificates in PEM"):
        TlsOptions(ca=str(nothing)).context()
    with pytest.raises(UserError, match=r"--tls-ca .*gone.pem: No such file"):
        TlsOptions(ca=str(tmp_path / "gone.pem")).context()
    with pytest.raises(UserError, match=r"--tls-cert .*nothing.pem: expected a cert"):
        TlsOptions(cert=str(nothing)).context()
    with pytest.raises(UserError, match=r"--tls-cert .*server.pem: .* and its key, there or in --tls-key"):
        TlsOptions(cert=str(TLS / "server.pem")).context()
