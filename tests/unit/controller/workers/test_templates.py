"""Templates: taken in by the real tools, signed, checked, refused when changed; machines made from them."""

import hashlib
import json
import shutil

import pytest

from appliance import chance
from appliance.errors import BadInput, BoxError
from appliance.host import LocalHost
from controller.actions.templates import (
    CheckTemplate,
    ImportTemplate,
    RemoveTemplate,
    TemplateInUse,
    TemplateTaken,
)
from controller.actions.vms import CreateVm, DeleteVm
from controller.records.cluster import Template
from controller.workers import template_shelf, templates
from controller.workers.template_shelf import Shelf, TemplateChanged
from tests.unit.controller.workers.machines import Cluster

HOST = LocalHost()


@pytest.fixture
def cluster(tmp_path):
    for part in (tmp_path, *list(tmp_path.parents)[:3]):
        part.chmod(0o755)  # the confined tools run as nobody
    made = Cluster.new(tmp_path)
    (tmp_path / "uploads").mkdir()
    return made


def handed_in(cluster, *, backing=False):
    name = f"{chance.new_id()}.img"
    path = cluster.settings.state / "uploads" / name
    argv = ["qemu-img", "create", "-q", "-f", "qcow2"]
    base = ["-F", "raw", "-b", "/etc/hosts"] if backing else []
    HOST.run([*argv, *base, str(path), "64M"])
    if not backing:
        HOST.run(["qemu-io", "-f", "qcow2", "-c", "write -P 0x42 0 64k", str(path)])
    return name, hashlib.sha256(path.read_bytes()).hexdigest()


def take(cluster, name="debian", version="13.1", *, ends="succeeded", **more):
    template = chance.new_id()
    upload, digest = handed_in(cluster, **more)
    job = cluster.done(ImportTemplate(template, name, version, upload, digest, "disk"), ends=ends)
    return template, job


def row(cluster, template):
    return next((one for one in cluster.rows(Template) if one.id == template), None)


def machine(cluster, template, **more):
    vm = chance.new_id()
    asked = {"zone": "extranet", "node": "n2", "vcpus": 1, "memory_mib": 512, "disk_gib": 2}
    action = CreateVm(vm, "hut", start=False, storage="dir", template_id=template, **asked)
    return vm, cluster.done(action, **more)


def test_an_image_becomes_a_template_and_machines_rest_on_it(cluster):
    template, _ = take(cluster)
    held, shelf = row(cluster, template), Shelf(cluster.settings)
    assert (held.state, held.format, held.size_mib, held.boot) == ("ready", "qcow2", 64, "disk")
    assert held.digest == template_shelf.digest_of(shelf.file(template))
    assert held.signer == shelf.key.public.fingerprint
    assert list((cluster.settings.state / "uploads").iterdir()) == []
    assert {path.name for path in shelf.folder.iterdir()} == {
        f"{template}.qcow2",
        f"{template}.json",
    }
    vm, _ = machine(cluster, template)
    storage = cluster.site.nodes["n2"].storage
    assert template in storage.images()
    disk = str(storage.source(f"{vm}/system").path)
    argv = ["qemu-io", "-f", "qcow2", "-c", "read -P 0x42 0 64k", disk]
    assert HOST.run(argv, check=False).code == 0
    cluster.done(CheckTemplate(template))
    with pytest.raises(TemplateInUse):
        cluster.ask(RemoveTemplate(template))
    cluster.done(DeleteVm(vm))
    cluster.done(RemoveTemplate(template))
    assert row(cluster, template) is None
    assert (storage.images(), list(shelf.folder.iterdir())) == ({"guest-base"}, [])


def test_a_trick_is_refused_and_leaves_nothing(cluster):
    template, job = take(cluster, backing=True, ends="failed")
    assert job.error["code"] == "image.refers_elsewhere"
    assert row(cluster, template) is None
    assert list(Shelf(cluster.settings).folder.iterdir()) == []
    assert list((cluster.settings.state / "uploads").iterdir()) == []


def test_an_upload_that_was_exchanged_is_refused(cluster):
    upload, _ = handed_in(cluster)
    action = ImportTemplate(chance.new_id(), "debian", "1", upload, "0" * 64, "disk")
    job = cluster.done(action, ends="failed")
    assert job.error["code"] == "template.other_upload"
    assert cluster.rows(Template) == []


def test_an_upload_that_is_a_link_is_not_followed(cluster):
    name = f"{chance.new_id()}.img"
    (cluster.settings.state / "uploads" / name).symlink_to("/etc/shadow")
    action = ImportTemplate(chance.new_id(), "debian", "1", name, "0" * 64, "disk")
    assert cluster.done(action, ends="failed").error["code"] == "object.not_found"


def spoil(path):
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xff")


def test_a_template_whose_file_changed_is_never_used(cluster):
    template, _ = take(cluster)
    spoil(Shelf(cluster.settings).file(template))
    _, job = machine(cluster, template, ends="failed")
    assert job.error["code"] == "template.changed"
    job = cluster.done(CheckTemplate(template), ends="failed")
    assert job.error["code"] == "template.changed"
    assert row(cluster, template).state == "changed"
    with pytest.raises(BoxError):
        machine(cluster, template)


def test_a_copy_in_a_storage_that_changed_is_found(cluster):
    template, _ = take(cluster)
    machine(cluster, template)
    copy = cluster.folder / "volumes" / "n2" / ".images" / f"{template}.qcow2"
    whole = copy.read_bytes()
    spoil(copy)
    job = cluster.done(CheckTemplate(template), ends="failed")
    assert job.error["fields"]["why"] == "dir@n2"
    assert row(cluster, template).state == "changed"
    copy.write_bytes(whole)
    cluster.done(CheckTemplate(template))
    assert row(cluster, template).state == "ready"
    spoil(copy)
    templates.look_at_all(cluster.site)
    assert row(cluster, template).state == "changed"


@pytest.mark.parametrize(
    "forged", [{"boot": "kernel"}, {"name": "other"}, {"digest": "0" * 64}, {"version": "9"}]
)
def test_a_row_that_says_otherwise_than_what_was_signed_is_refused(cluster, forged):
    template, _ = take(cluster)
    cluster.change(Template, template, **forged)
    with pytest.raises(TemplateChanged):
        templates.fit(cluster.site, row(cluster, template))


def test_a_description_that_was_altered_or_exchanged_is_refused(cluster):
    template, _ = take(cluster)
    other, _ = take(cluster, "ubuntu")
    shelf = Shelf(cluster.settings)
    whole = shelf.word(template).read_bytes()
    said = json.loads(whole)
    said["said"]["size_mib"] = 1
    shelf.word(template).write_text(json.dumps(said))
    with pytest.raises(TemplateChanged):
        shelf.whole(template)
    shutil.copy(shelf.word(other), shelf.word(template))
    with pytest.raises(TemplateChanged):
        shelf.whole(template)
    shelf.word(template).unlink()
    with pytest.raises(TemplateChanged):
        shelf.whole(template)


def test_name_and_version_are_one_templates_own(cluster):
    take(cluster)
    with pytest.raises(TemplateTaken):
        take(cluster)
    take(cluster, version="13.2")
    with pytest.raises(BadInput):
        ImportTemplate(
            chance.new_id(), "guest-base", "1", f"{chance.new_id()}.img", "0" * 64, "disk"
        )


def test_a_digest_is_not_computed_fifty_times(cluster, monkeypatch):
    template, _ = take(cluster)
    counted = []
    real = template_shelf.digest_of
    monkeypatch.setattr(template_shelf, "digest_of", lambda f: counted.append(f) or real(f))
    shelf = Shelf(cluster.settings)
    for _ in range(3):
        shelf.whole(template)
    assert counted == []
    shelf.whole(template, anew=True)
    assert len(counted) == 1
