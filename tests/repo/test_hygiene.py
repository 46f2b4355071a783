"""Nothing of the machine it was written on, and nothing half-finished, is in the repository."""

import re
from pathlib import Path

import pytest

from tests.repo.tree import ROOT, tracked_files

# Written so that they do not find themselves.
MACHINE_PATHS = re.compile(
    r"(?<![\w.:/-])/(?:work|farm|root|tmp/(?:plan|bash_jobs))/|/(?:home|Users)/(?!you/|user/)\w+/"
)
CONFLICT = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X{3})\b|raise NotImplemented" + "Error")
LARGEST = 400_000  # octets: the vectors are the largest text; what is bigger belongs elsewhere


def text_of(path: Path) -> str:
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""  # a capture, an image: nothing to read


@pytest.mark.parametrize(
    ("pattern", "suffixes"),
    [(MACHINE_PATHS, None), (CONFLICT, None), (UNFINISHED, {".py", ".toml", ".js", ".html", ".css"})],
    ids=["machine paths", "conflict markers", "unfinished"],
)
def test_no_file_holds(pattern: re.Pattern[str], suffixes: set[str] | None) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked_files()
        if (suffixes is None or path.suffix in suffixes) and path != Path(__file__)
        for match in pattern.finditer(text_of(path))
    ]
    assert found == []


def test_the_patterns_find_what_they_are_for() -> None:
    assert MACHINE_PATHS.search("see " + "/wo" + "rk/main/x.py")
    assert MACHINE_PATHS.search('open("' + "/ho" + 'me/jane/x")')
    assert not MACHINE_PATHS.search("https://example.org/work/items")
    assert CONFLICT.search("a\n" + "<" * 7 + " HEAD\n")
    assert UNFINISHED.search("# TO" + "DO: later")


def test_nothing_large_is_tracked() -> None:
    assert [str(path.relative_to(ROOT)) for path in tracked_files() if path.stat().st_size > LARGEST] == []


def test_text_files_end_with_a_newline() -> None:
    kinds = {".py", ".md", ".toml", ".yaml", ".yml", ".js", ".css", ".html", ".json", ".jsonl", ""}
    # What came from elsewhere stays as it came.
    foreign = {"vectors", "meter", "uplot"}
    ours = [path for path in tracked_files() if path.suffix in kinds and not foreign.intersection(path.parts)]
    assert [str(path.relative_to(ROOT)) for path in ours if text_of(path) and not text_of(path).endswith("\n")] == []
