"""Virus signatures from an upload: only the very file that was asked for, verified by the real programs."""

import hashlib

import pytest

from controller.actions.signatures import ImportSignatures
from tests.unit.controller.workers.box import Box

UPLOAD = "0b7f1c1e-9a44-4a52-8f0e-1d6a5f3c2b10.hmod"
OWN = b"HBox.Test.Sample:0:*:48424f582d53414d504c452d5354524e47\n"


@pytest.fixture
def box(tmp_path) -> Box:
    box = Box.new(tmp_path)
    (tmp_path / "uploads").mkdir()
    return box


def asked(box, data, name="own.ndb", digest=""):
    (box.folder / "uploads" / UPLOAD).write_bytes(data)
    return box.done(
        "sue", ImportSignatures(name, UPLOAD, digest or hashlib.sha256(data).hexdigest())
    )


def held(box):
    folder = box.folder / "signatures"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_good_file_comes_into_force_under_its_own_name(box):
    job = asked(box, OWN)
    assert job.state == "succeeded", job.error
    assert (job.result["name"], job.result["signed"], job.result["signatures"]) == (
        "own.ndb", False, "1",
    )  # fmt: skip
    assert (box.folder / "signatures" / "own.ndb").read_bytes() == OWN


@pytest.mark.parametrize(
    ("data", "name"), [(b"no signature at all\n", "own.ndb"), (OWN, "daily.cvd")]
)
def test_what_the_programs_do_not_take_changes_nothing(box, data, name):
    job = asked(box, data, name)
    assert (job.state, job.error["code"]) == ("failed", "gateway.signatures_refused")
    assert held(box) == []


def test_another_file_than_the_one_asked_for(box):
    job = asked(box, OWN, digest="0" * 64)
    assert (job.state, job.error["code"]) == ("failed", "module.other_file")
    assert held(box) == []


def test_a_link_in_the_uploads_is_not_followed(box):
    secret = box.folder / "secret"
    secret.write_bytes(OWN)
    (box.folder / "uploads" / UPLOAD).symlink_to(secret)
    action = ImportSignatures("own.ndb", UPLOAD, hashlib.sha256(OWN).hexdigest())
    job = box.done("sue", action)
    assert (job.state, job.error["code"]) == ("failed", "object.not_found")
    assert held(box) == []
