"""Bundles: what was packed and signed verifies; every damage is refused with its own code."""

import functools
import io
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.canonical import digest
from appliance.errors import BoxError
from appliance.sdk import archive, bundle, errors
from appliance.sdk.trust import Trust
from appliance.signing import SigningKey
from tests.unit.sdk import sample


def test_round_trip(tmp_path: Path) -> None:
    path, trust, key = sample.signed(tmp_path)
    assert path.name == "acme-visit-1.2.3.hmod"
    got = bundle.verify(path, trust, sample.LIMIT)
    assert (got.manifest.id, got.manifest.version) == ("acme-visit", "1.2.3")
    assert got.key == key.public.fingerprint
    assert got.digest == digest(path.read_bytes())
    assert got.size == path.stat().st_size
    with tarfile.open(path) as tar:
        assert tar.getnames() == [
            "module.toml",
            "payload/wheels/acme_visit-1.2.3-py3-none-any.whl",
            "payload/acme-visit.service",
            "digests.json",
            "signature.json",
        ]


def test_packing_and_signing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    key = SigningKey.new()
    found = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        path = sample.unsigned(folder)
        bundle.sign(path, key, sample.LIMIT)
        bundle.sign(path, key, sample.LIMIT)
        found.append(path.read_bytes())
    assert found[0] == found[1]


@functools.cache
def _held() -> tuple[bytes, Trust]:
    with tempfile.TemporaryDirectory() as folder:
        path, trust, _ = sample.signed(Path(folder))
        return path.read_bytes(), trust


def _verify(data: bytes, trust: Trust, limit: int = sample.LIMIT) -> bundle.Bundle:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.hmod"
        path.write_bytes(data)
        return bundle.verify(path, trust, limit)


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0), mask=st.integers(1, 255))
def test_any_flipped_byte_is_refused(at: int, mask: int) -> None:
    data, trust = _held()
    damaged = bytearray(data)
    damaged[at % len(data)] ^= mask
    with pytest.raises(BoxError) as caught:
        _verify(bytes(damaged), trust)
    assert caught.value.code.startswith("module.")


@settings(max_examples=100, deadline=None)
@given(size=st.integers(0))
def test_any_shorter_file_is_refused_as_cut_short(size: int) -> None:
    data, trust = _held()
    with pytest.raises(errors.CutShort):
        _verify(data[: size % len(data)], trust)


@pytest.mark.parametrize("junk", [b"\0", b"x", bytes(512), bytes(10240)])
def test_trailing_data_is_refused(junk: bytes) -> None:
    data, trust = _held()
    with pytest.raises(errors.TrailingData):
        _verify(data + junk, trust)


def test_unsigned_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.Unsigned):
        bundle.verify(sample.unsigned(tmp_path), Trust(), sample.LIMIT)


def test_oversize_is_refused() -> None:
    data, trust = _held()
    with pytest.raises(errors.BundleTooLarge):
        _verify(data, trust, limit=len(data) - 1)


def test_keys_are_limited_to_their_vendors_modules(tmp_path: Path) -> None:
    path, _, key = sample.signed(tmp_path)
    with pytest.raises(errors.UnknownKey):
        bundle.verify(path, sample.trust(SigningKey.new()), sample.LIMIT)
    for vendor, ids in (("acme", ("acme-other",)), ("acme", ("ac-*",)), ("evil", ("acme-*",))):
        with pytest.raises(errors.KeyNotAllowed):
            bundle.verify(path, sample.trust(key, vendor, ids), sample.LIMIT)
    assert bundle.verify(path, sample.trust(key, ids=("acme-visit",)), sample.LIMIT)


def test_signature_of_another_bundle_is_refused(tmp_path: Path) -> None:
    data, trust = _held()
    (tmp_path / "other").mkdir()
    members = _members(data)
    other = sample.unsigned(tmp_path / "other", sample.MANIFEST.replace("1.0.0", "1.1.0"))
    fresh = _members(other.read_bytes())
    fresh["signature.json"] = members["signature.json"]
    with pytest.raises(errors.WrongSignature):
        _verify(_packed(tmp_path, fresh), trust)


def test_an_exchanged_member_is_refused(tmp_path: Path) -> None:
    data, trust = _held()
    members = _members(data)
    members["module.toml"] = members["module.toml"].replace(b"extranet", b"intranet")
    with pytest.raises(errors.Altered):
        _verify(_packed(tmp_path, members), trust)


def test_added_and_dropped_members_are_refused(tmp_path: Path) -> None:
    data, trust = _held()
    more = _members(data) | {"payload/wheels/evil-1-py3-none-any.whl": b"x"}
    with pytest.raises(errors.Altered):
        _verify(_packed(tmp_path, more), trust)
    less = _members(data)
    del less["payload/acme-visit.service"]
    with pytest.raises(errors.Altered):
        _verify(_packed(tmp_path, less), trust)


def _members(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]


def _packed(folder: Path, members: dict[str, bytes]) -> bytes:
    out = folder / "made.hmod"
    archive.write(members.items(), out)
    return out.read_bytes()


def _link(info: tarfile.TarInfo) -> None:
    info.type, info.linkname, info.size = tarfile.SYMTYPE, "/etc/shadow", 0


def _hard_link(info: tarfile.TarInfo) -> None:
    info.type, info.linkname, info.size = tarfile.LNKTYPE, "module.toml", 0


def _device(info: tarfile.TarInfo) -> None:
    info.type, info.size = tarfile.CHRTYPE, 0


def _setuid(info: tarfile.TarInfo) -> None:
    info.mode = 0o4755


def _owner(info: tarfile.TarInfo) -> None:
    info.uname = "root"


def _dated(info: tarfile.TarInfo) -> None:
    info.mtime = 1


def _named(name: str) -> Callable[[tarfile.TarInfo], None]:
    def change(info: tarfile.TarInfo) -> None:
        info.name = name

    return change


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_link, "module.not_a_file"),
        (_hard_link, "module.not_a_file"),
        (_device, "module.not_a_file"),
        (_setuid, "module.malformed"),
        (_owner, "module.malformed"),
        (_dated, "module.malformed"),
        (_named("../module.toml"), "module.bad_path"),
        (_named("/etc/passwd"), "module.bad_path"),
        (_named("payload/../module.toml"), "module.bad_path"),
        (_named("payload/wheels/../../x-1-py3-none-any.whl"), "module.bad_path"),
        (_named("payload/wheels/x\n-1-py3-none-any.whl"), "module.bad_path"),
        (_named("./module.toml"), "module.bad_path"),
        (_named("module.toml/"), "module.bad_path"),
        (_named("digests.json"), "module.duplicate"),
    ],
)
def test_hostile_headers(change: Callable[[tarfile.TarInfo], None], code: str) -> None:
    data, trust = _held()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in _members(data).items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if name == "module.toml":
                change(info)
            tar.addfile(info, io.BytesIO(content))
    with pytest.raises(BoxError) as caught:
        _verify(out.getvalue(), trust)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("kind", "code"), [("pax", "module.not_a_file"), ("order", "module.malformed")]
)
def test_other_byte_forms_of_the_same_members(kind: str, code: str) -> None:
    data, trust = _held()
    out = io.BytesIO()
    form = tarfile.PAX_FORMAT if kind == "pax" else tarfile.USTAR_FORMAT
    members = list(_members(data).items())
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, content in reversed(members) if kind == "order" else members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.pax_headers = {"comment": "hidden"}
            tar.addfile(info, io.BytesIO(content))
    trimmed = out.getvalue()[: len(data)] if kind == "order" else out.getvalue()
    with pytest.raises(BoxError) as caught:
        _verify(trimmed, trust)
    assert caught.value.code == code


def test_a_bundle_with_a_foreign_unit_or_wheel_is_not_packed(tmp_path: Path) -> None:
    with pytest.raises(errors.UnitInvalid):
        sample.unsigned(tmp_path, unit=sample.UNIT.replace("DynamicUser=yes", "User=root"))
    with pytest.raises(errors.Malformed):
        sample.unsigned(tmp_path, sample.MANIFEST.replace("acme_visit", "other"))


def test_the_box_checks_the_unit_whatever_the_vendor_signed(tmp_path: Path) -> None:
    data, _ = _held()
    key = SigningKey.new()
    members = _members(data)
    unit = members["payload/acme-visit.service"].replace(b"NoNewPrivileges=yes\n", b"")
    members["payload/acme-visit.service"] = unit
    members["digests.json"] = bundle._digests(  # a vendor that patched its own SDK
        bundle.manifest.parse(members["module.toml"]),
        {n: c for n, c in members.items() if n not in ("digests.json", "signature.json")},
    )
    path = tmp_path / "patched.hmod"
    archive.write(members.items(), path)
    bundle.sign(path, key, sample.LIMIT)
    with pytest.raises(errors.UnitInvalid):
        bundle.verify(path, sample.trust(key), sample.LIMIT)
