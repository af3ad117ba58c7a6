"""The attachments of people's statements leave with the records and come back, or it is said which do not."""

import io
import json
import shutil
import zipfile
from dataclasses import dataclass, field

import pytest

from appliance.canonical import canonical, digest
from appliance.host import LocalHost
from appliance.sealing import ForRecovery, Passphrase, RecoveryKey, WrongKey
from appliance.secret import Secret
from appliance.signing import SigningKey
from controller.cli import main
from controller.records.assessment import ComplianceStatement
from controller.records.parcel import BadParcel
from controller.records.session import open_records, transaction
from controller.workers import records_papers as papers
from controller.workers.records_copies import close, new_key, spread, uncover
from controller.workers.records_export import pack
from controller.workers.records_restore import restore
from controller.workers.site import NodeDrivers, Site
from tests.unit.controller.records.keeper import WORDS, Keeper, quiet

PLAN, POLICY = b"%PDF-1.7 floor plan", bytes(range(256)) * 5000


def answered(keeper, *files, name="one"):
    """A statement that names files, each kept by its digest as the worker keeps it."""
    folder = keeper.settings.state / "attachments"
    folder.mkdir(exist_ok=True)
    held = [{"name": f"{digest(d)[:4]}.pdf", "size": len(d), "sha256": digest(d)} for d in files]
    for data in files:
        (folder / digest(data)).write_bytes(data)
    engine = open_records(keeper.settings.database)
    with transaction(engine) as session:
        session.add(
            ComplianceStatement(
                id=name, item="8.1.6.1.a", subject="person:site", verdict="conform", record="seen",
                review_by="2027-01-01", attachments=held, digest="0" * 64, asked_by="sam", asked_at="now",
                state="withdrawn",
            )
        )  # fmt: skip
    engine.dispose()


def kept(keeper):
    folder = keeper.settings.state / "attachments"
    return {path.name: path.read_bytes() for path in folder.glob("*")}


def bent(parcel, change):
    """The same file with some members changed (`change`: name, bytes -> bytes, or None for gone)."""
    whole, made = zipfile.ZipFile(parcel), io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        for name in whole.namelist():
            data = change(name, whole.read(name))
            if data is not None:
                out.writestr(name, data)
    made.seek(0)
    return made


@pytest.fixture
def goal(tmp_path):
    return Keeper.at(tmp_path / "two", "")


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    made = Keeper.at(tmp_path_factory.mktemp("grown"), "")
    made.live()
    answered(made, PLAN, POLICY)
    return made.settings.state


@pytest.fixture
def small(tmp_path, grown):
    made = Keeper.at(tmp_path / "one", "")
    shutil.copytree(grown, made.settings.state, dirs_exist_ok=True)
    return made


def test_attachments_arrive_on_the_other_box_and_database(tmp_path, url, request):
    other = "" if url.startswith("postgresql") else request.getfixturevalue("empty")
    lived, there = Keeper.at(tmp_path / "one", url), Keeper.at(tmp_path / "two", other)
    lived.live()
    answered(lived, PLAN, POLICY)
    answered(lived, PLAN, name="two")  # the same file once more
    file = lived.export()
    assert PLAN not in b"".join(
        zipfile.ZipFile(file).read(n) for n in zipfile.ZipFile(file).namelist()
    )
    done = restore(there.settings, file, Passphrase(WORDS), quiet)
    assert (done.attachments, done.lack) == (2, ())
    assert kept(there) == kept(lived)
    assert all(
        p.stat().st_mode & 0o777 == 0o640 for p in (there.settings.state / "attachments").iterdir()
    )
    assert not list(there.settings.state.glob(".restoring*"))


def test_what_is_gone_or_changed_is_named_and_the_rest_is_exported(small, goal):
    folder = small.settings.state / "attachments"
    (folder / digest(PLAN)).unlink()
    (folder / digest(POLICY)).write_bytes(POLICY[:-1])
    answered(small, b"a third", name="two")
    held, engine = io.BytesIO(), open_records(small.settings.database)
    packed = pack(small.settings, engine, held, Passphrase(WORDS))
    engine.dispose()
    assert len(packed.lack) == 2
    assert any(digest(PLAN)[:16] in one for one in packed.lack)
    done = restore(goal.settings, held, Passphrase(WORDS), quiet)
    assert kept(goal) == {digest(b"a third"): b"a third"}
    assert sorted(done.lack) == sorted(packed.lack)


@pytest.mark.parametrize("what", ["altered", "gone", "exchanged"])
def test_a_bad_attachment_in_the_file_is_refused_or_left_out(small, goal, what):
    name = papers.FOLDER + "/" + digest(PLAN)
    file = small.export()
    other_one = zipfile.ZipFile(file).read(papers.FOLDER + "/" + digest(POLICY))

    def change(member, data):
        if member != name:
            return data
        return {"altered": data[:-1] + bytes([data[-1] ^ 1]), "gone": None, "exchanged": other_one}[
            what
        ]

    with pytest.raises(papers.AttachmentsAltered) as caught:
        restore(goal.settings, bent(file, change), Passphrase(WORDS), quiet)
    assert caught.value.code == "records.attachments_altered"
    assert digest(PLAN)[:16] in caught.value.message.en
    assert caught.value.hint.zh
    assert list((goal.settings.state / "db").iterdir()) == []
    assert kept(goal) == {}
    offered = papers.Offered(leave=True)
    done = restore(goal.settings, bent(file, change), Passphrase(WORDS), quiet, offered)
    assert kept(goal) == {digest(POLICY): POLICY}
    assert (done.attachments, len(done.lack)) == (1, 1)


def test_an_attachment_that_nobody_listed_is_refused(small, goal):
    file = small.export()
    with zipfile.ZipFile(file, "a") as more:
        more.writestr("attachments/" + "0" * 64, b"x")
    with pytest.raises(BadParcel):
        restore(goal.settings, file, Passphrase(WORDS), quiet)


def test_a_file_from_before_attachments_is_restored_and_what_lacks_is_named(small, goal):
    file = zipfile.ZipFile(small.export())
    said = json.loads(file.read("manifest.json"))
    said["form"] = "hbox-records-1"
    said["members"] = {n: m for n, m in said["members"].items() if not n.startswith("attachments")}
    manifest = canonical(said)
    key = SigningKey.load(small.settings.keys / "audit.key")
    new = {"manifest.json": manifest, "manifest.sig": key.sign(manifest).hex().encode()}
    old = bent(file.fp, lambda n, d: None if n.startswith("attachments") else new.get(n, d))
    (goal.settings.state / "attachments").mkdir()
    (goal.settings.state / "attachments" / digest(PLAN)).write_bytes(PLAN)
    done = restore(goal.settings, old, Passphrase(WORDS), quiet)
    assert done.attachments == 0
    [lacking] = done.lack  # the other one lies on this box already
    assert digest(POLICY)[:16] in lacking
    assert kept(goal) == {digest(PLAN): PLAN}


def test_what_lay_there_under_its_name_and_is_another_file_goes_aside(small, goal, tmp_path):
    (goal.settings.state / "attachments").mkdir()
    (goal.settings.state / "attachments" / digest(PLAN)).write_bytes(b"rotten")
    done = restore(goal.settings, small.export(), Passphrase(WORDS), quiet)
    assert kept(goal)[digest(PLAN)] == PLAN
    aside = tmp_path / "two" / "state" / done.aside.rpartition("/")[2]
    assert (aside / "attachments" / digest(PLAN)).read_bytes() == b"rotten"


@dataclass
class Node(LocalHost):
    """Another node: this machine, with what was written there."""

    written: list[str] = field(default_factory=list)

    def write(self, path, data, *, mode=0o644):
        self.written.append(path)
        super().write(path, data, mode=mode)


def test_attachments_lie_beside_the_copies_once_and_open_with_the_recovery_key(small, goal):
    engine = open_records(small.settings.database)
    typed = new_key(small.settings, engine)
    packed, data = close(small.settings, engine)
    key, node = RecoveryKey.read(typed), Node()
    copies = goal.settings.state / "copies"
    told = (node, copies, small.settings.state, list(packed.attachments))
    assert papers.keep_on(*told, ForRecovery(key.public)) == 2
    assert papers.keep_on(*told, ForRecovery(key.public)) == 0, "once"
    assert not any(PLAN in path.read_bytes() for path in copies.rglob("*.hpaper"))
    assert papers.beside(copies, RecoveryKey.new()) == {}
    offered = papers.Offered(papers.beside(copies, key))
    done = restore(goal.settings, uncover(data, key), key, quiet, offered)
    engine.dispose()
    assert (done.attachments, done.lack) == (2, ())
    assert kept(goal) == kept(small)


def test_a_new_recovery_key_takes_the_place_of_the_former_only_where_it_can(small, tmp_path):
    old, new, node = RecoveryKey.new(), RecoveryKey.new(), Node()
    copies, wanted = tmp_path / "copies", [digest(PLAN), digest(POLICY)]
    papers.keep_on(node, copies, small.settings.state, wanted, ForRecovery(old.public))
    (small.settings.state / "attachments" / digest(PLAN)).unlink()
    papers.keep_on(node, copies, small.settings.state, wanted, ForRecovery(new.public))
    assert set(papers.beside(copies, new)) == {digest(POLICY)}
    last = papers.beside(copies, old)
    assert set(last) == {digest(PLAN)}, "the only one that is left anywhere stays"
    assert last[digest(PLAN)]() == PLAN


def test_the_worker_lays_copy_and_attachments_on_the_other_node(small):
    engine, node = open_records(small.settings.database), Node()
    key = RecoveryKey.read(new_key(small.settings, engine))
    nodes = {"home": NodeDrivers(None, None, Node()), "other": NodeDrivers(None, None, node)}
    assert spread(Site(small.settings, engine, nodes)) == ["other"]
    engine.dispose()
    assert [path.rpartition(".")[2] for path in node.written] == ["hcopy", "hpaper", "hpaper"]
    held = papers.beside(small.settings.state / "copies", key)
    assert {get() for get in held.values()} == {PLAN, POLICY}


def test_a_wrong_passphrase_leaves_no_attachment(small, goal):
    with pytest.raises(WrongKey):
        restore(goal.settings, small.export(), Passphrase(Secret("some other words")), quiet)
    assert kept(goal) == {}


def test_the_command_writes_what_there_is_and_names_what_lacks(small, goal, monkeypatch, capsys):
    words = small.settings.state / "words"
    words.write_text(WORDS.reveal() + "\n")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("controller.cli.records.load", lambda: small.settings)
    (small.settings.state / "attachments" / digest(PLAN)).unlink()
    file = str(small.settings.state / "out.hbox")
    said = ["--passphrase-file", str(words), "--format", "json"]
    assert main(["records", "export", file, *said]) != 0
    told = capsys.readouterr()
    assert json.loads(told.out)["attachments"] == 1
    assert "records.attachments_lack" in told.err
    monkeypatch.setattr("controller.cli.records.load", lambda: goal.settings)
    assert main(["records", "restore", file, "--leave-attachments", *said]) == 0
    [lacking] = json.loads(capsys.readouterr().out)["lack"]
    assert digest(PLAN)[:16] in lacking
    assert kept(goal) == {digest(POLICY): POLICY}
