"""The signed bundle, `<id>-<version>.hmod`: pack on the vendor's laptop, sign, verify on the box.

Members in this order: `module.toml`, `payload/wheels/*.whl`, `payload/<id>.service`, `digests.json`
(SHA-256 and size of all before it), `signature.json` (Ed25519 over the bytes of `digests.json`).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.canonical import canonical, digest
from appliance.sdk import archive, manifest, unit, wheelname
from appliance.sdk.errors import (
    Altered,
    Malformed,
    Unsigned,
    WrongSignature,
)
from appliance.sdk.manifest import Manifest
from appliance.sdk.trust import Trust, VendorKey
from appliance.signing import BadSignature, SigningKey, VerifyKey

_PURPOSE = b"hbox module bundle 1\n"  # a signature for one purpose is none for another
_SIGNATURE = re.compile(
    rb'\{"algorithm":"ed25519","key":"([0-9a-f]{32})","signature":"([0-9a-f]{128})"\}'
)
_WHEELS = "payload/wheels/"


@dataclass(frozen=True)
class Bundle:
    """A verified bundle: manifest, SHA-256 of the whole file, signing key's fingerprint, size in bytes."""

    manifest: Manifest
    digest: str
    key: str
    size: int
    files: Mapping[str, str]


def pack(manifest_file: Path, unit_file: Path, wheels: Sequence[Path], folder: Path) -> Path:
    """Write the unsigned bundle into `folder` and return its path.

    The same input gives the same bytes. Raises `ManifestInvalid`, `UnitInvalid`, `WheelInvalid`.
    """
    text = manifest_file.read_bytes()
    parsed = manifest.parse(text)
    members = {"module.toml": text, f"payload/{parsed.id}.service": unit_file.read_bytes()}
    for wheel in wheels:
        members[_WHEELS + wheel.name] = wheel.read_bytes()
    _check_payload(parsed, dict.fromkeys(members, ""), members[f"payload/{parsed.id}.service"])
    members["digests.json"] = _digests(parsed, members)
    out = folder / parsed.file_name
    archive.write(members.items(), out)
    return out


def sign(path: Path, key: SigningKey, limit: int) -> str:
    """Sign the bundle at `path` in place (an older signature is replaced); return the fingerprint."""
    walked = archive.walk(path, limit)
    members = {m.name: archive.content(path, m) for m in walked.members}
    members.pop("signature.json", None)
    _check_digests(walked, members.get("digests.json", b""))
    fingerprint = key.public.fingerprint
    members["signature.json"] = canonical(
        {
            "algorithm": "ed25519",
            "key": fingerprint,
            "signature": key.sign(_PURPOSE + members["digests.json"]).hex(),
        }
    )
    fresh = path.with_name(f".{path.name}.new")
    archive.write(members.items(), fresh)
    fresh.replace(path)
    return fingerprint


def verify(path: Path, trust: Trust, limit: int) -> Bundle:
    """Return the bundle at `path` if it is whole, signed and trusted; else raise.

    `limit` is the largest size in bytes. The signature is checked before any content is parsed. The
    caller keeps the file where nobody else can write; the guest compares `digest` again.
    """
    walked = archive.walk(path, limit)
    listed, signature = walked.named("digests.json"), walked.named("signature.json")
    if listed is None:
        raise Malformed(why_zh="缺少 digests.json", why_en="digests.json is missing")
    if signature is None:
        raise Unsigned
    digests = archive.content(path, listed)
    key = _checked_key(digests, archive.content(path, signature), trust)
    files = _check_digests(walked, digests)
    parsed = _manifest(path, walked, digests)
    trust.check(key, module=parsed.id, vendor=parsed.module.vendor)
    unit_member = walked.named(f"payload/{parsed.id}.service")
    text = archive.content(path, unit_member) if unit_member else b""
    _check_payload(parsed, files, text)
    return Bundle(parsed, walked.sha256, key.fingerprint, walked.size, files)


def _checked_key(digests: bytes, signature: bytes, trust: Trust) -> VendorKey:
    found = _SIGNATURE.fullmatch(signature)
    if found is None:
        raise WrongSignature
    key = trust.key(found[1].decode())
    try:
        VerifyKey.from_pem(key.pem.encode()).verify(
            bytes.fromhex(found[2].decode()), _PURPOSE + digests, what="bundle"
        )
    except BadSignature as error:
        raise WrongSignature from error
    return key


def _check_digests(walked: archive.Walked, digests: bytes) -> dict[str, str]:
    try:
        files = json.loads(digests)["files"]
        signed = {str(name): (str(f["sha256"]), int(f["size"])) for name, f in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Malformed(
            why_zh="digests.json 无法读取", why_en="digests.json is unreadable"
        ) from error
    held = {
        m.name: (m.sha256, m.size)
        for m in walked.members
        if m.name not in ("digests.json", "signature.json")
    }
    for name in sorted(signed.keys() | held.keys()):
        if signed.get(name) != held.get(name):
            raise Altered(name=name)
    return {name: sha256 for name, (sha256, _) in signed.items()}


def _manifest(path: Path, walked: archive.Walked, digests: bytes) -> Manifest:
    member = walked.named("module.toml")
    if member is None:
        raise Malformed(why_zh="缺少 module.toml", why_en="module.toml is missing")
    parsed = manifest.parse(archive.content(path, member))
    stated = json.loads(digests)
    if (stated.get("id"), stated.get("version")) != (parsed.id, parsed.version):
        raise Altered(name="digests.json")
    return parsed


def _check_payload(parsed: Manifest, files: Mapping[str, str], unit_text: bytes) -> None:
    name = f"payload/{parsed.id}.service"
    wheels = [file.removeprefix(_WHEELS) for file in files if file.startswith(_WHEELS)]
    if name not in files or len(files) != len(wheels) + 2:
        raise Malformed(
            why_zh=f"须恰有一个 {name}", why_en=f"there must be exactly one unit, {name}"
        )
    if [parsed.run.package, parsed.version] not in [wheel.split("-")[:2] for wheel in wheels]:
        raise Malformed(
            why_zh=f"缺少 {parsed.run.package} {parsed.version} 的 wheel",
            why_en=f"no wheel of {parsed.run.package} {parsed.version}",
        )
    for wheel in wheels:
        wheelname.check(wheel)
    try:
        unit.check(unit_text.decode("utf-8"), parsed)
    except UnicodeDecodeError as error:
        raise Malformed(why_zh="服务单元不是 UTF-8", why_en="the unit is not UTF-8") from error


def _digests(parsed: Manifest, members: Mapping[str, bytes]) -> bytes:
    files = {name: {"sha256": digest(data), "size": len(data)} for name, data in members.items()}
    return canonical({"files": files, "format": 1, "id": parsed.id, "version": parsed.version})
