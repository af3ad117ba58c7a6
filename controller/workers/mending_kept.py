"""What the controller keeps of a mending, root only: how it was before and after, for half a year."""

import contextlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance import clock
from appliance.errors import NotFound, Text
from appliance.files import write_atomically
from appliance.settings import Settings

DAYS = 180
BEFORE, AFTER, PLAN = "before.json", "after.json", "plan.json"


class NothingKept(NotFound):
    """The before-values of that mending are no longer kept, or it never ended well."""

    code = "compliance.nothing_kept"
    text = Text("整改前的内容已不在：{job}", "What was there before is not kept: {job}")
    hint = Text(
        "整改前的内容保存 180 天；成功撤销过的整改不能再次撤销。",
        "It is kept for 180 days; what was taken back once cannot be taken back again.",
    )


@dataclass(frozen=True)
class Kept:
    """The folder of one mending job."""

    folder: Path

    @classmethod
    def of(cls, settings: Settings, job: str) -> "Kept":
        """Return the folder of that job, which need not be there."""
        return cls(settings.state / "mended" / job)

    def write(self, name: str, held: Any) -> None:
        """Keep it, on disk when this returns."""
        self.folder.parent.mkdir(mode=0o700, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        write_atomically(self.folder / name, json.dumps(held).encode(), mode=0o600)

    def read(self, name: str) -> Any:
        """Return what was kept under that name; raises `NothingKept`."""
        try:
            return json.loads((self.folder / name).read_bytes())
        except FileNotFoundError as error:
            raise NothingKept(job=self.folder.name, what="", name="") from error

    def has(self, name: str) -> bool:
        """Whether something is kept under that name."""
        return (self.folder / name).exists()

    def drop(self, name: str = "") -> None:
        """Forget one thing, or all of it."""
        if name:
            (self.folder / name).unlink(missing_ok=True)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)


def sweep(settings: Settings) -> None:
    """Forget what was kept longer than half a year."""
    oldest = clock.now().timestamp() - DAYS * 86400
    with contextlib.suppress(FileNotFoundError):
        for folder in (settings.state / "mended").iterdir():
            if folder.stat().st_mtime < oldest:
                Kept(folder).drop()
