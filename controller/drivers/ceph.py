"""The one door to the Ceph cluster's own commands: JSON questions and orders to the monitors."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.errors import Failed, Text, Unavailable
from appliance.host import CommandTimeout, Host
from controller.drivers import ceph_facts, ceph_keys
from controller.drivers.ceph_facts import Group, Osd, Picture, Places
from controller.drivers.ceph_keys import Entity

POOL = "hbox"
PORT = 3300
_CONNECT = 10  # seconds until "nobody answers"
_SILENT = ("error connecting to the cluster", "timed out")


class ClusterSilent(Unavailable):
    """Too few monitors answer: nothing can be asked or told."""

    code = "storage.silent"
    text = Text(
        "存储集群无应答（监视器未达法定数）：{why}",
        "The storage cluster does not answer (no quorum of monitors): {why}",
    )
    hint = Text(
        "请检查各节点电源与管理网络；多数监视器恢复后集群自动继续。",
        "Check power and management network of the nodes; it goes on by itself once most are back.",
    )


class ClusterRefused(Failed):
    """The cluster did not do what it was told; `why` carries its own words."""

    code = "storage.cluster_refused"
    text = Text("存储集群拒绝执行 {what}：{why}", "The storage cluster refused {what}: {why}")


@dataclass(frozen=True)
class Cluster:
    """A cluster as the node `host` reaches it; `keys` is the folder of its keyrings there."""

    host: Host
    keys: Path

    def ask(
        self, *words: str, stdin: bytes = b"", timeout: float = 60.0, check: bool = True
    ) -> Any:
        """Run one command as client.admin; return its JSON (None: it said nothing).

        Without `check` a refusal gives what it said beside it. Raises `ClusterSilent`, `ClusterRefused`.
        """
        said = self._run(["--format", "json", *words], stdin, timeout, check=check).strip()
        return json.loads(said) if said else None

    def tell(self, *words: str, stdin: bytes = b"", timeout: float = 60.0) -> None:
        """Run one command whose answer does not matter; raises what `ask` raises."""
        self._run(list(words), stdin, timeout, check=True)

    def _run(self, words: Sequence[str], stdin: bytes, timeout: float, *, check: bool) -> str:
        # Named by --keyring the file is looked at too late, and the command first tries to go without.
        env = {"CEPH_KEYRING": str(self.keys / ceph_keys.ADMIN)}
        argv = ["ceph", "--name", "client.admin", "--connect-timeout", str(_CONNECT), *words]
        try:
            done = self.host.run(argv, stdin=stdin, timeout=timeout, check=False, env=env)
        except CommandTimeout as error:
            raise ClusterSilent(why=error.message.en) from error
        why = done.err.decode("utf-8", "replace").strip()[-1000:]
        if done.code != 0 and any(sign in why for sign in _SILENT):
            raise ClusterSilent(why=why)
        if done.code != 0 and check:
            raise ClusterRefused(what=" ".join(words)[:120], why=why)
        return done.text

    def picture(self) -> Picture:
        """Return how the cluster is now; raises `ClusterSilent`."""
        return ceph_facts.picture(self.ask("status"), self.ask("osd", "dump"))

    def places(self) -> Places:
        """Return which node has which disks."""
        return ceph_facts.places(self.ask("osd", "tree"))

    def used_mib(self) -> int:
        """Return how many MiB are used, counted once; needs a manager that works."""
        raw = self.ask("df")["stats"]["total_used_raw_bytes"]
        return int(raw) // 2**20 // ceph_facts.COPIES

    def groups(self) -> list[Group]:
        """Return every placement group; needs a manager that works."""
        return ceph_facts.groups(self.ask("pg", "dump", "pgs_brief"))

    def settle(self) -> None:
        """Set what holds for the whole cluster; setting it again changes nothing."""
        there = {(o["section"], o["name"]): o["value"] for o in self.ask("config", "dump")}
        for (section, name), value in SETTINGS.items():
            if there.get((section, name)) != value:
                self.tell("config", "set", section, name, value)

    def make_pool(self) -> None:
        """Make the pool of all volumes, three copies on three nodes; an existing one gets the sizes."""
        if POOL not in self.ask("osd", "pool", "ls"):
            self.tell("osd", "pool", "create", POOL, "32", "32", "replicated", "replicated_rule")
        self.tell("osd", "pool", "set", POOL, "size", "3")
        self.tell("osd", "pool", "set", POOL, "min_size", "2")
        if "rbd" not in self.ask("osd", "pool", "application", "get", POOL):
            self.tell("osd", "pool", "application", "enable", POOL, "rbd")

    def allow(self, entity: Entity) -> None:
        """Have the cluster know the entity by the key that lies in our folder, with its rights."""
        key = ceph_keys.kept(self.host, self.keys, entity.name)
        if key is None:
            key = ceph_keys.new_key()
            ceph_keys.save(self.host, self.keys, entity, key)
        text = ceph_keys.keyring([(entity, key)])
        self.tell("auth", "import", "-i", "-", stdin=text.encode())

    def forget(self, name: str) -> None:
        """Have the cluster forget an entity and its key; an unknown one is fine."""
        self.tell("auth", "rm", name)
        self.host.run(["rm", "-f", "--", str(self.keys / f"{name}.keyring")])

    def new_osd(self, uuid: str, number: int | None = None) -> int:
        """Return the number of the disk `uuid`: a new one, or `number` that was destroyed before.

        Its key lies in our folder afterwards. The same uuid gives the same number again.
        """
        name = f"new-{uuid}"
        known = [int(o["osd"]) for o in self.ask("osd", "dump")["osds"] if o["uuid"] == uuid]
        if known and ceph_keys.kept(self.host, self.keys, f"osd.{known[0]}") is not None:
            return known[0]
        key = ceph_keys.kept(self.host, self.keys, name)
        if key is None:  # kept before the cluster hears of it: asked again it must be the same
            key = ceph_keys.new_key()
            ceph_keys.save(self.host, self.keys, Entity(name, {}), key)
        secrets = json.dumps({"cephx_secret": key.reveal()}).encode()
        words = ["osd", "new", uuid, *([str(number)] if number is not None else []), "-i", "-"]
        given = int(self.ask(*words, stdin=secrets)["osdid"])
        ceph_keys.save(self.host, self.keys, Entity(f"osd.{given}", {}), key)
        self.host.run(["rm", "-f", "--", str(self.keys / f"{name}.keyring")])
        return given

    def osd(self, number: int) -> Osd | None:
        """Return one disk as the monitors see it, None where they know none of that number."""
        return next((one for one in self.picture().osds if one.number == number), None)

    def out(self, number: int) -> None:
        """Have a disk's data made elsewhere; it goes on serving meanwhile."""
        self.tell("osd", "out", str(number))

    def back_in(self, number: int) -> None:
        """Let a disk bear data again; one that the cluster does not know is fine."""
        if self.osd(number) is not None:
            self.tell("osd", "in", str(number))

    def empty(self, number: int) -> bool:
        """Whether the cluster itself says that nothing is lost when the disk goes for ever."""
        said = self.ask("osd", "safe-to-destroy", str(number), check=False)
        return bool(said) and number in said.get("safe_to_destroy", ())

    def may_stop(self, number: int) -> bool:
        """Whether everything stays served when the disk stops now."""
        said = self.ask("osd", "ok-to-stop", str(number), check=False)
        return bool(said) and bool(said.get("ok_to_stop"))

    def destroy(self, number: int) -> None:
        """Give up what is on a disk; its number waits for another one, its key is void."""
        self.tell("osd", "destroy", str(number), "--yes-i-really-mean-it")
        self.host.run(["rm", "-f", "--", str(self.keys / f"osd.{number}.keyring")])

    def purge(self, number: int) -> None:
        """Forget a disk for good: its place, its key, its number; an unknown one is fine."""
        if self.osd(number) is not None:
            self.tell("osd", "purge", str(number), "--yes-i-really-mean-it")
        self.host.run(["rm", "-f", "--", str(self.keys / f"osd.{number}.keyring")])

    def drop_host(self, node: str) -> None:
        """Take a node without disks out of the map of places; one that has any stays."""
        tree = self.ask("osd", "tree")["nodes"]
        if any(n["name"] == node and n["type"] == "host" and not n["children"] for n in tree):
            self.tell("osd", "crush", "rm", node)


SETTINGS: Mapping[tuple[str, str], str] = {
    # Clients that do not renew their ticket the safe way are turned away (CVE-2021-20288).
    ("mon", "auth_allow_insecure_global_id_reclaim"): "false",
    # A pool with fewer copies is refused by the cluster itself, and none goes by a slip of the hand.
    ("mon", "mon_allow_pool_size_one"): "false",
    ("mon", "mon_allow_pool_delete"): "false",
    # A share of a system disk that a monitor has not for itself; its own store stays small.
    ("mon", "mon_data_avail_warn"): "10",
    # Seconds until a silent disk's copies are made elsewhere: a node's restart must fit in.
    ("mon", "mon_osd_down_out_interval"): "600",
    ("global", "osd_pool_default_pg_autoscale_mode"): "on",
}
"""What the monitors keep for everybody, beyond each node's ceph.conf."""
