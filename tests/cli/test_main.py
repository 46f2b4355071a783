import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from smppd.cli import UserError
from smppd.cli.main import BROKEN_PIPE, COMMANDS, INTERRUPTED, cli, main

ROOT = Path(__file__).parents[2]
ENVIRON = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'protocol'}"}
PROGRAM = [sys.executable, "-c", "import sys; from smppd.cli.main import main; sys.exit(main())"]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException | int | None]:
    """A list whose first item a command called `fail` raises or returns."""
    outcomes: list[BaseException | int | None] = []

    @click.command("fail")
    def command() -> int | None:
        outcome = outcomes[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(cli, "get_command", lambda _context, name: command if name == "fail" else None)
    return outcomes


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "smppd 0.1.0\n"


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_lists_the_commands(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([option]) == 0
    lines = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in lines] == list(COMMANDS)


HEAVY = ["aiohttp", "msgspec", "smppwire", "structlog", "rich", "construct", "smppd.settings"]


def loaded_by(arguments: list[str], names: list[str]) -> list[str]:
    """Which of these modules a command line loads."""
    program = (
        f"import sys; from smppd.cli.main import main; main({arguments!r}); "
        f"print('loaded:', *[name for name in {names!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], env=ENVIRON, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()[1:]


def test_help_imports_no_command_and_nothing_heavy() -> None:
    assert loaded_by(["--help"], ["asyncio", *HEAVY, *[module for module, _ in COMMANDS.values()]]) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_imports_nothing_heavy(name: str) -> None:
    assert loaded_by([name, "--help"], HEAVY) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.help


def test_no_arguments_print_the_help_and_count_as_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "Commands:" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["bogus"], ["--bogus"], ["check"], ["check", "a", "b"], ["init", "--force"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Usage: smppd" in captured.err


def test_a_users_mistake_is_a_line_and_status_1(
    failing: list[BaseException | int | None], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(UserError("the port is taken"))
    assert main(["fail"]) == 1
    assert capsys.readouterr().err == "smppd: the port is taken\n"


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (None, 0),
        (0, 0),
        (3, 3),
        (KeyboardInterrupt(), INTERRUPTED),
        (click.Abort(), INTERRUPTED),
        (click.exceptions.Exit(4), 4),
        (click.ClickException("no"), 1),
    ],
)
def test_exit_statuses(failing: list[BaseException | int | None], outcome: BaseException | int, status: int) -> None:
    failing.append(outcome)
    assert main(["fail"]) == status


def test_a_defect_of_ours_keeps_its_traceback(failing: list[BaseException | int | None]) -> None:
    failing.append(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        main(["fail"])


def test_a_reader_that_leaves_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*PROGRAM, "--help"], env=ENVIRON, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (BROKEN_PIPE, b"")


def test_ctrl_c_ends_without_a_traceback() -> None:
    program = (
        "import sys, signal, click; from smppd.cli import main as m; "
        "command = click.Command('wait', callback=lambda: (print('ready', flush=True), signal.pause())); "
        "m.cli.get_command = lambda context, name: command; sys.exit(m.main(['wait']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], env=ENVIRON, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=30)
    assert process.returncode == INTERRUPTED
    assert complaints.strip() == ""


@pytest.mark.parametrize(("value", "expected"), [("1", False), ("", None), (None, None)])
def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch, value: str | None, expected: bool | None) -> None:
    if value is None:
        monkeypatch.delenv("NO_COLOR", raising=False)
    else:
        monkeypatch.setenv("NO_COLOR", value)
    seen: list[bool | None] = []
    command = click.Command("fail", callback=lambda: seen.append(click.get_current_context().color))
    monkeypatch.setattr(cli, "get_command", lambda _context, _name: command)
    assert main(["fail"]) == 0
    assert seen == [expected]


def test_completion_is_answered_without_running_anything() -> None:
    environ = {**ENVIRON, "_SMPPD_COMPLETE": "bash_complete", "COMP_WORDS": "smppd che", "COMP_CWORD": "1"}
    done = subprocess.run(PROGRAM, env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == "plain,check\n"


def test_a_missing_configuration_file_is_a_users_mistake(tmp_path: Path) -> None:
    argv = [*PROGRAM, "check", str(tmp_path / "none.toml")]
    done = subprocess.run(argv, env=ENVIRON, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("smppd: ")
    assert "Traceback" not in done.stderr
