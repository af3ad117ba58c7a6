"""Tampering with a real journal and its sealed heads, at seeded places: every way of it is found."""

import datetime as dt
import itertools
import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.canonical import canonical
from appliance.clock import iso, now
from appliance.errors import BoxError
from network.gateway import heads, transfers
from network.gateway import journal as writer
from network.gateway.examine import Evidence, examine
from network.gateway.heads import Head, Signers
from network.gateway.journal import Journal
from network.gateway.records import (
    SEGMENT_HEAD,
    Facts,
    encode,
    read_segment,
    segment_head,
    sm3,
)
from network.gateway.retention import prune
from network.gateway.segments import anchor_file, segments, start_of
from network.gateway.vault import Vault

VAULT = Vault.fresh()
RECORDS = 330
SEEDS = range(4)


@dataclass
class Case:
    """A journal with its heads, and what was sent to syslog while it grew."""

    folder: Path
    file: Path
    signers: Signers
    sent: list[bytes]
    earlier: Path  # the same journal as it once was, older

    def copy(self, aside: Path) -> "Case":
        shutil.copytree(self.folder.parent, aside)
        return Case(aside / "journal", aside / "heads.jsonl", self.signers, self.sent, self.earlier)

    def examine(self, **given):
        return examine(self.folder, Evidence(self.file.read_bytes(), self.signers.public, **given))

    def seal(self) -> None:
        head = transfers.verify(self.folder)
        self.sent.append(heads.seal(self.file, Head(head.number, head.chain), self.signers))


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Case:
    """330 records in about 25 files, sealed every 30, the beginning put away after 150."""
    base = tmp_path_factory.mktemp("original")
    made = base / "box"
    (made / "journal").mkdir(parents=True)
    case = Case(
        made / "journal",
        made / "heads.jsonl",
        Signers.ensure(base / "keys"),
        [],
        base / "earlier",
    )
    journal = Journal(case.folder, VAULT, segment_limit=3000, spare=0)
    for number in range(RECORDS):
        key, event = f"d{number // 2}", ("accepted", "delivered")[number % 2]
        journal.append(
            Facts(event=event, channel="c", delivery=key), b"" if number % 2 else b"x" * 60
        )
        journal.commit()
        if number % 30 == 29:
            case.seal()
        if number == 150:
            gone = prune(case.folder, case.file, case.signers, {"c": dt.timedelta(days=1)},
                         now() + dt.timedelta(days=400))  # fmt: skip
            assert gone.segments > 5
            shutil.copytree(made, case.earlier)
    journal.close()
    return case


@pytest.fixture
def case(original, tmp_path) -> Case:
    return original.copy(tmp_path / "copy")


def test_the_untouched_one_holds(case):
    found = case.examine(witnesses=tuple(case.sent), vault=VAULT)
    assert (found.last, found.sealed) == (RECORDS, RECORDS)
    assert found.first == 151
    assert found.bodies == 90
    assert found.witnesses == len(case.sent)


def test_it_holds_while_the_last_write_is_torn(case):
    path = segments(case.folder)[-1]
    path.write_bytes(path.read_bytes() + b"\0\0\1")
    assert case.examine().last == RECORDS


# Ways of tampering: each changes the copy; `rng` picks the place.


def parts(case):
    """Return for each segment its head and the bytes of its records."""
    found = {}
    for path in segments(case.folder):
        data, at, cut = path.read_bytes(), SEGMENT_HEAD.size, []
        while at < len(data):
            end = at + 16 + (int.from_bytes(data[at : at + 4], "big") & 0x7FFFFFFF) + 32
            cut.append(data[at:end])
            at = end
        found[path] = (data[: SEGMENT_HEAD.size], cut)
    return found


def flip(case, rng):
    path = rng.choice(segments(case.folder))
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def drop(case, rng):
    path, (head, cut) = rng.choice(list(parts(case).items()))
    del cut[rng.randrange(len(cut))]
    path.write_bytes(head + b"".join(cut))


def swap(case, rng):
    path, (head, cut) = rng.choice([p for p in parts(case).items() if len(p[1][1]) > 1])
    i, j = rng.sample(range(len(cut)), 2)
    cut[i], cut[j] = cut[j], cut[i]
    path.write_bytes(head + b"".join(cut))


def double(case, rng):
    path, (head, cut) = rng.choice(list(parts(case).items()))
    cut.append(rng.choice(cut))
    path.write_bytes(head + b"".join(cut))


def truncate(case, rng):
    """Whole records off the end: the chain itself still holds."""
    path, (head, cut) = list(parts(case).items())[-1]
    keep = rng.randrange(len(cut))
    path.write_bytes(head + b"".join(cut[:keep])) if keep else path.unlink()


def drop_segment(case, rng):
    rng.choice(segments(case.folder)).unlink()


def swap_segments(case, rng):
    one, two = rng.sample(segments(case.folder), 2)
    data = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(data)


def forge(case, rng):
    """A whole new chain from one segment on, consistent in itself, another body in one record."""
    before, victim = None, rng.choice([r.number for r in transfers.records(case.folder)])
    for path in segments(case.folder):
        (head, _), found = parts(case)[path], []
        number, own = int.from_bytes(head[8:16], "big"), head[16:48]
        chain = before or own
        made = segment_head(number, chain, head[48:])
        chain = sm3(made)
        for record in _of(path):
            told = record.told.replace(b'"c"', b'"z"') if record.number == victim else record.told
            data, chain = encode(record.number, chain, told, record.stored)
            found.append(data)
        path.write_bytes(made + b"".join(found))
        before = chain
    transfers.verify(case.folder)  # the chain alone does not see it


def _of(path):
    data = path.read_bytes()
    return list(read_segment(data, *start_of(data)))


def replay(case, rng):
    """Put the journal back as it once was; the heads stay."""
    shutil.rmtree(case.folder)
    shutil.copytree(case.earlier / "journal", case.folder)


def replay_all(case, rng):
    """Journal and heads, both as they once were: only what was sent away knows better."""
    replay(case, rng)
    shutil.copy(case.earlier / "heads.jsonl", case.file)


def lines(case):
    return case.file.read_bytes().split(b"\n")[:-1]


def save(case, told):
    case.file.write_bytes(b"".join(line + b"\n" for line in told))


def head_flip(case, rng):
    told = lines(case)
    at = rng.randrange(len(told))
    line = bytearray(told[at])
    line[rng.randrange(len(line))] ^= 1
    told[at] = bytes(line)
    save(case, told)


def head_drop(case, rng):
    told = lines(case)
    del told[rng.randrange(len(told) - 1)]
    save(case, told)


def head_swap(case, rng):
    told = lines(case)
    i, j = rng.sample(range(len(told)), 2)
    told[i], told[j] = told[j], told[i]
    save(case, told)


def head_rollback(case, rng):
    """The last lines gone: what was sent away knows better."""
    save(case, lines(case)[: rng.randrange(1, len(lines(case)))])


def other_key(case, rng):
    """Everything sealed anew by somebody else's keys."""
    other = Signers.ensure(case.file.parent / "keys")
    told = [json.loads(line)["head"] for line in lines(case)]
    previous, made = "", []
    for head in told:
        head["previous"] = previous or head["previous"]
        made.append(heads.sign(Head(**head), other.ed25519, other.sm2))
        previous = sm3(made[-1]).hex()
    save(case, made)


def one_signature(case, rng):
    """The last line re-signed with one true key and one false."""
    told = lines(case)
    other = Signers.ensure(case.file.parent / "keys")
    head = Head(**json.loads(told[-1])["head"])
    true = json.loads(told[-1])
    false = json.loads(heads.sign(head, other.ed25519, other.sm2))
    kind = rng.choice(["ed25519", "sm2"])
    told[-1] = canonical({**true, kind: false[kind]})
    save(case, told)


def no_signature(case, rng):
    told = lines(case)
    true = json.loads(told[-1])
    del true[rng.choice(["ed25519", "sm2"])]
    told[-1] = canonical(true)
    save(case, told)


def anchor_gone(case, rng):
    anchor_file(case.folder).unlink()


def anchor_is_a_head(case, rng):
    """History cut off at a sealed head that falls on the end of a file, shown as an anchor."""
    starts = {int(p.stem) - 1: p for p in segments(case.folder)}
    ends = {record.number: record.hash.hex() for record in transfers.records(case.folder)}
    number = rng.choice([n for n in starts if n in ends])
    line = heads.sign(Head(number, ends[number]), case.signers.ed25519, case.signers.sm2)
    _cut_at(case, number, line)


def anchor_forged(case, rng):
    """The same with an anchor of a stranger."""
    other = Signers.ensure(case.file.parent / "keys")
    ends = {record.number: record.hash.hex() for record in transfers.records(case.folder)}
    number = rng.choice([int(p.stem) - 1 for p in segments(case.folder)][1:])
    _cut_at(
        case,
        number,
        heads.sign(Head(number, ends[number], kind="anchor"), other.ed25519, other.sm2),
    )


def anchor_altered(case, rng):
    file = anchor_file(case.folder)
    told = json.loads(file.read_bytes())
    ends = {record.number: record.hash.hex() for record in transfers.records(case.folder)}
    number = rng.choice([int(p.stem) - 1 for p in segments(case.folder)][1:])
    told["head"] |= {"number": number, "chain": ends[number]}
    _cut_at(case, number, canonical(told))


def _cut_at(case, number, line):
    for path in segments(case.folder):
        if int(path.stem) <= number:
            path.unlink()
    anchor_file(case.folder).write_bytes(line)
    transfers.verify(case.folder)  # the chain alone does not see it


ALONE = [flip, drop, swap, double, truncate, drop_segment, swap_segments, forge, replay, head_flip,
         head_drop, head_swap, other_key, one_signature, no_signature, anchor_gone,
         anchor_is_a_head, anchor_forged, anchor_altered]  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("tamper", ALONE, ids=lambda f: f.__name__)
def test_tampering_is_found_with_journal_heads_and_public_keys_alone(case, tamper, seed):
    tamper(case, random.Random(f"{tamper.__name__} {seed}"))  # noqa: S311 - places, no secrets
    with pytest.raises(BoxError) as raised:
        case.examine()
    assert raised.value.code in {
        "gateway.journal_broken", "gateway.heads_broken", "signing.bad_signature",
    }  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("tamper", [replay_all, head_rollback], ids=lambda f: f.__name__)
def test_what_was_sent_away_shows_a_box_turned_back(case, tamper, seed):
    tamper(case, random.Random(f"{tamper.__name__} {seed}"))  # noqa: S311 - places, no secrets
    case.examine()  # consistent in itself
    with pytest.raises(heads.HeadsBroken):
        case.examine(witnesses=tuple(case.sent))


def test_a_noted_record_shows_it_too(case):
    seen = transfers.verify(case.folder)
    case.examine(seen=seen)
    replay_all(case, None)
    with pytest.raises(BoxError):
        case.examine(seen=seen)


def test_syslog_lines_are_found_among_others(case):
    text = ["Nov 22 hbox kernel: nothing", f"Nov 22 hbox hbox-gateway: {case.sent[-1].decode()}\n"]
    assert list(heads.in_syslog(text)) == [case.sent[-1]]


def test_a_witness_of_another_box_is_no_witness(case):
    other = Signers.ensure(case.file.parent / "keys")
    with pytest.raises(BoxError):
        case.examine(witnesses=(heads.sign(Head(1, "00"), other.ed25519, other.sm2),))


def test_records_that_nobody_sealed_for_long_are_said(tmp_path, monkeypatch):
    start, ticks = now(), itertools.count()
    monkeypatch.setattr(writer, "iso", lambda: iso(start + dt.timedelta(seconds=60 * next(ticks))))
    (tmp_path / "journal").mkdir()
    case = Case(tmp_path / "journal", tmp_path / "heads", Signers.ensure(tmp_path), [], tmp_path)
    journal = Journal(case.folder, VAULT)
    for number in range(40):
        journal.append(Facts(event="started"))
        journal.commit()
        if number in (0, 12):
            case.seal()
        if number in (14, 26):
            case.examine()
    with pytest.raises(heads.HeadsBroken, match="not sealed"):
        case.examine()
    case.seal()
    case.examine()


def test_a_line_cut_by_a_crash_is_written_anew(case):
    whole = case.file.read_bytes()
    case.file.write_bytes(whole + b'{"ed25519":"00')
    case.examine()
    case.seal()
    assert case.file.read_bytes().startswith(whole + b'{"ed25519":')
    case.examine(witnesses=tuple(case.sent))
    case.sent.pop()
