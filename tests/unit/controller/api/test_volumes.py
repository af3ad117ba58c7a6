"""Volumes, templates and evidence of erasures through the API: real records, a real server."""

import hashlib
import json
import uuid

import pytest

from appliance.canonical import canonical, digest
from appliance.signing import SigningKey
from controller.records.session import transaction
from controller.records.tables import Job, Node, Vm, Volume


@pytest.fixture(scope="module")
def system(site):
    with transaction(site.controller.engine) as session:
        session.get(Node, "node-1").home = True
    return site.administrator("sysadmin")


def volume(site, name, **more):
    owner = str(uuid.uuid4())
    with transaction(site.controller.engine) as session:
        session.add(
            Volume(
                id=f"{owner}/data", kind="data", path="", name=name, storage="dir", node="node-1",
                size_gib=2, serial="vol-1", **more,
            )
        )  # fmt: skip
    return owner


def job(site, answer):
    assert answer.status == 202, answer.data
    with transaction(site.controller.engine) as session:
        return session.get(Job, answer.json["id"]).action


def test_a_volume_is_asked_for_listed_and_shown(site, system):
    got = system.post("/volumes", {"name": "records", "gib": 3})
    asked = job(site, got)
    assert (asked["name"], asked["storage"], asked["node"]) == ("records", "dir", "node-1")
    shown = system.get("/volumes/records")
    assert (shown.json["actual"], shown.json["size_gib"]) == ("absent", 3)
    assert shown.headers["etag"] == '"1"'
    assert [one["name"] for one in system.get("/volumes?kind=data").json["items"]] == ["records"]
    assert system.get("/volumes?filter=name%20eq%20none").json["items"] == []
    assert system.post("/volumes", {"name": "records", "gib": 3}).code == "volume.name_taken"
    assert system.post("/volumes", {"name": "far", "gib": 1, "storage": "rbd"}).code == (
        "storage.unusable"
    )


def test_every_deed_names_the_machine_that_has_the_volume(site, system):
    owner, vm = volume(site, "held"), str(uuid.uuid4())
    with transaction(site.controller.engine) as session:
        session.add(
            Vm(
                id=vm, name="hut", node="node-1", zone="extranet", address="10.88.0.99",
                mac="52:54:00:00:00:99", vcpus=1, memory_mib=512, disk_gib=2, wished="stopped",
                actual="stopped", job_id="j", created_at="now",
            )
        )  # fmt: skip
    assert job(site, system.post("/volumes/held/attach", {"vm": "hut"})) == {
        "volume_id": owner,
        "vm_id": vm,
    }
    with transaction(site.controller.engine) as session:
        session.get(Volume, f"{owner}/data").vm_id = vm
        session.get(Volume, f"{owner}/data").snapshots = ["s1"]
    asked = {
        "detach": (None, {}),
        "grow": ({"gib": 5}, {"gib": 5}),
        "snapshots": ({"name": "s2"}, {"name": "s2"}),
        "snapshots/s1/rollback": (None, {"name": "s1"}),
    }
    for address, (body, more) in asked.items():
        assert job(site, system.post(f"/volumes/{owner}/{address}", body)) == {
            "volume_id": owner, "vm_id": vm, **more,
        }  # fmt: skip
    assert system.ask("DELETE", f"/api/v1/volumes/{owner}").code == "volume.attached"
    gone = system.ask("DELETE", f"/api/v1/volumes/{owner}/snapshots/s1")
    assert job(site, gone)["name"] == "s1"


def test_what_cannot_be_is_refused_with_a_code(site, system):
    owner = volume(site, "plain")
    cases = (
        ("POST", "/volumes", {"name": "B_", "gib": 1}, 400),
        ("POST", "/volumes", {"name": "ok", "gib": 0}, 400),
        ("POST", "/volumes", {"name": "ok", "gib": 1, "node": "nowhere"}, 404),
        ("POST", f"/volumes/{owner}/detach", None, 409),
        ("POST", f"/volumes/{owner}/grow", {"gib": 1}, 400),
        ("POST", f"/volumes/{owner}/snapshots/none/rollback", None, 404),
        ("POST", f"/volumes/{owner}/move", {"storage": "dir", "node": "node-1"}, 400),
        ("POST", f"/volumes/{owner}/clone", {"name": "c1"}, 400),
        ("GET", "/volumes/none", None, 404),
        ("GET", "/volumes/..%2F..", None, 404),
    )
    for method, path, body, status in cases:
        got = system.ask(method, f"/api/v1{path}", body)
        assert got.status == status, (path, got.data)
        assert got.json["error"]["hint"]["zh"]


def test_a_volume_that_changed_since_it_was_read_is_left_alone(site, system):
    owner = volume(site, "stale")
    got = system.ask("DELETE", f"/api/v1/volumes/{owner}", headers={"If-Match": '"7"'})
    assert (got.status, got.code) == (412, "object.stale")


def test_an_image_is_handed_in_and_imported(site, system):
    data = b"QFI\xfb" + bytes(4096)
    kind = {"Content-Type": "application/octet-stream"}
    held = system.ask("POST", "/api/v1/templates/uploads", raw=data, headers=kind)
    assert held.status == 201, held.data
    assert held.json["digest"] == hashlib.sha256(data).hexdigest()
    body = {"name": "debian", "version": "13.1", **{k: held.json[k] for k in ("upload", "digest")}}
    assert job(site, system.post("/templates", body))["boot"] == "disk"
    names = [one["name"] for one in system.get("/templates").json["items"]]
    assert names == ["guest-base", "debian"]
    assert system.get("/templates/debian:13.1").json["state"] == "importing"
    assert system.post("/templates", body).code == "template.taken"
    assert system.post("/templates/debian/check").code == "template.busy"
    missing = {**body, "version": "2", "upload": f"{uuid.uuid4()}.img"}
    assert system.post("/templates", missing).status == 404


def test_evidence_is_shown_and_a_forged_line_is_not_valid(site, system):
    folder = site.controller.settings.state / "erasures"
    folder.mkdir()
    key = SigningKey.load_or_new(site.controller.settings.keys / "report.key")
    (folder / "report.key.pub").write_bytes(key.public.pem)
    assert system.get("/erasures").json["items"] == []
    previous, lines = digest(b""), []
    for number, volume_id in enumerate(("a/data", "b/data"), 1):
        said = {
            "number": number, "at": "now", "what": "erased", "volume": volume_id, "storage": "dir",
            "node": "n", "job": 1, "actor": "sam", "previous": previous, "bytes": 7,
        }  # fmt: skip
        line = canonical({**said, "signature": key.sign(canonical(said)).hex()})
        previous = digest(line)
        lines.append(line)
    forged = canonical({**json.loads(lines[1]), "number": 3, "previous": previous})
    (folder / "erased.jsonl").write_bytes(b"\n".join([*lines, forged]) + b"\ntorn")
    shown = system.get("/erasures").json["items"]
    assert [(one["number"], one["valid"]) for one in shown] == [(3, False), (2, True), (1, True)]
    assert [one["number"] for one in system.get("/erasures?volume=a").json["items"]] == [1]
