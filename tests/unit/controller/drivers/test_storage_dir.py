"""Volumes are real files made by the real programs."""

import json

import pytest

from appliance.errors import BadInput
from appliance.host import LocalHost
from controller.drivers.storage_dir import DirStorage

VM = "6f1c1b1e-9a44-4a52-8f0e-1d6a5f3c2b10"


@pytest.fixture
def storage(tmp_path):
    return DirStorage(tmp_path / "volumes", LocalHost())


@pytest.fixture
def base(tmp_path):
    path = tmp_path / "base.qcow2"
    LocalHost().run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), "64M"])
    return path


def test_a_system_volume_is_a_linked_clone(storage, base):
    path = storage.system(VM, base, 2)
    facts = json.loads(LocalHost().run(["qemu-img", "info", "--output=json", str(path)]).text)
    assert facts["virtual-size"] == 2 * 1024**3
    assert facts["full-backing-filename"] == str(base)
    assert path.stat().st_size < 1024**2


def test_a_system_volume_that_is_there_is_kept(storage, base):
    path = storage.system(VM, base, 2)
    with path.open("ab") as file:
        file.write(b"data of the guest")
    before = path.read_bytes()
    assert storage.system(VM, base, 2) == path
    assert path.read_bytes() == before


def test_a_half_made_volume_is_made_anew(storage, base):
    half = storage.console(VM).with_name(".system.qcow2.new")
    half.write_bytes(b"half")
    path = storage.system(VM, base, 2)
    assert path.exists()
    assert not half.exists()


def test_an_image_holds_its_files_under_its_label(storage, tmp_path):
    big = tmp_path / "bundle"
    big.write_bytes(b"b" * 5000)
    path = storage.image(VM, "module", "HBOXMODULE", {"module.hmod": big, "note": b"hello"})
    argv = [
        "xorriso",
        "-indev",
        str(path),
        "-osirrox",
        "on",
        "-extract",
        "/",
        str(tmp_path / "out"),
    ]
    said = LocalHost().run(argv)
    assert (tmp_path / "out" / "module.hmod").read_bytes() == b"b" * 5000
    assert (tmp_path / "out" / "note").read_bytes() == b"hello"
    assert b"HBOXMODULE" in said.err
    storage.drop(VM, "module")
    storage.drop(VM, "module")
    assert not path.exists()


def test_erasing_leaves_nothing_even_if_cut_off_half_way(storage, base):
    storage.system(VM, base, 2)
    folder = storage.console(VM).parent
    folder.rename(folder.with_name(f".erased-{VM}"))
    assert storage.owners() == {VM}
    storage.erase(VM)
    storage.erase(VM)
    assert storage.owners() == frozenset()


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\0b", ".hidden"])
def test_no_name_leaves_its_folder(storage, name):
    with pytest.raises(BadInput):
        storage.erase(name)
    with pytest.raises(BadInput):
        storage.image(VM, name, "X", {})
