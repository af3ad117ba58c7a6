"""The box's own copies of module bundles and its own list of trusted vendor keys, out of the web's reach."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import NotFound, Refused, Text
from appliance.files import write_atomically
from appliance.sdk import bundle
from appliance.sdk.bundle import Bundle
from appliance.sdk.trust import Trust, VendorKey, load, parse
from appliance.settings import Settings


class OtherFile(Refused):
    """The uploaded file is not the one that was asked for."""

    code = "module.other_file"
    text = Text("上传的文件与请求不符：{why}", "The uploaded file is not what was asked for: {why}")


@dataclass(frozen=True)
class Shelf:
    """Verified bundles and the trust they are verified with, below `modules/`, written by root only."""

    settings: Settings

    @property
    def _folder(self) -> Path:
        return self.settings.state / "modules"

    def trusted(self) -> Trust:
        """Return the vendor keys that a security administrator trusted."""
        return load(self._folder / "trust.json")

    def trust(self, key: VendorKey) -> None:
        """Trust one more key; the same fingerprint again replaces its ids."""
        others = [k for k in self.trusted().keys if k.fingerprint != key.fingerprint]
        self._keep(Trust((*others, key)))

    def distrust(self, fingerprint: str) -> None:
        """Trust a key no more; an unknown one is fine."""
        kept = [k for k in self.trusted().keys if k.fingerprint != fingerprint]
        self._keep(Trust(tuple(kept)))

    def take_in(self, upload: str, digest: str, module: str) -> Bundle:
        """Copy an uploaded bundle where the web process cannot write, then verify the copy.

        Raises `OtherFile` unless it has that SHA-256 and is that module, and all that
        `bundle.verify` raises; nothing is kept then.
        """
        data = self._uploaded(Path(upload).name)
        copy = self.path(module, digest)
        write_atomically(copy, data, mode=0o600)
        try:
            return self.verified(module, digest)
        except BaseException:
            copy.unlink(missing_ok=True)
            raise

    def verified(self, module: str, digest: str) -> Bundle:
        """Verify the box's copy again and return it."""
        found = bundle.verify(self.path(module, digest), self.trusted(), self.settings.module_limit)
        if found.digest != digest:
            raise OtherFile(why="SHA-256")
        if found.manifest.id != module:
            raise OtherFile(why=f"it is the module {found.manifest.id}")
        return found

    def drop(self, module: str, digest: str) -> None:
        """Remove the box's copy; an absent one is fine."""
        self.path(module, digest).unlink(missing_ok=True)

    def path(self, module: str, digest: str) -> Path:
        """Where the box's copy lies."""
        return self._folder / "bundles" / f"{Path(module).name}-{digest[:16]}.hmod"

    def _uploaded(self, name: str) -> bytes:
        # Opened once and without following links: the web process may change what lies there.
        try:
            descriptor = os.open(
                self.settings.state / "uploads" / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            )
        except OSError as error:
            raise NotFound(what="上传文件 upload", name=name) from error
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise NotFound(what="上传文件 upload", name=name)
            data = file.read(self.settings.module_limit + 1)
        if len(data) > self.settings.module_limit:
            raise OtherFile(why=f"over {self.settings.module_limit} bytes")
        return data

    def _keep(self, held: Trust) -> None:
        data = held.as_json()
        parse(data)  # what cannot be read again would end all trust, and could not be taken back
        write_atomically(self._folder / "trust.json", data)
