"""What the tests of the repository look at: its root, its modules, and the files git knows."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Module(NamedTuple):
    """A module of the product."""

    name: str
    path: Path

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return parse(self.path)


@cache
def parse(path: Path) -> ast.Module:
    """Read a Python file once for all tests."""
    return ast.parse(path.read_text(), str(path))


def modules() -> list[Module]:
    """Every module of smppwire and smppd, packages by their own name."""
    return sorted(_modules(ROOT / "protocol", "smppwire") | _modules(ROOT, "smppd"))


def _modules(source_root: Path, package: str) -> set[Module]:
    found = set()
    for path in (source_root / package).rglob("*.py"):
        parts = path.relative_to(source_root).with_suffix("").parts
        found.add(Module(".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
    return found


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call by the dotted name of what is called ("print", "time.sleep")."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name:
                yield name, node


def dotted(node: ast.expr) -> str:
    """`a.b.c` as it is written; "" for anything that is not made of names alone."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def files_of_tests() -> list[Path]:
    """Every Python file under tests/."""
    return sorted((ROOT / "tests").rglob("*.py"))


def tracked_files() -> list[Path]:
    """The files git knows; skips the calling test outside of a git checkout (an unpacked sdist)."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]
