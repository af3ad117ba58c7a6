"""Speaking to the box over its own socket: HTTP, with the kernel vouching for who asks."""

import http.client
import json
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from appliance import chance, settings
from appliance.errors import BoxError, Text, Unavailable

TIMEOUT = 60.0


class BoxAway(Unavailable):
    """Nobody listens on the box's socket, or this user may not open it."""

    code = "cli.box_away"
    text = Text("无法连接本机医盒（{path}）：{why}", "Cannot reach the box here ({path}): {why}")
    hint = Text(
        "请在医盒节点上运行，并查看 systemctl status hbox-web。",
        "Run this on a node of the box, and look at systemctl status hbox-web.",
    )


class Told(BoxError):
    """An error as the API told it: code, sentence and hint are the box's own."""

    def __init__(self, status: int, raw: dict[str, Any]) -> None:
        self.status = status
        self._raw = raw
        super().__init__()
        self.code = raw.get("code", "box.error")  # type: ignore[misc]  # the one error with a code per case

    @property
    def message(self) -> Text:
        """The sentence, with the paths of what did not fit."""
        text = self._raw.get("message", {})
        paths = "".join(f"; {p['path']}: {p['why']}" for p in self._raw.get("paths", ())[1:])
        return Text(text.get("zh", ""), text.get("en", "") + paths)

    @property
    def advice(self) -> Text:
        """The hint."""
        text = self._raw.get("hint", {})
        return Text(text.get("zh", ""), text.get("en", ""))


class NotHome(BoxAway):
    """This node joined a box whose controller runs elsewhere."""

    code = "cli.not_home"
    text = Text(
        "本机是成员节点，控制节点为 {controller}",
        "This node is a member; the controller runs on {controller}",
    )
    hint = Text("请在控制节点 {controller} 上执行该命令。", "Run it there: {controller}.")


MEMBER = Path("/etc/hbox/member.json")


@dataclass(frozen=True)
class Reply:
    """What the box answered: status, headers in small letters, and the raw body."""

    status: int
    headers: dict[str, str]
    data: bytes

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.data or b"null")


class Box:
    """The API of the box on this machine; `debug` prints each call to stderr."""

    def __init__(self, path: Path | None = None, *, debug: bool = False) -> None:
        given = os.environ.get("HBOX_SOCKET")
        self._path = path or (Path(given) if given else settings.load().run / "api.sock")
        self._debug = debug

    def get(self, address: str) -> Any:
        """Return what is at `address` (below /api/v1), as JSON; raise `Told` or `BoxAway`."""
        return self.ask("GET", f"/api/v1{address}").json()

    def write(self, method: str, address: str, body: object = None) -> Any:
        """Ask for a change, once: with an idempotency key of its own; return the JSON answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Idempotency-Key": chance.new_id()}
        if data is not None:
            headers["Content-Type"] = "application/json"
        return self.ask(method, f"/api/v1{address}", data, headers).json()

    def ask(
        self,
        method: str,
        address: str,
        body: bytes | IO[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Return the answer to one request; raise `Told` for an error, `BoxAway` for no answer."""
        if self._debug:
            sys.stderr.write(f"> {method} {address}\n")
        connection = _Connection(str(self._path))
        try:
            connection.request(method, address, body=body, headers=headers or {})
            answer = connection.getresponse()
            reply = Reply(
                answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
            )
        except (OSError, http.client.HTTPException) as error:
            raise _away(self._path, error) from error
        finally:
            connection.close()
        if self._debug:
            sys.stderr.write(f"< {reply.status} {len(reply.data)} bytes\n")
        if reply.status >= 400:
            raise Told(reply.status, _problem(reply))
        return reply


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("hbox", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _away(path: Path, error: Exception) -> BoxAway:
    try:
        controller = json.loads(MEMBER.read_bytes())["controller"]
    except (OSError, ValueError, KeyError, TypeError):
        return BoxAway(what="", path=path, why=error)
    return NotHome(what="", path=path, why=error, controller=controller)


def _problem(reply: Reply) -> dict[str, Any]:
    try:
        found = reply.json()["error"]
    except (ValueError, KeyError, TypeError):
        text = f"HTTP {reply.status}"
        return {"message": {"zh": text, "en": text}}
    return found if isinstance(found, dict) else {}
