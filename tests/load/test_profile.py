import pickle
from pathlib import Path

import pytest

from smppd.load.profile import Override, ProfileError, find_profile, load_profile, shipped_profiles
from tests.load.profiles import ONE, profile, write

SHIPPED = ["alert", "campaign", "conversation", "fixed", "mixed", "otp", "reminder"]
ROOT = Path(__file__).parents[2]


def test_the_shipped_profiles() -> None:
    assert list(shipped_profiles()) == SHIPPED
    documented = (ROOT / "docs" / "load-profiles.md").read_text()
    for name in SHIPPED:
        assert load_profile(name).description
        assert f"| `{name}` |" in documented


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    (tmp_path / "subscribers.csv").write_text("msisdn,first_name,city\n447700900001,Ann,Leeds\n")
    text = (ROOT / "docs" / "load-profiles.md").read_text()
    example = text.split("```toml\n")[1].split("```")[0]
    assert [kind.name for kind in profile(tmp_path, example).traffic] == ["codes", "news"]


def test_a_file_by_its_path(tmp_path: Path) -> None:
    path = write(tmp_path, ONE + 'text = "x"')
    assert load_profile(str(path)).traffic[0].text == "x"
    assert find_profile(str(path)) == path


def test_paths_of_csv_files_begin_at_the_profile(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("to\n447700900001\n")
    loaded = profile(tmp_path, '[[traffic]]\nname = "a"\ntext = "x"\ncsv = { file = "s.csv" }')
    assert loaded.traffic[0].csv is not None
    assert loaded.traffic[0].csv.file == str((tmp_path / "s.csv").resolve())


def test_a_profile_travels_to_worker_processes() -> None:
    for name in SHIPPED:
        loaded = load_profile(name)
        assert pickle.loads(pickle.dumps(loaded)) == loaded


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("otpp", '"otp" or "reminder", or name a file (did you mean "otp"?)'),
        ("nowhere.toml", "nowhere.toml: there is no such file"),
        ("no/where", "no/where: there is no such file"),
        (".", ".: this is a directory, expected a file"),
    ],
)
def test_what_is_no_profile(name: str, problem: str) -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile(name)
    assert str(caught.value).startswith("the load profile has 1 problem:\n  ")
    assert str(caught.value).endswith(problem)


def test_broken_syntax(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"profile.toml:2:\d+: not TOML"):
        profile(tmp_path, "\na = b = c")


def test_values_from_the_command_line() -> None:
    changed = load_profile(
        "fixed",
        [
            Override("--text", "text", "Hello, {name}"),
            Override("--to", "destination_addr", ["44770xxxx"]),
            Override("--receipts", "registered_delivery", 1),
        ],
    )
    (kind,) = changed.traffic
    assert (kind.text, kind.destination_addr, kind.registered_delivery) == ("Hello, {name}", ["44770xxxx"], 1)
    assert kind.source_addr == "12345"


def test_a_destination_takes_the_place_of_a_file(tmp_path: Path) -> None:
    path = write(tmp_path, '[[traffic]]\nname = "a"\ntext = "x"\ncsv = { file = "nowhere.csv" }')
    (kind,) = load_profile(str(path), [Override("--to", "destination_addr", "4477")]).traffic
    assert (kind.csv, kind.destination_addr) == (None, "4477")


def test_problems_name_the_option() -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile("fixed", [Override("--text", "text", "{cod}"), Override("--to", "destination_addr", ["x1"])])
    assert [(problem.file, problem.key) for problem in caught.value.problems] == [
        ("--to", "traffic[0].destination_addr[0]"),
        ("--text", "traffic[0].text"),
    ]


def test_options_do_not_hide_a_broken_file(tmp_path: Path) -> None:
    path = write(tmp_path, "traffic = 5")
    with pytest.raises(ProfileError, match="expected a list of tables"):
        load_profile(str(path), [Override("--text", "text", "x")])
