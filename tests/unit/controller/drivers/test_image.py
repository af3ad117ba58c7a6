"""Suspicious images, made here with the real tools: each is refused by its own name before it is opened."""

import struct

import pytest

from appliance.host import LocalHost
from controller.drivers import image, image_errors, image_taking

HOST = LocalHost()


def qemu(*words):
    return HOST.run(["qemu-img", *map(str, words)])


@pytest.fixture
def folder(tmp_path):
    for part in (tmp_path, *list(tmp_path.parents)[:3]):
        part.chmod(0o755)
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o777)
    return tmp_path


@pytest.fixture
def sound(folder):
    path = folder / "sound.qcow2"
    qemu("create", "-q", "-f", "qcow2", path, "64M")
    HOST.run(["qemu-io", "-f", "qcow2", "-c", "write -P 0x42 0 1M", str(path)])
    return path


def patched(path, at, data):
    whole = bytearray(path.read_bytes())
    whole[at : at + len(data)] = data
    path.write_bytes(whole)
    return path


def disk(path, size=1 << 20, entry=(2048 // 4, 1024)):
    """A raw disk with one MBR partition."""
    head = bytearray(512)
    head[446 + 4] = 0x83
    head[446 + 8 : 446 + 16] = struct.pack("<II", *entry)
    head[510:512] = b"\x55\xaa"
    path.write_bytes(bytes(head))
    with path.open("r+b") as file:
        file.truncate(size)
    return path


def test_sound_images_are_known_for_what_they_are(sound, folder):
    assert image.examine(sound) == image.Found("qcow2", 64 << 20)
    assert image.examine(disk(folder / "disk.raw")) == image.Found("raw", 1 << 20)


def test_a_sound_image_becomes_one_of_our_own(sound, folder):
    target = folder / "out" / "new.qcow2"
    image_taking.take(HOST, sound, image.examine(sound), target, 1 << 30)
    assert image.examine(target).size == 64 << 20
    assert qemu("compare", sound, target).code == 0


@pytest.mark.parametrize("cluster", ["512", "65536", "2M"])
def test_a_fresh_image_whose_last_cluster_is_short_is_whole(folder, cluster):
    path = folder / "fresh.qcow2"
    qemu("create", "-q", "-f", "qcow2", "-o", f"cluster_size={cluster}", path, "16M")
    target = folder / "out" / "new.qcow2"
    image_taking.take(HOST, path, image.examine(path), target, 1 << 30)
    assert image.examine(target).size == 16 << 20


def test_a_raw_disk_into_which_a_guest_wrote_a_qcow2_header_is_refused(folder):
    """Whose first bytes are qcow2 is taken for qcow2 here, once, and refused for what it names."""
    trick = folder / "trick.raw"
    qemu("create", "-q", "-f", "qcow2", "-F", "raw", "-b", "/etc/hosts", trick, "1M")
    with pytest.raises(image_errors.RefersElsewhere):
        image.examine(trick)


@pytest.mark.parametrize("backing", ["/etc/shadow", 'json:{"driver":"file"}', "nbd://h/x"])
def test_a_backing_file_is_refused(folder, sound, backing):
    path = patched(sound, 8, struct.pack(">QI", 512, len(backing)))
    patched(path, 512, backing.encode())
    with pytest.raises(image_errors.RefersElsewhere):
        image.examine(path)


def test_a_data_file_is_refused(folder):
    path = folder / "outside.qcow2"
    option = f"data_file={folder / 'data.raw'},data_file_raw=on"
    qemu("create", "-q", "-f", "qcow2", "-o", option, path, "1M")
    with pytest.raises(image_errors.RefersElsewhere):
        image.examine(path)
    whole = bytearray(path.read_bytes())
    whole[72:80] = bytes(8)  # its flag taken away, its name left
    path.write_bytes(whole)
    with pytest.raises(image_errors.RefersElsewhere):
        image.examine(path)


def test_a_size_that_no_volume_has_is_refused(sound):
    with pytest.raises(image_errors.ImageTooLarge):
        image.examine(patched(sound, 24, struct.pack(">Q", 8 << 60)))


def test_a_large_promise_in_a_small_file_is_refused(folder):
    path = folder / "huge.qcow2"
    qemu("create", "-q", "-f", "qcow2", path, "5T")
    with pytest.raises(image_errors.ImageTooLarge):
        image.examine(path)


@pytest.mark.parametrize("left", [40, 200, 200_000])
def test_a_truncated_qcow2_is_refused(sound, folder, left):
    path = folder / "short.qcow2"
    path.write_bytes(sound.read_bytes()[:left])
    with pytest.raises((image_errors.TruncatedImage, image_errors.DamagedImage)):
        image_taking.take(HOST, path, image.examine(path), folder / "out" / "x", 1 << 30)


def test_a_qcow2_that_lost_its_data_is_refused(sound, folder):
    """All tables are there, the last clusters of data are not: QEMU would read zeros."""
    path = folder / "tail.qcow2"
    whole = sound.read_bytes()
    path.write_bytes(whole[: len(whole) - 512 * 1024])
    found = image.examine(path)
    with pytest.raises((image_errors.TruncatedImage, image_errors.DamagedImage)):
        image_taking.take(HOST, path, found, folder / "out" / "x", 1 << 30)


def test_truncated_raw_disks_are_refused(folder):
    with pytest.raises(image_errors.TruncatedImage):
        image.examine(disk(folder / "mbr.raw", entry=(2048, 1 << 20)))
    HOST.run(
        ["mkfs.ext4", "-q", "-F", str(folder / "fs"), "8M"], env={"PATH": "/usr/sbin:/usr/bin"}
    )
    assert image.examine(folder / "fs").format == "raw"
    short = folder / "short.fs"
    short.write_bytes((folder / "fs").read_bytes()[: 4 << 20])
    with pytest.raises(image_errors.TruncatedImage):
        image.examine(short)


def test_encrypted_images_are_refused(folder, sound):
    (folder / "luks").write_bytes(b"LUKS\xba\xbe" + bytes(1 << 20))
    with pytest.raises(image_errors.EncryptedImage):
        image.examine(folder / "luks")
    with pytest.raises(image_errors.EncryptedImage):
        image.examine(patched(sound, 32, struct.pack(">I", 1)))
    with pytest.raises(image_errors.EncryptedImage):
        image.examine(patched(sound, 32, struct.pack(">I", 2)))


@pytest.mark.parametrize("form", ["vmdk", "vhdx", "vpc", "vdi", "qed"])
def test_other_formats_are_refused_with_the_way_to_convert(folder, form):
    path = folder / f"other.{form}"
    qemu("create", "-q", "-f", form, path, "8M")
    with pytest.raises(image_errors.ForeignFormat) as refused:
        image.examine(path)
    assert "qemu-img convert" in refused.value.advice.en


def test_snapshots_and_unsound_headers_are_refused(folder, sound):
    kept = folder / "kept.qcow2"
    kept.write_bytes(sound.read_bytes())
    qemu("snapshot", "-c", "s1", kept)
    with pytest.raises(image_errors.ImageHasSnapshots):
        image.examine(kept)
    cases = {
        (60, struct.pack(">I", 65536)): image_errors.ImageHasSnapshots,
        (4, struct.pack(">I", 9)): image_errors.UnknownFeature,
        (20, struct.pack(">I", 63)): image_errors.DamagedImage,
        (36, struct.pack(">I", 1 << 31)): image_errors.DamagedImage,
        (72, struct.pack(">Q", 1 << 40)): image_errors.UnknownFeature,
        (72, struct.pack(">Q", 2)): image_errors.DamagedImage,
        (100, struct.pack(">I", 1 << 30)): image_errors.DamagedImage,
        (40, struct.pack(">Q", 1 << 50)): image_errors.TruncatedImage,
    }
    for (at, data), error in cases.items():
        path = folder / "case.qcow2"
        path.write_bytes(sound.read_bytes())
        with pytest.raises(error):
            image.examine(patched(path, at, data))


@pytest.mark.parametrize("data", [b"", b"hello", bytes(1 << 20), b"\x1f\x8b" + bytes(4094)])
def test_what_is_no_disk_is_refused(folder, data):
    path = folder / "file"
    path.write_bytes(data)
    with pytest.raises((image_errors.NotAnImage, image_errors.ForeignFormat)):
        image.examine(path)


def test_a_file_that_grows_beyond_the_room_is_stopped(sound, folder):
    with pytest.raises(image_errors.ImageTooLarge):
        image_taking.take(HOST, sound, image.examine(sound), folder / "out" / "x", 512 * 1024)
