"""How virus signatures come into force: the uploaded file, copied once and only then looked at."""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from appliance.errors import NotFound, Text
from controller.actions.signatures import LIMIT, ImportSignatures
from controller.jobs.steps import Say, Step
from controller.workers.bundles import OtherFile
from controller.workers.site import Site
from network.gateway import signatures

_PIECE = 1 << 20


def take(action: ImportSignatures, site: Site) -> Sequence[Step]:
    """Verify and put in force; what does not verify changes nothing."""

    def do(say: Say) -> None:
        folder = site.settings.state / "signatures"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="hbox-import-") as aside:
            copy = Path(aside) / action.name
            upload = site.settings.state / "uploads" / Path(action.upload).name
            if copied(upload, copy) != action.digest:
                raise OtherFile(why="SHA-256")
            done = signatures.import_file(copy, folder, site.home.host)
        site.report(name=done.name, size=done.size, signed=done.signed, **done.facts)
        say(f"病毒库 signatures: {done.name} {done.facts}")

    return [Step("import", Text("校验并启用病毒库", "Verify, then scan with them"), do)]


def copied(upload: Path, target: Path) -> str:
    """Copy an upload without following links; return its SHA-256. Raises `NotFound`, `OtherFile`."""
    # Opened once: the web process may change what lies there.
    try:
        descriptor = os.open(upload, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise NotFound(what="上传文件 upload", name=upload.name) from error
    with os.fdopen(descriptor, "rb") as file, target.open("xb") as copy:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise NotFound(what="上传文件 upload", name=upload.name)
        if facts.st_size > LIMIT or facts.st_size > shutil.disk_usage(target.parent).free:
            raise OtherFile(why=f"over {LIMIT} bytes, or no room for it")
        seen, left = hashlib.sha256(), LIMIT
        while left > 0 and (piece := file.read(min(_PIECE, left))):
            seen.update(piece)
            copy.write(piece)
            left -= len(piece)
    return seen.hexdigest()
