"""`hbox vm console`: a machine's serial line in this terminal; Ctrl-] leaves."""

import argparse
import contextlib
import os
import sys
import termios
import threading
import tty
from collections.abc import Iterator
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, unix_connect

from appliance.errors import Text, Unavailable
from controller.cli.client import Box
from controller.cli.follow import code, follow
from controller.cli.form import Verbs, box, command

ESCAPE = b"\x1d"  # Ctrl-]
_CHUNK = 4096


class ConsoleAway(Unavailable):
    """The console process does not let us in."""

    code = "cli.console_away"
    text = Text("无法连接控制台：{why}", "Cannot reach the console: {why}")
    hint = Text("请查看 systemctl status hbox-console。", "Look at systemctl status hbox-console.")


def register(verbs: "Verbs[Any]") -> None:
    """Add the verb to `hbox vm`."""
    made = command(
        verbs,
        "console",
        "在本终端打开串口，Ctrl-] 退出 the serial line in this terminal, Ctrl-] leaves",
        _console,
    )
    made.add_argument("vm", help="名称 name or id")


def _console(args: argparse.Namespace) -> int:
    here = box(args)
    job = here.write("POST", f"/vms/{args.vm}/console", {"what": "serial"})
    ended = follow(here, job["id"])
    code(ended)  # raises what went wrong
    return attach(here, ended["action"]["session_id"])


def attach(here: Box, session: str) -> int:
    """Connect this terminal to the session until either side ends; return the exit code."""
    told = here.write("POST", f"/consoles/{session}/ticket")
    with connected(told["socket"], told["ticket"]) as line:
        with _raw():
            # Said only now: from here on every key is the machine's.
            _say("已连接，按 Ctrl-] 退出。Connected, Ctrl-] leaves.")
            thread = threading.Thread(target=_outward, args=(line,), daemon=True)
            thread.start()
            _inward(line, thread)
        _say(f"\r\n{line.close_reason or '已断开 disconnected'}")
    return 0


@contextlib.contextmanager
def connected(path: str, ticket: str) -> Iterator[ClientConnection]:
    """Give the open WebSocket at the console process's own socket; raises `ConsoleAway`."""
    try:
        with unix_connect(path, "ws://hbox/", compression=None, max_size=1 << 20) as line:
            line.send(ticket)
            if line.recv(timeout=20) != "open":
                raise ConsoleAway(why="unexpected greeting")
            yield line
    except ConnectionClosed as error:
        raise ConsoleAway(why=error.rcvd.reason if error.rcvd else error) from error
    except (OSError, TimeoutError) as error:
        raise ConsoleAway(why=error) from error


def _inward(line: ClientConnection, outward: threading.Thread) -> None:
    typed = threading.Thread(target=_type, args=(line,), daemon=True)
    typed.start()
    while typed.is_alive() and outward.is_alive():
        typed.join(0.2)
    line.close()


def _type(line: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed, OSError):
        while data := os.read(0, _CHUNK):
            before, found, _ = data.partition(ESCAPE)
            if before:
                line.send(before)
            if found:
                return


def _outward(line: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed, OSError):
        for message in line:
            if isinstance(message, bytes):
                os.write(1, message)


@contextlib.contextmanager
def _raw() -> Iterator[None]:
    """Keys go to the machine as they are; a pipe instead of a terminal stays as it is."""
    if not sys.stdin.isatty():
        yield
        return
    held = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, held)


def _say(line: str) -> None:
    sys.stderr.write(line + "\r\n")
    sys.stderr.flush()
