"""The journal's keys: bodies open only where they belong, nonces never come twice, keys can change."""

import pytest

from network.gateway import transfers, vault
from network.gateway.journal import Journal
from network.gateway.records import Facts
from network.gateway.segments import segments
from network.gateway.vault import BadJournalKey, BodySealed, Key, Vault

NAME = "张伟 110101199003070039".encode()


def test_a_body_opens_only_under_its_key_number_and_facts():
    here = Vault.fresh()
    stored = here.seal(7, b"facts", NAME)
    assert here.open(here.ident, 7, b"facts", stored) == NAME
    assert NAME not in stored
    tries = [(here.ident, 8, b"facts", stored), (here.ident, 7, b"other", stored),
             (b"12345678", 7, b"facts", stored), (here.ident, 7, b"facts", stored[:20])]  # fmt: skip
    tries += [
        (here.ident, 7, b"facts", stored[:i] + bytes([stored[i] ^ 1]) + stored[i + 1 :])
        for i in range(len(stored))
    ]
    for told in tries:
        with pytest.raises(BodySealed):
            here.open(*told)


def test_it_is_sm4_gcm_of_the_standard():
    # RFC 8998, Appendix A.1: SM4-GCM.
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    nonce = bytes.fromhex("00001234567800000000abcd")
    plain = bytes.fromhex(
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
        "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"
    )
    aad = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    text = bytes.fromhex(
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
    )
    tag = bytes.fromhex("83de3541e4c2b58177e065a9bf7b62ec")
    # The vault binds a number (8 bytes) and facts: together they are the example's 20 bytes.
    number, told = int.from_bytes(aad[:8], "big"), aad[8:]
    ident = b"example1"
    assert Vault((Key(ident, key),)).open(ident, number, told, nonce + text + tag) == plain


def test_no_nonce_comes_twice_where_numbers_do(tmp_path):
    """A write that was torn off and written again uses its numbers again, with other bytes."""
    here = Vault.fresh()
    nonces = []
    for _ in range(40):
        journal = Journal(tmp_path, here)
        assert list(journal.recover()) == []
        nonces.append(journal.append(Facts(event="accepted"), NAME).record.stored[:12])
        journal.commit()
        (path,) = segments(tmp_path)
        path.write_bytes(path.read_bytes()[:-5])
        journal._file = -1  # as a process that is gone
        assert list(Journal(tmp_path, here).recover()) == []
        for old in tmp_path.iterdir():
            old.unlink()
    assert len(set(nonces)) == 40
    many = Vault.fresh()
    assert len({many.seal(n, b"", b"x")[:12] for n in range(500)}) == 500


def test_keys_change_and_old_bodies_still_open(tmp_path):
    file, folder = tmp_path / "journal.key", tmp_path / "j"
    folder.mkdir()
    vault.ensure(file)
    vault.ensure(file)
    marks = set()
    for turn in range(3):
        here = vault.load(file)
        marks.add(here.mark(NAME))
        journal = Journal(folder, here)
        assert len(list(journal.recover())) == turn
        journal.append(Facts(event="accepted", delivery=f"d{turn}"), NAME + b"%d" % turn)
        journal.close()
        vault.rotate(file)
    assert len(vault.parse(file.read_text())) == 4
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(segments(folder)) == 3
    for number in (1, 2, 3):
        text = transfers.body(folder, number, vault.load(file))
        assert text == NAME + b"%d" % (number - 1)
    assert len(marks) == 1
    assert not any(NAME in path.read_bytes() for path in folder.iterdir())
    with pytest.raises(BodySealed):
        transfers.body(folder, 1, Vault.fresh())


def test_no_body_without_a_key(tmp_path):
    journal = Journal(tmp_path)
    journal.append(Facts(event="started"))
    with pytest.raises(BadJournalKey):
        journal.append(Facts(event="accepted"), NAME)


@pytest.mark.parametrize("text", ["", "00", "00 11", "zz " + "0" * 32, "0011223344556677 " * 2,
                                  ("0011223344556677 " + "0" * 32 + "\n") * 2])  # fmt: skip
def test_a_bad_key_file_is_refused(tmp_path, text):
    (tmp_path / "k").write_text(text)
    with pytest.raises(BadJournalKey):
        vault.load(tmp_path / "k")
    with pytest.raises(BadJournalKey):
        vault.load(tmp_path / "none")


def test_keys_never_show_themselves():
    assert "00" * 16 not in repr(Key(b"12345678", bytes(16)))
