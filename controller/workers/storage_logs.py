"""Reads the storage daemons' logs for the one line that must never be there: somebody goes on without keys."""

from appliance.errors import Refused, Text
from appliance.host import Host

OPEN = "disabling cephx"


class OpenDoor(Refused):
    """A daemon found no key and went on without authentication; Ceph itself only logs it."""

    code = "storage.open_door"
    text = Text(
        "存储守护进程未使用认证：{line}", "A storage daemon runs without authentication: {line}"
    )
    hint = Text("请检查该节点的密钥文件。", "Look at the keyring files on that node.")


def no_open_door(host: Host) -> None:
    """Raise `OpenDoor` if any storage daemon of this boot said that it goes on without keys."""
    argv = ["journalctl", "-b", "--no-pager", "-q", "-o", "cat", "-g", OPEN, "-n", "1"]
    said = host.run(
        [*argv, "-u", "ceph-mon@*", "-u", "ceph-mgr@*", "-u", "ceph-osd@*"], check=False
    )
    if line := said.text.strip():
        raise OpenDoor(line=line[:300])
