from pathlib import Path

from smppd import settings as module
from smppd.settings import Settings, diff, without_restart
from tests.settings.support import ACCOUNT, load


def changed(text: str, tmp_path: Path) -> module.Changes:
    return diff(Settings(), load(tmp_path, text))


def test_nothing_differs_from_itself() -> None:
    changes = diff(Settings(), Settings())
    assert not changes
    assert not changes.accounts


def test_keys_are_live_or_wait_for_a_restart(tmp_path: Path) -> None:
    changes = changed('[server]\nhttp = ""\nmax_connections = 5\n[journal]\npdus = 0\n[log]\npdus = true', tmp_path)
    assert changes.live == ["server.max_connections", "log.pdus"]
    assert changes.restart == ["server.http", "journal.pdus"]
    assert changes


def test_accounts_routes_and_networks_by_name(tmp_path: Path) -> None:
    old = load(
        tmp_path,
        ACCOUNT + '[[account]]\nsystem_id = "b"\npassword = "x"\n'
        '[[route]]\nname = "r"\nmatch = { source_addr = "1*" }\n[[route]]\nname = "s"\n[network.n]\n',
    )
    new = load(
        tmp_path,
        ACCOUNT + 'throughput = { limit = 5 }\n[[account]]\nsystem_id = "c"\npassword = "x"\n'
        '[[route]]\nname = "r"\nmatch = { source_addr = "2*" }\n[[route]]\nname = "s"\n[network.m]\n'
        "[network.default]\ndelay = { max = 2 }\n",
    )
    changes = diff(old, new)
    assert changes.accounts == (["c"], ["b"], ["a"])
    assert changes.routes == ([], [], ["r"])
    assert changes.networks == (["m"], ["n"], ["default"])
    assert changes.restart == []
    assert changes.live == [
        "account[c]",
        "account[b]",
        "account[a].throughput.limit",
        "route[r].match.source_addr",
        "network.m",
        "network.n",
        "network.default.delay.max",
    ]


def test_the_order_of_routes_is_a_change(tmp_path: Path) -> None:
    one, other = (f'[[route]]\nname = "{name}"\nmatch = {{ source_addr = "1*" }}\n' for name in "rs")
    changes = diff(load(tmp_path, one + other), load(tmp_path, other + one))
    assert changes.live == ["route"]
    assert not changes.routes


def test_what_runs_after_a_reload(tmp_path: Path) -> None:
    new = load(tmp_path, '[server]\nhttp = ""\nmax_pdu = 5000\n[log]\nlevel = "debug"\n' + ACCOUNT)
    running = without_restart(Settings(), new)
    assert running.server.http == "127.0.0.1:8775"
    assert running.server.max_pdu == 5000
    assert running.log.level == "info"
    assert running.account == new.account
    assert diff(running, new).restart == ["server.http", "log.level"]
    assert diff(running, new).live == []
