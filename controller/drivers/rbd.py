"""One pool of Ceph through the `rbd` command: images made, renamed, looked at; and what its refusals mean."""

import configparser
import functools
import json
import uuid
from collections.abc import Sequence
from typing import Any

from appliance import clock
from appliance.errors import Unavailable
from appliance.host import CommandFailed, Host, Result
from controller.drivers import places
from controller.drivers.storage import NoSuchVolume, RbdSource, VolumeInUse

LONG = 6 * 3600.0
"""Seconds that a copy of a whole volume may take."""

LINGERS = 35.0
"""Seconds until Ceph forgets a client that was killed (its watch expires after 30)."""

CONF = "/etc/ceph/ceph.conf"
_PORT = "3300"
_THERE = 17  # exit code: EEXIST


class Pool:
    """The pool `name` as the Ceph user `user` reaches it from `host`; `patience` as in `unopened`."""

    def __init__(self, host: Host, name: str, user: str, patience: float) -> None:
        self.host = host
        self._patience = patience
        self.name = name
        self.user = user

    def spec(self, image: str, snapshot: str = "") -> str:
        """Return how `rbd` names an image, or its snapshot."""
        return f"{self.name}/{image}" + (f"@{places.plain(snapshot)}" if snapshot else "")

    def place(self, image: str) -> str:
        """Return how QEMU's tools name an image."""
        return f"rbd:{self.name}/{image}:id={self.user}:conf={CONF}"

    def tell(self, *words: str, volume: str = "", limit: float = 120.0) -> str:
        """Run `rbd`; return what it printed; raise what its refusal means for `volume`."""
        return self.run(["rbd", "--id", self.user, *words], volume or words[-1], words[0], limit)

    def ask(self, *words: str, volume: str = "") -> Any:
        """Run `rbd` and return its JSON."""
        return json.loads(self.tell(*words, "--format", "json", volume=volume or words[-1]))

    def run(self, argv: Sequence[str], volume: str, what: str, limit: float = 120.0) -> str:
        """Run any program that works on the pool, as `tell` does."""
        try:
            return self.host.run(argv, timeout=limit).text
        except CommandFailed as error:
            raise places.translated(error, "rbd", volume, what) from error

    def tried(self, *words: str) -> Result:
        """Run `rbd` and return its outcome, whatever it is."""
        return self.host.run(["rbd", "--id", self.user, *words], timeout=120.0, check=False)

    def info(self, image: str) -> dict[str, Any] | None:
        """Return what `rbd info` says of an image; None: there is none."""
        try:
            found: dict[str, Any] = self.ask("info", self.spec(image))
        except NoSuchVolume:
            return None
        return found

    def names(self) -> list[str]:
        """Return the names of all images of the pool, ours or not."""
        found: list[str] = self.ask("ls", self.name)
        return found

    def drop(self, image: str) -> None:
        """Remove an image without snapshots; an absent one is fine."""
        if self.info(image) is not None:
            self.tell("rm", "--no-progress", self.spec(image), limit=LONG)

    def rename(self, image: str, final: str) -> bool:
        """Give an image its final name; False: there is one of that name, and this one is removed."""
        done = self.tried("rename", self.spec(image), self.spec(final))
        if done.code == 0:
            return True
        if done.code == _THERE:
            self.drop(image)
            return False
        why = done.err.decode("utf-8", "replace")
        failed = CommandFailed(command="rbd", exit=done.code, why=why)
        raise places.translated(failed, "rbd", image, "rename")

    def snapshots(self, image: str, volume: str) -> list[dict[str, Any]]:
        """Return an image's snapshots, oldest first: `name`, `protected` ("true" or "false")."""
        found: list[dict[str, Any]] = self.ask("snap", "ls", self.spec(image), volume=volume)
        return sorted(found, key=lambda one: int(one["id"]))

    def children(self, image: str, snapshot: str) -> list[str]:
        """Return the names of the images that are clones of a snapshot."""
        found = self.ask("children", "--all", self.spec(image, snapshot))
        return [str(one["image"]) for one in found]

    def drop_snapshot(self, image: str, snapshot: str, volume: str) -> None:
        """Forget a snapshot; raises `VolumeInUse` while clones rest on it."""
        for kept in self.snapshots(image, volume):
            if kept["name"] != snapshot:
                continue
            if children := self.children(image, snapshot):
                raise VolumeInUse(name=volume, why=f"{', '.join(children)} 以其为底 rests on it")
            if str(kept.get("protected")) == "true":
                self.tell("snap", "unprotect", self.spec(image, snapshot), volume=volume)
            self.tell("snap", "rm", "--no-progress", self.spec(image, snapshot), volume=volume)

    def unopened(self, image: str, volume: str) -> None:
        """Wait until nobody has the image open; raise `VolumeInUse` if somebody keeps it.

        A QEMU that was killed is still listed until its watch expires, so this waits that long.
        """
        deadline = clock.monotonic() + self._patience
        while self.ask("status", self.spec(image), volume=volume).get("watchers"):
            if clock.monotonic() > deadline:
                raise VolumeInUse(name=volume, why="虚拟机正在使用 a machine has it open")
            clock.pause(1)

    def source(self, image: str) -> RbdSource:
        """Return how QEMU opens an image, by what the node's own ceph.conf says."""
        fsid, monitors = self._cluster
        secret = str(uuid.uuid5(uuid.UUID(fsid), f"client.{self.user}"))
        return RbdSource(self.name, image, monitors, self.user, secret)

    @functools.cached_property
    def _cluster(self) -> tuple[str, tuple[str, ...]]:
        text = self.host.read(CONF).decode()
        held = configparser.ConfigParser(interpolation=None, strict=False)
        held.read_string(text)
        if not held.has_option("global", "fsid") or not held.has_option("global", "mon_host"):
            raise Unavailable(what="Ceph", why=f"{CONF}: fsid, mon_host")
        return held["global"]["fsid"], monitors(held["global"]["mon_host"])


def monitors(text: str) -> tuple[str, ...]:
    """Return ADDRESS:PORT of each monitor that a `mon_host` names; the second protocol's only."""
    found = []
    for word in text.replace("[", " ").replace("]", " ").replace(",", " ").split():
        kind, _, rest = word.rpartition("v2:") if word.startswith("v2:") else ("", "", word)
        if kind or word.startswith("v1:"):
            continue
        address, _, port = rest.partition("/")[0].partition(":")
        found.append(f"{address}:{port or _PORT}")
    return tuple(found)
