"""Speaks the QEMU guest agent's language: JSON commands and answers, whatever carries them."""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

from appliance import clock
from appliance.errors import Failed, Text
from controller.drivers.base import AgentSilent, GuestResult

Ask = Callable[[str, int], str]
"""Sends one command to a guest's agent (JSON text, seconds to wait) and returns its answer."""

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 2.0


class GuestTimeout(Failed):
    """A program inside the guest did not end in time."""

    code = "guest.timeout"
    text = Text(
        "来宾内程序 {program} 在 {limit} 秒内未结束",
        "{program} inside the guest did not end within {limit} s",
    )


def ping(ask: Ask, *, wait: int = 5) -> bool:
    """Whether the agent answers within `wait` seconds."""
    try:
        ask(_command("guest-ping"), wait)
    except AgentSilent:
        return False
    return True


def run(ask: Ask, argv: Sequence[str], *, stdin: bytes = b"", timeout: float = 60.0) -> GuestResult:
    """Run `argv` in the guest, wait for its end; raises `GuestTimeout` after `timeout` seconds."""
    arguments: dict[str, object] = {
        "path": argv[0],
        "arg": list(argv[1:]),
        "capture-output": True,
    }
    if stdin:
        arguments["input-data"] = base64.b64encode(stdin).decode()
    started = _answer(ask(_command("guest-exec", arguments), 20))
    question = _command("guest-exec-status", {"pid": started["pid"]})
    deadline = clock.monotonic() + timeout
    pause = _FIRST_PAUSE
    while clock.monotonic() < deadline:
        status = _answer(ask(question, 20))
        if status["exited"]:
            return _result(status)
        clock.pause(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    raise GuestTimeout(program=argv[0], limit=timeout)


def use_processors(ask: Ask) -> None:
    """Have the guest use every processor that it has: many leave one that was plugged in unused."""
    found = _answers(ask(_command("guest-get-vcpus"), 20))
    idle = [cpu["logical-id"] for cpu in found if not cpu["online"]]
    if idle:
        wish = [{"logical-id": number, "online": True} for number in idle]
        ask(_command("guest-set-vcpus", {"vcpus": wish}), 20)


def use_memory(ask: Ask) -> None:
    """Have the guest use all memory that it has, likewise."""
    found = _answers(ask(_command("guest-get-memory-blocks"), 20))
    idle = [block["phys-index"] for block in found if not block["online"]]
    if idle:
        wish = [{"phys-index": number, "online": True} for number in idle]
        ask(_command("guest-set-memory-blocks", {"mem-blks": wish}), 20)


def _command(name: str, arguments: dict[str, object] | None = None) -> str:
    return json.dumps({"execute": name, **({"arguments": arguments} if arguments else {})})


def _answer(text: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(text)["return"]
    return answer


def _answers(text: str) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = json.loads(text)["return"]
    return answers


def _result(status: dict[str, Any]) -> GuestResult:
    # A program killed by a signal has no exit code; the shell's convention names it.
    code = status.get("exitcode", 128 + int(status.get("signal", 0)))
    return GuestResult(
        int(code),
        base64.b64decode(status.get("out-data", "")),
        base64.b64decode(status.get("err-data", "")),
    )
