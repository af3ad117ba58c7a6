"""What a machine does to join a box: check itself, check the box, open itself to it, ask, follow the job."""

import http.client
import json
import os
import pwd
import socket
import sqlite3
import ssl
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from appliance import authorised, build, clock, joining, node_keys, settings
from appliance.errors import BoxError, Conflict, Forbidden, Refused, Text, Unavailable
from appliance.files import write_atomically
from appliance.host import LocalHost
from controller.cli.client import MEMBER, Told

Say = Callable[[str], None]

_HOST_KEY = Path("/etc/ssh/ssh_host_ed25519_key.pub")
_AUTHORIZED = authorised.FILE
_SKEW = 120.0  # seconds that two clocks may differ
_TIMEOUT = 20.0
_EVERY = 1.0
_RECORDS = ("vms", "modules", "volumes", "templates")


class OtherBox(Refused):
    """Who answers is not the box that made the token."""

    code = "join.other_box"
    text = Text(
        "{address} 的 CA 证书与令牌不符，已拒绝",
        "The CA of {address} is not the one of the token: refused",
    )
    hint = Text(
        "可能连到了另一台医盒，或有人在中间冒充。请核对地址并重新生成令牌。",
        "It may be another box, or somebody in between. Check the address and make another token.",
    )


class NoAnswer(Unavailable):
    """The controller cannot be reached."""

    code = "join.no_answer"
    text = Text(
        "无法连接控制节点 {address}：{why}", "Cannot reach the controller at {address}: {why}"
    )
    hint = Text(
        "请检查管理网连通性与防火墙（TCP 8443）。", "Check the management network (TCP 8443)."
    )


class ClockSkew(Conflict):
    """The clocks differ so much that certificates and logs would be wrong."""

    code = "join.clock_skew"
    text = Text(
        "本机时钟与控制节点相差 {seconds} 秒",
        "This clock and the controller's differ by {seconds} s",
    )
    hint = Text("请先校准时钟（chronyc makestep）。", "Set the clock first (chronyc makestep).")


class HasRecords(Conflict):
    """This machine was used as a box of its own, or is a member already."""

    code = "join.has_records"
    text = Text("本机已有自己的数据：{what}", "This machine has records of its own: {what}")
    hint = Text(
        "请先备份并删除其虚拟机与模块，或用同一镜像重新安装后再加入。",
        "Save and delete its machines and modules, or install it afresh from the same image, then join.",
    )


@dataclass(frozen=True)
class Me:
    """This machine as it presents itself."""

    name: str
    address: str
    host_key: str


class Line:
    """The controller's API over TLS that was verified by the token's fingerprint."""

    def __init__(self, address: str, trust: ssl.SSLContext) -> None:
        self.address = address
        self._trust = trust

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON answer; raises `Told` or `NoAnswer`."""
        link = http.client.HTTPSConnection(self.address, timeout=_TIMEOUT, context=self._trust)
        try:
            data = None if body is None else json.dumps(body).encode()
            headers = {"Content-Type": "application/json"} if data is not None else {}
            link.request(method, f"/api/v1{path}", body=data, headers=headers)
            answer = link.getresponse()
            raw = json.loads(answer.read() or b"null")
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise NoAnswer(what="", address=self.address, why=error) from error
        finally:
            link.close()
        if answer.status >= 400:
            raise Told(answer.status, raw.get("error", {}))
        return raw


def run(line: str, say: Say) -> int:
    """Join by this token; return 0 when the box has taken this machine in. Raises `BoxError`."""
    asked = joining.read(line)
    say(f"核对码 compare: {asked.spoken}（应与生成令牌时显示的相同 as shown where it was made）")
    if os.geteuid() != 0:
        raise Forbidden(role=pwd.getpwuid(os.geteuid()).pw_name, what="hbox node join（root）")
    _blank()
    box = connect(asked)
    here = me(box.address)
    secret = asked.secret.reveal()
    greeting = {
        "secret": secret,
        "name": here.name,
        "address": here.address,
        "build": build.digest(),
    }
    told = box.ask("POST", "/join/hello", greeting)
    _same_time(told["now"])
    say(f"控制节点 controller: {told['name']}（{told['site']}）")
    authorise(told["ssh_key"], told["addresses"])
    try:
        requests = node_keys.requests(here.name, fresh=True)
        node_keys.lay_links()
        application = {**greeting, "host_key": here.host_key, "requests": requests}
        job = box.ask("POST", "/join", application)
        return _follow(box, secret, job, say)
    except BoxError:
        authorise("", [])
        raise


def connect(asked: joining.Invitation) -> Line:
    """Return the first of the token's addresses that answers and proves to be that box."""
    last: BoxError | None = None
    for address in asked.addresses:
        blind = ssl.create_default_context()
        blind.check_hostname = False
        blind.verify_mode = (
            ssl.CERT_NONE
        )  # for one certificate, which the token's fingerprint proves
        try:
            pem = str(Line(address, blind).ask("GET", "/join/authority")["certificate"])
        except NoAnswer as error:
            last = error
            continue
        if joining.fingerprint(pem) != asked.authority:
            raise OtherBox(why="", address=address)
        trust = ssl.create_default_context(cadata=pem)
        trust.minimum_version = ssl.TLSVersion.TLSv1_2
        return Line(address, trust)
    raise last or NoAnswer(what="", address="-", why="no address")


def me(controller: str) -> Me:
    """Return this machine's name, its address on the way to the controller, its SSH host key."""
    host, _, port = controller.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host.strip("[]"), int(port)))
        address = str(probe.getsockname()[0])
    key = " ".join(_HOST_KEY.read_text("ascii").split()[:2])
    return Me(socket.gethostname(), address, key)


def authorise(key: str, addresses: list[str]) -> None:
    """Let the controller in by its key, from its addresses only; with no key, let it in no longer."""
    path = _AUTHORIZED
    text = path.read_text("utf-8") if path.exists() else ""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_atomically(path, authorised.authorised(text, key, addresses).encode(), mode=0o600)


def _blank() -> None:
    """Raise `HasRecords` unless this machine has nothing of its own to lose."""
    if MEMBER.exists():
        held = json.loads(MEMBER.read_bytes())
        raise HasRecords(what=f"已加入 it joined {held.get('controller')}")
    found = LocalHost().run(["virsh", "list", "--all", "--name"], timeout=60).text.split()
    if found:
        raise HasRecords(what=f"虚拟机 machines: {', '.join(found[:5])}")
    here = settings.load()
    if here.database_url:
        raise HasRecords(what="PostgreSQL (database_url)")
    records = here.state / "db" / "hbox.sqlite"
    if records.exists():
        _no_rows(records)
    interfaces = psutil.net_if_addrs()
    if "host0" not in interfaces:
        raise Conflict(why="没有管理网口 host0 there is no management interface host0")


def _no_rows(records: Path) -> None:
    link = sqlite3.connect(f"file:{records}?mode=ro", uri=True)
    try:
        for table in _RECORDS:
            count = link.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own names
            if count:
                raise HasRecords(what=f"{table}: {count}")
        others = link.execute("SELECT count(*) FROM nodes").fetchone()[0]
        if others > 1:
            raise HasRecords(what=f"nodes: {others}")
    except sqlite3.Error as error:
        raise HasRecords(what=f"{records}: {error}") from error
    finally:
        link.close()


def _same_time(theirs: str) -> None:
    apart = abs((clock.read_iso(theirs) - clock.now()).total_seconds())
    if apart > _SKEW:
        raise ClockSkew(seconds=round(apart))


def _follow(box: Line, secret: str, job: dict[str, Any], say: Say) -> int:
    told: dict[str, str] = {}
    while True:
        for step in job["steps"]:
            if step["state"] != "pending" and told.get(step["key"]) != step["state"]:
                told[step["key"]] = step["state"]
                took = f" {step['seconds']:.1f} s" if step["seconds"] is not None else ""
                say(f"  {step['state']:<8}{step['title']['zh']} {step['title']['en']}{took}")
        if job["over"]:
            break
        clock.pause(_EVERY)
        job = _again(box, secret, job)
    text = job["state_text"]
    say(f"{text['zh']} {text['en']}")
    if job["state"] == "succeeded":
        return 0
    if job["error"]:
        raise Told(500, job["error"])
    return 1


def _again(box: Line, secret: str, job: dict[str, Any]) -> dict[str, Any]:
    """Ask how far it is; the controller may be restarting."""
    try:
        found: dict[str, Any] = box.ask("POST", "/join/progress", {"secret": secret})
    except NoAnswer as error:
        sys.stderr.write(f"… {error.message.zh}\n")
        return job
    return found
