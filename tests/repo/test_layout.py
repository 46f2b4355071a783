"""The shape of the sources: each module has its tests, exports what exists, and keeps to the rules of the house."""

import ast
import importlib

import pytest

from tests.repo.tree import ROOT, Module, calls, files_of_tests, modules

MODULES = modules()
TESTED_BY: dict[str, str] = {
    # module: the test file that covers it where that is not the one named like it. An entry that is no longer needed
    # fails below.
    **dict.fromkeys(
        (f"smppwire.grammar.{name}" for name in ("building", "dissect", "gallery", "notation", "optional", "words")),
        "tests/oracle/test_grammar.py",
    ),
    "smppwire.text.gsm_tables": "tests/protocol/text/test_gsm7.py",
    "smppwire.text.ucs2": "tests/protocol/text/test_data_coding.py",
    "smppd.engine.state.rows": "tests/engine/state/test_capture.py",
    "smppd.control.snapshot.sections": "tests/control/snapshot/test_writing.py",
    "smppd.observe.counters": "tests/observe/test_metrics.py",
    "smppd.api.problem": "tests/api/test_http.py",
    "smppd.api.reading": "tests/api/test_dispatch.py",
    "smppd.api.endpoints": "tests/api/test_endpoint.py",
    **dict.fromkeys(
        (f"smppd.control.verification.{name}" for name in ("collecting", "limits", "sightings", "views")),
        "tests/control/verification/test_desk.py",
    ),
    "smppd.testing.aio_handles": "tests/testing/test_aio.py",
}
READS_CLOCK = {"time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.sleep"}
READS_CLOCK |= {"datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"}
CLOCKLESS = ("smppwire", "smppd.engine", "smppd.network", "smppd.behaviour", "smppd.store", "smppd.accounts")


def ids(module: Module) -> str:
    return module.name


def only_exports(module: Module) -> bool:
    """A package whose __init__ holds a docstring, imports, __all__ and constants has nothing of its own to test."""
    return module.path.name == "__init__.py" and not any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for node in module.tree.body
    )


def imported_names(tree: ast.AST) -> dict[str, str]:
    """What a module's imports bind: local name -> dotted origin."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            origin = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            found.update({alias.asname or alias.name: origin + alias.name for alias in node.names})
    return found


def resolve(call: str, names: dict[str, str]) -> str:
    """The origin of what is called; "" for what was not imported."""
    first, dot, rest = call.partition(".")
    return names[first] + dot + rest if first in names else ""


def is_chance(origin: str) -> bool:
    """A draw from the process-wide generator, or from the system's; a seeded generator of one's own is fine."""
    return origin.startswith(("random.", "secrets.")) and origin != "random.Random"


def has_tests(module: Module) -> bool:
    """tests/ mirrors the source: smppd/engine/router.py is tested by tests/engine/**/test_router*.py."""
    top, *rest = module.name.split(".")
    stem = rest[-1] if rest else top
    room = "protocol" if top == "smppwire" else rest[0] if len(rest) > 1 else "."
    names = (path.stem for path in (ROOT / "tests" / room).rglob("test_*.py"))
    # A package's module may carry the package's name to stay unique: test_cli_main.py, or the plain test_main.py.
    wanted = {f"test_{stem}", f"test_{rest[-2]}_{stem}" if len(rest) > 1 else f"test_{stem}"}
    return any(name == one or name.startswith(one + "_") for name in names for one in wanted)


def test_the_modules_are_found() -> None:
    assert {"smppd", "smppwire", "smppwire.constants"} <= {module.name for module in MODULES}


@pytest.mark.parametrize("module", [m for m in MODULES if not only_exports(m)], ids=ids)
def test_every_module_has_a_test_module(module: Module) -> None:
    if module.name in TESTED_BY:
        assert not has_tests(module), f"{module.name} has a test module of its own: drop its entry in TESTED_BY"
        assert (ROOT / TESTED_BY[module.name]).is_file()
    else:
        assert has_tests(module), f"no test module for {module.name}"


def test_exceptions_name_modules_that_exist() -> None:
    assert set(TESTED_BY) <= {module.name for module in MODULES}


@pytest.mark.parametrize("module", MODULES, ids=ids)
def test_all_names_what_exists(module: Module) -> None:
    loaded = importlib.import_module(module.name)
    exported = getattr(loaded, "__all__", [])
    assert len(exported) == len(set(exported))
    assert [name for name in exported if not hasattr(loaded, name)] == []


@pytest.mark.parametrize("module", [m for m in MODULES if not m.name.startswith("smppd.cli")], ids=ids)
def test_only_the_command_line_prints(module: Module) -> None:
    assert [call.lineno for name, call in calls(module.tree) if name == "print"] == []


@pytest.mark.parametrize("module", [m for m in MODULES if m.name.startswith(CLOCKLESS)], ids=ids)
def test_time_and_chance_are_handed_in(module: Module) -> None:
    """A parameter called `random` is what is handed in; the module of that name is not."""
    found = [(resolve(name, imported_names(module.tree)), call.lineno) for name, call in calls(module.tree)]
    assert [call for call in found if call[0] in READS_CLOCK or is_chance(call[0])] == []


def test_reading_the_clock_is_seen_under_any_name() -> None:
    tree = ast.parse("import time as t\nfrom datetime import datetime\nfrom random import choice\nimport random")
    names = imported_names(tree)
    assert resolve("t.monotonic", names) in READS_CLOCK
    assert resolve("datetime.now", names) in READS_CLOCK
    assert is_chance(resolve("choice", names))
    assert not is_chance(resolve("random.Random", names))
    assert not is_chance(resolve("random.random", {}))


@pytest.mark.parametrize("path", files_of_tests(), ids=lambda path: str(path.relative_to(ROOT / "tests")))
def test_tests_do_not_sleep(path: object) -> None:
    def sleeps(name: str, call: ast.Call) -> bool:
        if name == "asyncio.sleep":  # 0 gives others their turn; anything else is a guess about the machine
            return not (call.args and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0)
        return name == "time.sleep"

    tree = Module("", path).tree  # type: ignore[arg-type]
    assert [call.lineno for name, call in calls(tree) if sleeps(name, call)] == []
