"""Conformance: the screen, the serial line and the agent of a guest."""

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import replace

from appliance.errors import Unavailable
from controller.drivers.base import (
    Ability,
    AgentSilent,
    EngineFailed,
    NotRunning,
    Serial,
)
from controller.drivers.suite_bench import Bench, Promise

_WORDS = b"hbox-suite"
_TALK = b"while :; do echo hbox-suite; done\r"  # for a shell; whatever else is there echoes it
_LIMIT = 20.0  # seconds for a screen to greet
_ECHO = 20.0  # for a guest to echo
_TAKEN = 60.0  # for a line to end that somebody else took


def the_screen_is_a_socket(bench: Bench) -> None:
    """A running VM with a screen shows it on a Unix socket that greets as VNC does."""
    bench.driver.define(replace(bench.spec, screen=True))
    bench.refuses(NotRunning, lambda: bench.driver.screen(bench.vm), "off: it shows nothing")
    bench.driver.start(bench.vm)
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_LIMIT)
        line.connect(bench.driver.screen(bench.vm))
        bench.expect(line.recv(12).startswith(b"RFB "), "the screen must greet as VNC does")
    bench.driver.stop(bench.vm, force=True)
    bench.define()
    bench.driver.start(bench.vm)
    bench.refuses(EngineFailed, lambda: bench.driver.screen(bench.vm), "it was given no screen")


def the_serial_line_is_one(bench: Bench) -> None:
    """What is typed reaches the guest; whoever opens the line takes it, also from a guest in mid-word."""
    bench.define()
    bench.refuses(NotRunning, lambda: bench.driver.serial(bench.vm), "off: nobody is there")
    bench.driver.start(bench.vm)
    bench.ready(bench.driver, bench.vm)
    first = bench.driver.serial(bench.vm)
    bench.expect(_echoes(first), "what is typed must come back")
    first.write(_TALK)
    bench.expect(_echoes(first), "what is typed must come back")  # it talks now, without end
    second = bench.driver.serial(bench.vm)
    bench.expect(_ended(first), "the line must be taken from the one before")
    bench.expect(_echoes(second), "and belong to the other")
    first.close()
    second.close()
    bench.driver.serial(bench.vm).close()


def the_agent_answers_or_not(bench: Bench) -> None:
    """Where an agent runs it does as it is told; where none runs that is said."""
    driver, vm = bench.driver, bench.vm
    bench.define()
    bench.expect(not driver.freeze(vm), "off: nobody holds anything still")
    driver.thaw(vm)
    driver.start(vm)
    bench.ready(driver, vm)
    bench.expect(driver.ping(vm) is bench.agent, f"the agent must be there: {bench.agent}")
    bench.expect(driver.freeze(vm) is bench.agent, f"freezing must work: {bench.agent}")
    for _ in range(2):
        driver.thaw(vm)
    if not bench.agent:
        bench.refuses(AgentSilent, lambda: driver.run(vm, ["/bin/true"]), "nobody is there")
        return
    said = driver.run(vm, ["/bin/cat"], stdin=_WORDS)
    bench.expect((said.code, said.out) == (0, _WORDS), "a program must get and give bytes")


def _echoes(line: Serial) -> bool:
    # A terminal echoes what is typed, whatever runs there.
    def listen() -> None:
        said = b""
        while _WORDS not in said:
            more = line.read()
            if not more:
                raise Unavailable(what="serial line", why="it has ended")
            said += more

    line.write(_WORDS + b"\r")
    return _ends_well(listen, _ECHO)


def _ended(line: Serial) -> bool:
    def drain() -> None:
        while line.read():
            pass

    return _ends_well(drain, _TAKEN)


def _ends_well(deed: Callable[[], None], limit: float) -> bool:
    # In a thread: reading a line that should have ended, and has not, waits without end.
    done: list[bool] = []

    def work() -> None:
        with contextlib.suppress(Unavailable):
            deed()
            done.append(True)

    thread = threading.Thread(target=work, name="suite-serial", daemon=True)
    thread.start()
    thread.join(limit)
    return bool(done)


_SCREEN = frozenset({Ability.SCREEN})
GUEST = (
    Promise(the_screen_is_a_socket, _SCREEN),
    Promise(the_serial_line_is_one, _SCREEN),
    Promise(the_agent_answers_or_not, frozenset({Ability.AGENT})),
)
