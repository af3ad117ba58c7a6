"""Volumes are real files made by the real programs."""

import json

import pytest

from appliance.errors import BadInput
from appliance.host import LocalHost
from controller.drivers.storage_dir import DirStorage

VM = "6f1c1b1e-9a44-4a52-8f0e-1d6a5f3c2b10"


@pytest.fixture
def base(tmp_path):
    path = tmp_path / "base.qcow2"
    LocalHost().run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), "64M"])
    return path


@pytest.fixture
def storage(tmp_path, base):
    return DirStorage(tmp_path / "volumes", LocalHost(), {"guest-base": base})


def system(storage):
    storage.clone(f"{VM}/system", "guest-base", 2)
    return storage.source(f"{VM}/system").path


def test_a_system_volume_is_a_linked_clone(storage, base):
    path = system(storage)
    facts = json.loads(LocalHost().run(["qemu-img", "info", "--output=json", str(path)]).text)
    assert facts["virtual-size"] == 2 * 1024**3
    assert facts["full-backing-filename"] == str(base)
    assert path.stat().st_size < 1024**2


def test_a_system_volume_that_is_there_is_kept(storage):
    path = system(storage)
    with path.open("ab") as file:
        file.write(b"data of the guest")
    before = path.read_bytes()
    assert system(storage) == path
    assert path.read_bytes() == before


def test_a_half_made_volume_is_made_anew(storage):
    half = storage.console(VM).with_name(".system.qcow2.new")
    half.write_bytes(b"half")
    assert system(storage).exists()
    assert not half.exists()


def test_an_image_holds_its_files_under_its_label(storage, tmp_path):
    big = tmp_path / "bundle"
    big.write_bytes(b"b" * 5000)
    storage.write(f"{VM}/module", "HBOXMODULE", {"module.hmod": big, "note": b"hello"})
    path, out = storage.source(f"{VM}/module").path, tmp_path / "out"
    argv = ["xorriso", "-indev", str(path), "-osirrox", "on", "-extract", "/", str(out)]
    said = LocalHost().run(argv)
    assert (out / "module.hmod").read_bytes() == b"b" * 5000
    assert (out / "note").read_bytes() == b"hello"
    assert b"HBOXMODULE" in said.err
    storage.erase(f"{VM}/module")
    storage.erase(f"{VM}/module")
    assert not path.exists()


def test_erasing_leaves_nothing_even_if_cut_off_half_way(storage):
    system(storage)
    folder = storage.console(VM).parent
    folder.rename(folder.with_name(f".erased-{VM}"))
    assert storage.owners() == {VM}
    storage.forget(VM)
    storage.forget(VM)
    assert storage.owners() == frozenset()


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\0b", ".hidden"])
def test_no_name_leaves_its_folder(storage, name):
    with pytest.raises(BadInput):
        storage.erase(f"{VM}/{name}")
    with pytest.raises(BadInput):
        storage.write(f"{name}/seed", "X", {})
