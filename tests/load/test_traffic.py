from collections import Counter
from pathlib import Path
from random import Random

import pytest

from smppd.load.profile import ProfileError, load_profile, shipped_profiles
from smppd.load.traffic import MAX_SKIPPED
from smppwire.pdus import DeliverSm
from tests.load.profiles import ONE, pdu_of, profile, text_of, traffic, violations

SHIPPED = list(shipped_profiles())
MANY = '[[traffic]]\nname = "many"\ndestination_addr = "44770090000x"\n'


@pytest.mark.parametrize("name", SHIPPED)
def test_a_strict_smsc_accepts_the_shipped_profiles(name: str) -> None:
    source = load_profile(name)
    shots = traffic(source).batch(2_000)
    assert len(shots) == 2_000
    assert violations(shots) == []
    assert {shot.kind for shot in shots} == {kind.name for kind in source.traffic}


@pytest.mark.parametrize("text", ["YES", "no", " 5 ", "Balance of savings, please", "help", "why? \u0436"])
def test_a_strict_smsc_accepts_the_shipped_answers(text: str) -> None:
    mo = DeliverSm(
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=b"447700930001",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=b"447700900999",
        data_coding=8,
        short_message=text.encode("utf-16-be"),
    )
    shots = traffic(load_profile("conversation")).answer(mo)
    assert len(shots) == 1
    assert violations(shots) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_the_same_seed_gives_the_same_messages_however_they_are_asked_for(name: str) -> None:
    source = load_profile(name)
    at_once = traffic(source).batch(500)
    again = traffic(source)
    in_pieces = [shot for size in (1, 2, 3, 94, 400) for shot in again.batch(size)]
    assert at_once == in_pieces
    if name != "fixed":
        assert traffic(source, random=Random(8)).batch(500) != at_once


@pytest.mark.parametrize("name", [name for name in SHIPPED if name != "fixed"])
def test_workers_send_different_messages_to_different_numbers(name: str) -> None:
    source = load_profile(name)
    shares = [traffic(source, worker=worker, workers=3).batch(500) for worker in range(3)]
    numbers = [{pdu_of(shot).destination_addr for shot in share} for share in shares]
    assert all(numbers)
    assert numbers[0].isdisjoint(numbers[1] | numbers[2])
    assert numbers[1].isdisjoint(numbers[2])
    assert shares[0] != shares[1]


def test_ordinals_of_workers_do_not_meet(tmp_path: Path) -> None:
    source = profile(tmp_path, MANY + 'text = "{n}"')
    shares = [[int(text_of(shot)) for shot in traffic(source, worker=w, workers=2).batch(4)] for w in range(2)]
    assert shares == [[1, 3, 5, 7], [2, 4, 6, 8]]


def test_the_fixed_profile_costs_nothing() -> None:
    made = traffic(load_profile("fixed"))
    shots = made.batch(1_000) + made.batch(1_000)
    assert len(shots) == 2_000
    assert {id(shot) for shot in shots} == {id(shots[0])}
    assert not shots[0].wants_receipt
    assert made.batch(0) == []


@pytest.mark.parametrize(
    "keys",
    [
        'text = "{n}"',
        'text = ["x", "y"]',
        'text = "x"\nsource_addr = ["a", "b"]',
        'text = "x"\nencoding = { gsm7 = 50, ucs2 = 50 }',
        f'text = "{"x" * 161}"',
    ],
)
def test_what_varies_in_anything_is_not_fixed(tmp_path: Path, keys: str) -> None:
    shots = traffic(profile(tmp_path, ONE + keys)).batch(20)
    assert len({shot.body for shot in shots}) > 1


def test_destinations_in_order_or_at_random(tmp_path: Path) -> None:
    ordered = [pdu_of(shot).destination_addr[-1:] for shot in traffic(profile(tmp_path, MANY + 'text = "x"')).batch(12)]
    assert b"".join(ordered) == b"012345678901"
    anyhow = traffic(profile(tmp_path, MANY + 'text = "x"\norder = "random"')).batch(300)
    assert Counter(pdu_of(shot).destination_addr[-1:] for shot in anyhow).keys() == set(ordered)


def test_senders_are_drawn_with_their_types(tmp_path: Path) -> None:
    keys = 'text = "{from}"\nsource_addr = ["MyBank", "60300", "+447700900999", ""]'
    pdus = [(pdu_of(shot), text_of(shot)) for shot in traffic(profile(tmp_path, MANY + keys)).batch(60)]
    assert {(pdu.source_addr, pdu.source_addr_ton, pdu.source_addr_npi, text) for pdu, text in pdus} == {
        (b"MyBank", 5, 0, "MyBank"),
        (b"60300", 3, 0, "60300"),
        (b"447700900999", 1, 1, "447700900999"),
        (b"", 0, 0, ""),
    }


def test_types_of_the_profile_win(tmp_path: Path) -> None:
    keys = 'text = "x"\nsource_addr = "A long sender name!"\nsource_addr_ton = 6\nsource_addr_npi = 9\n'
    (shot,) = traffic(profile(tmp_path, ONE + keys + "dest_addr_ton = 2\ndest_addr_npi = 0")).batch(1)
    pdu = pdu_of(shot)
    assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (6, 9, b"A long sender name!")
    assert (pdu.dest_addr_ton, pdu.dest_addr_npi) == (2, 0)


def test_shares_are_kept(tmp_path: Path) -> None:
    text = (
        MANY
        + 'text = "x"\nweight = 3\nencoding = { gsm7 = 80, ucs2 = 20 }\nregistered_delivery = 1\n'
        + "registered_delivery_share = 25\n"
        + ONE.replace("900000", "900099")
        + 'text = "y"\nmultipart = { share = 50, text = "z" }'
    )
    shots = traffic(profile(tmp_path, text)).batch(20_000)
    kinds = Counter(shot.kind for shot in shots)
    assert kinds["many"] / 20_000 == pytest.approx(0.75, abs=0.02)
    many = [pdu_of(shot) for shot in shots if shot.kind == "many"]
    assert sum(pdu.data_coding == 8 for pdu in many) / len(many) == pytest.approx(0.2, abs=0.02)
    assert sum(shot.wants_receipt for shot in shots) / kinds["many"] == pytest.approx(0.25, abs=0.02)
    long = sum(text_of(shot) == "z" for shot in shots if shot.kind == "one")
    assert long / kinds["one"] == pytest.approx(0.5, abs=0.03)


def test_parts_follow_each_other_over_the_end_of_a_batch(tmp_path: Path) -> None:
    made = traffic(profile(tmp_path, MANY + f'text = "{"x" * 307}"'))
    shots = [shot for _ in range(6) for shot in made.batch(1)]
    headers = [pdu_of(shot).short_message[:6] for shot in shots]
    assert [header[5] for header in headers] == [1, 2, 3, 1, 2, 3]
    assert headers[0][3] == headers[2][3] != headers[3][3]
    assert len({pdu_of(shot).destination_addr for shot in shots}) == 2
    assert all(shot.part for shot in shots)


def test_references_of_workers_begin_apart(tmp_path: Path) -> None:
    source = profile(tmp_path, ONE + f'text = "{"x" * 161}{{n}}"')
    firsts = [pdu_of(traffic(source, worker=w, workers=4).batch(1)[0]).short_message[3] for w in range(4)]
    assert firsts == [0, 64, 128, 192]


def test_a_text_that_became_too_long_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(f'to,text\n447700900001,"{"x" * 60_000}"\n447700900002,short\n')
    made = traffic(profile(tmp_path, '[[traffic]]\nname = "a"\ntext = "{text}"\ncsv = { file = "s.csv" }'))
    assert [text_of(shot) for shot in made.batch(3)] == ["short"] * 3
    assert made.counts.too_long == 3


CSV = '[[traffic]]\nname = "a"\ntext = "{name} {to}"\ncsv = { file = "s.csv", column = "msisdn" }'


def test_texts_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("name,msisdn\nAnn,+44 7700 900001\nŁucja,447700900002\n")
    shots = traffic(profile(tmp_path, CSV)).batch(3)
    assert [text_of(shot) for shot in shots] == ["Ann 447700900001", "Łucja 447700900002", "Ann 447700900001"]
    assert [pdu_of(shot).data_coding for shot in shots] == [0, 8, 0]
    other = traffic(profile(tmp_path, CSV), worker=0, workers=2).batch(2)
    assert [text_of(shot) for shot in other] == ["Łucja 447700900002"] * 2


def test_a_file_that_has_gone(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("name,msisdn\nAnn,447700900001\n")
    source = profile(tmp_path, CSV)
    path.unlink()
    with pytest.raises(ProfileError, match=r"s.csv: cannot be read"):
        traffic(source)


def test_times_are_those_of_the_clock(tmp_path: Path) -> None:
    now = [0.0]
    made = traffic(profile(tmp_path, MANY + 'text = "{time:%H:%M:%S}"'), clock=lambda: now[0])
    assert text_of(made.batch(1)[0]) == "00:00:00"
    now[0] = 3_661.9
    assert text_of(made.batch(1)[0]) == "01:01:01"


def test_others_take_the_place_of_those_who_opted_out(tmp_path: Path) -> None:
    made = traffic(profile(tmp_path, 'opted_out = ["447700900001-447700900008"]\n' + MANY + 'text = "{n}"'))
    assert [pdu_of(shot).destination_addr[-1:] for shot in made.batch(4)] == [b"0", b"9", b"0", b"9"]
    assert made.counts.suppressed == 16


def test_a_batch_ends_when_nobody_is_left(tmp_path: Path) -> None:
    for order in ("sequential", "random"):
        nobody = traffic(profile(tmp_path, f'opted_out = ["44770xxxx"]\n{ONE.replace("447700900000", "44770xxxx")}'
                                           f'order = "{order}"\ntext = "x"'))  # fmt: skip
        assert nobody.batch(2) == []
        assert nobody.counts.suppressed == 2 * MAX_SKIPPED
    alone = traffic(profile(tmp_path, 'opted_out = ["447700900000"]\n' + ONE + 'text = "x"'))
    assert alone.batch(5) == []
