"""The box's own template files and the signed word on each, out of the web's reach and out of the records."""

import hashlib
import json
import os
import stat
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from appliance import clock
from appliance.canonical import canonical
from appliance.errors import BoxError, NotFound, Refused, Text
from appliance.files import write_atomically
from appliance.settings import Settings
from appliance.signing import SigningKey

_PIECE = 1024 * 1024
_GOOD_FOR = 3600.0  # seconds for which a computed SHA-256 counts, if the file was not touched


class TemplateChanged(Refused):
    """The template's file or its signed description is not what was examined and signed."""

    code = "template.changed"
    text = Text(
        "模板 {name} 与签名不符，禁止使用：{why}",
        "The template {name} is not what was signed, and is not used: {why}",
    )
    hint = Text(
        "请查明原因，移除该模板后重新导入原始镜像。",
        "Find out why; remove it, then import the original image anew.",
    )


class OtherUpload(Refused):
    """The uploaded file is not the one that was asked for."""

    code = "template.other_upload"
    text = Text("上传的文件与请求不符：{why}", "The uploaded file is not what was asked for: {why}")


@dataclass(frozen=True)
class Signed:
    """What is signed of a template. `bytes` is the file's length, `size_mib` the disk's."""

    id: str
    name: str
    version: str
    digest: str
    format: str
    boot: str
    size_mib: int
    bytes: int


@dataclass(frozen=True)
class Shelf:
    """The folder `templates/`, written by root only: `ID.qcow2` and `ID.json` for each template."""

    settings: Settings

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self.settings.state / "templates"

    @property
    def key(self) -> SigningKey:
        """The box's key for templates."""
        return SigningKey.load_or_new(self.settings.keys / "template.key")

    def file(self, template_id: str) -> Path:
        """Where the template's disk lies."""
        return self.folder / f"{Path(template_id).name}.qcow2"

    def word(self, template_id: str) -> Path:
        """Where its signed description lies."""
        return self.folder / f"{Path(template_id).name}.json"

    def work(self, template_id: str) -> Path:
        """Where it is examined before it is one of ours."""
        return self.folder / f".taking-{Path(template_id).name}"

    def signature(self, template_id: str) -> str:
        """Return the signature of the description, in hex, to be shown."""
        return str(json.loads(self.word(template_id).read_bytes())["signature"])

    def sign(self, said: Signed) -> None:
        """Write and sign the description."""
        signature = self.key.sign(canonical(asdict(said))).hex()
        data = canonical({"said": asdict(said), "signature": signature})
        write_atomically(self.word(said.id), data, mode=0o644)

    def signed(self, template_id: str) -> Signed:
        """Return the description, its signature checked; raises `TemplateChanged`."""
        try:
            raw = json.loads(self.word(template_id).read_bytes())
            said = Signed(**raw["said"])
            signature = bytes.fromhex(raw["signature"])
            self.key.public.verify(signature, canonical(asdict(said)), what=template_id)
        except (OSError, ValueError, KeyError, TypeError, BoxError) as error:
            raise TemplateChanged(name=template_id, why=str(error)) from error
        if said.id != template_id:
            raise TemplateChanged(name=template_id, why=f"the description is that of {said.id}")
        return said

    def whole(self, template_id: str, *, anew: bool = False) -> Signed:
        """Return the description of a template whose file has the signed SHA-256; `TemplateChanged`.

        The digest is computed again when the file was touched, after an hour, or `anew`.
        """
        said, file = self.signed(template_id), self.file(template_id)
        try:
            found = _digests.of(file, anew=anew)
        except OSError as error:
            raise TemplateChanged(name=said.name, why=str(error)) from error
        if found != said.digest:
            raise TemplateChanged(name=said.name, why="SHA-256")
        return said

    def drop(self, template_id: str) -> None:
        """Remove both files; absent ones are fine."""
        self.word(template_id).unlink(missing_ok=True)
        self.file(template_id).unlink(missing_ok=True)


class _Digests:
    """Digests of files, kept while the file's inode, length and time of change stay the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[tuple[int, int, int], float, str]] = {}

    def of(self, file: Path, *, anew: bool) -> str:
        facts = file.stat()
        mark = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
        with self._lock:  # fifty machines at once: one computes, the others wait
            held = self._known.get(file)
            fresh = held is not None and clock.monotonic() - held[1] < _GOOD_FOR
            if held is not None and fresh and held[0] == mark and not anew:
                return held[2]
            found = digest_of(file)
            self._known[file] = (mark, clock.monotonic(), found)
            return found


_digests = _Digests()


def digest_of(file: Path) -> str:
    """Return a file's SHA-256 as hex."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def take_upload(upload: Path, target: Path, digest: str) -> None:
    """Copy an upload where the web process cannot write; raise `OtherUpload` unless it has that SHA-256.

    It is opened once and without following links: the web process may change what lies there.
    """
    try:
        descriptor = os.open(upload, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise NotFound(what="上传文件 upload", name=upload.name) from error
    seen = hashlib.sha256()
    with os.fdopen(descriptor, "rb") as source, target.open("wb") as copy:
        if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            raise NotFound(what="上传文件 upload", name=upload.name)
        while piece := source.read(_PIECE):
            seen.update(piece)
            if piece.strip(b"\0"):
                copy.write(piece)
            else:
                copy.seek(len(piece), os.SEEK_CUR)
        copy.truncate()
    if seen.hexdigest() != digest:
        target.unlink()
        raise OtherUpload(why="SHA-256")
