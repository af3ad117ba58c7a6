"""Seals: appended only, torn lines dropped, never put on a chain that does not follow the last one."""

import json
import os

import pytest
from sqlalchemy import text

from appliance import audit as chain
from appliance.errors import BoxError
from appliance.signing import SigningKey
from controller.records import audit
from controller.records.session import open_records, transaction
from controller.records.tables import Base
from controller.workers.seals import Seals


@pytest.fixture
def engine(tmp_path):
    made = open_records(f"sqlite:///{tmp_path / 'box.sqlite'}")
    Base.metadata.create_all(made)
    return made


@pytest.fixture
def key():
    return SigningKey.new()


def add(engine, count=1):
    with transaction(engine) as session:
        for _ in range(count):
            audit.append(session, audit.entry("sam", "system", "x", on="y", outcome="done"))


def test_the_head_is_sealed_when_it_grew(engine, key, tmp_path):
    path = tmp_path / "audit" / "seals.jsonl"
    seals = Seals(path, key)
    assert not seals.seal(engine)
    add(engine, 3)
    assert seals.seal(engine)
    assert not seals.seal(engine)
    add(engine)
    assert seals.seal(engine)
    held = [chain.Seal(**json.loads(line)) for line in path.read_text().splitlines()]
    assert [seal.number for seal in held] == [3, 4]
    for seal in held:
        chain.check_seal(seal, key.public)
    assert Seals(path, key).last() == seals.last()


def test_a_torn_line_never_counted(engine, key, tmp_path):
    path = tmp_path / "seals.jsonl"
    add(engine)
    Seals(path, key).seal(engine)
    with path.open("ab") as file:
        file.write(b'{"number": 2, "he')
    add(engine)
    again = Seals(path, key)
    assert again.last().number == 1
    assert again.seal(engine)
    assert [json.loads(line)["number"] for line in path.read_text().splitlines()] == [1, 2]


def test_a_chain_that_was_rewritten_is_not_sealed(engine, key, tmp_path):
    add(engine, 2)
    seals = Seals(tmp_path / "seals.jsonl", key)
    seals.seal(engine)
    with transaction(engine) as session:
        session.execute(text("DELETE FROM audit"))
    add(engine, 3)
    with pytest.raises(chain.ChainBroken):
        seals.seal(engine)
    assert seals.last().number == 2


def test_a_seal_of_another_key_is_noticed(engine, key, tmp_path):
    add(engine)
    Seals(tmp_path / "seals.jsonl", key).seal(engine)
    with pytest.raises(BoxError):
        Seals(tmp_path / "seals.jsonl", SigningKey.new())


def test_a_seal_that_the_full_disk_cut_off_leaves_nothing_behind(
    engine, key, tmp_path, monkeypatch
):
    path = tmp_path / "seals.jsonl"
    seals = Seals(path, key)
    add(engine)
    real = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda fd, data: real(fd, data[:20]))
        with pytest.raises(OSError, match="No space"):
            seals.seal(engine)
    assert seals.seal(engine)
    assert [json.loads(line)["number"] for line in path.read_text().splitlines()] == [1]
    assert Seals(path, key).last() == seals.last()


def test_who_only_shows_the_seals_can_read_them_whatever_the_umask(engine, key, tmp_path):
    before = os.umask(0o007)
    try:
        add(engine)
        Seals(tmp_path / "seals.jsonl", key).seal(engine)
    finally:
        os.umask(before)
    for name in ("seals.jsonl", "audit.key.pub"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o644
