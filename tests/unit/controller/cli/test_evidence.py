"""`hbox gateway verify` on another machine: a copied folder, the heads, two public keys, nothing else."""

import json
import shutil

import pytest

from controller.cli import main
from network.gateway import heads, transfers, vault
from network.gateway.heads import Head, Signers
from network.gateway.journal import Journal
from network.gateway.records import Facts


@pytest.fixture
def copied(tmp_path):
    """The arguments that verify a copy of a box's journal."""
    box, there = tmp_path / "box", tmp_path / "there"
    (box / "journal").mkdir(parents=True)
    vault.ensure(box / "journal.key")
    signers = Signers.ensure(box / "keys")
    journal = Journal(box / "journal", vault.load(box / "journal.key"))
    for number in range(20):
        journal.append(Facts(event="accepted", delivery=f"d{number}"), b"body")
    journal.close()
    head = transfers.verify(box / "journal")
    line = heads.seal(box / "heads.jsonl", Head(head.number, head.chain), signers)
    (box / "syslog").write_text(f"Nov 22 00:00:00 box hbox: {line.decode()}\n")
    shutil.copytree(box, there)
    for private in (there / "keys").iterdir():
        if private.suffix != ".pub":
            private.unlink()
    return there


def run(there, *more):
    given = ["--journal", there / "journal", "--heads", there / "heads.jsonl"]
    given += ["--keys", there / "keys", "--syslog", there / "syslog", *more]
    return main(["gateway", "verify", *map(str, given)])


def test_a_copy_is_verified_with_public_keys_alone(copied, capsys):
    assert run(copied, "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["last"], told["sealed"], told["witnesses"]) == (20, 20, 1)
    assert run(copied, "--bodies", copied / "journal.key") == 0
    assert "20" in capsys.readouterr().out


@pytest.mark.parametrize("spoil", ["journal", "heads", "keys", "rolled back", "no keys"])
def test_what_does_not_hold_is_said_and_ends_with_a_failure(copied, capsys, spoil):
    if spoil == "journal":
        (path,) = (copied / "journal").glob("*.seg")
        path.write_bytes(path.read_bytes()[:-40])
    elif spoil == "heads":
        file = copied / "heads.jsonl"
        file.write_bytes(file.read_bytes().replace(b'"number":20', b'"number":19'))
    elif spoil == "keys":
        shutil.rmtree(copied / "keys")
        Signers.ensure(copied / "keys")
    elif spoil == "rolled back":
        (copied / "heads.jsonl").write_bytes(b"")
    else:
        shutil.rmtree(copied / "keys")
    assert run(copied) != 0
    assert capsys.readouterr().err


def test_what_is_not_there_is_said_with_what_to_do(copied, capsys):
    assert main(["gateway", "verify", "--journal", str(copied / "none")]) == 1
    told = capsys.readouterr().err
    assert "[cli.evidence_away]" in told
    assert "--journal" in told


def test_a_folder_that_may_not_be_read_is_no_stack_of_calls(copied, capsys, monkeypatch):
    def closed(_keys):
        raise PermissionError(13, "Permission denied", "journal-ed25519.key.pub")

    monkeypatch.setattr(heads.Verifiers, "load", closed)
    assert run(copied) == 1
    assert "[cli.needs_root]" in capsys.readouterr().err
