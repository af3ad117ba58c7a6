"""A real machine's screen and serial line in a real browser: QEMU, worker, console process, noVNC, xterm.js."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from appliance import chance, clock
from appliance.host import LocalHost, start
from appliance.signing import SigningKey
from controller.access import tickets
from controller.actions import ACTIONS
from controller.actions.base import Role
from controller.actions.principal import Principal
from controller.console.server import Consoles
from controller.drivers.base import Power
from controller.drivers.fake import FakeHypervisor
from controller.drivers.storage_dir import DirStorage
from controller.jobs.desk import Desk
from controller.jobs.ledger import Ledger
from controller.jobs.runner import Runner, Trade
from controller.records.cluster import ConsoleSession
from controller.records.session import transaction
from controller.records.tables import Vm
from controller.workers import WORKERS
from controller.workers.consoles import SocketLine
from controller.workers.seals import Seals
from controller.workers.site import NodeDrivers, Site
from tests.browser.hospital import NODE, Hospital
from tests.browser.screen import DESK, PHONE, Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


class Qemu(FakeHypervisor):
    """The fake's machines, but their screens and serial lines are a real QEMU's: no guest, its firmware."""

    vnc: Path
    line: Path

    def state(self, vm_id: str) -> Power:
        return Power.RUNNING

    def screen(self, vm_id: str) -> str:
        return str(self.vnc)

    def serial(self, vm_id: str) -> SocketLine:
        held = socket.socket(socket.AF_UNIX)
        held.connect(str(self.line))
        return SocketLine(held)


@dataclass
class Stage:
    """A machine with something to see, a worker that opens it, the console process."""

    hospital: Hospital
    runner: Runner

    def work(self) -> None:
        end = clock.monotonic() + 20
        while not self.runner.tick():
            assert clock.monotonic() < end, "no job came"
            clock.pause(0.05)
        assert self.runner.settle(20)

    def sessions(self) -> list[ConsoleSession]:
        with transaction(self.hospital.engine) as session:
            return list(session.query(ConsoleSession).order_by(ConsoleSession.asked_at.desc()))


@pytest.fixture
def qemu(tmp_path: Path) -> Iterator[Qemu]:
    """A real QEMU without a guest. Its serial port echoes: what comes in goes out."""
    made = Qemu(tmp_path / NODE)
    made.vnc, made.line = tmp_path / "v", tmp_path / "s"
    argv = [
        "qemu-system-x86_64", "-machine", "q35,accel=tcg", "-m", "64", "-nodefaults", "-vga", "std",
        "-display", "none", "-vnc", f"unix:{made.vnc}", "-boot", "menu=on",
        "-chardev", f"socket,id=c,path={made.line},server=on,wait=off", "-device", "isa-debugcon,chardev=c,iobase=0x402",
    ]  # fmt: skip
    started = start(argv, log=tmp_path / "qemu.log")
    end = clock.monotonic() + 15
    while not (made.vnc.exists() and made.line.exists()):
        assert started.alive(), (tmp_path / "qemu.log").read_text()
        assert clock.monotonic() < end
        clock.pause(0.05)
    try:
        yield made
    finally:
        started.end()


@pytest.fixture
def stage(fresh: Hospital, fresh_address: str, qemu: Qemu, tmp_path: Path) -> Iterator[Stage]:
    hospital = fresh
    _machine(hospital)
    key = SigningKey.load_or_new(tmp_path / "audit.key")
    seals = Seals(tmp_path / "seals.jsonl", key)
    drivers = NodeDrivers(qemu, DirStorage(tmp_path / "volumes", LocalHost()), LocalHost())
    site = Site(hospital.settings, hospital.engine, {NODE: drivers})

    def plan(job_id, action):
        return WORKERS[action.kind](action, replace(site, job_id=job_id))

    desk = Desk(hospital.engine, Ledger(tmp_path / "worker"))
    runner = Runner(desk, Trade(ACTIONS, plan, seals.last), "console-test", lease=60)
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    consoles = Consoles(hospital.settings, hospital.engine)
    thread = threading.Thread(
        target=lambda: loop.run_until_complete(consoles.run(stop)), daemon=True
    )
    thread.start()
    door = hospital.settings.run / tickets.SOCKET
    WebDriverWait(door, 10).until(lambda path: path.exists())
    yield Stage(hospital, runner)
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)
    loop.close()
    assert not thread.is_alive()


def opened(screen: Screen, stage: Stage, words: str) -> None:
    """Press the machine's console button; let the worker open it; wait until it is connected."""
    screen.go(f"/vms/{stage.hospital.vms['watched']}")
    screen.press(words)
    stage.work()
    state = "return document.getElementById('viewer').dataset.state"
    WebDriverWait(screen.driver, 20).until(lambda d: d.execute_script(state) == "open")


def colours(screen: Screen) -> int:
    """How many different colours the machine's screen shows."""
    script = (
        "const c = document.querySelector('main canvas'); if (!c || !c.width) return 0;"
        "const d = new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer);"
        "return new Set(d).size;"
    )
    return screen.driver.execute_script(script)


def test_the_firmwares_screen_is_seen_and_its_end_recorded(
    screen: Screen, stage: Stage, fresh_address: str
) -> None:
    screen.address = fresh_address
    screen.sized(DESK)
    screen.enter("sysadmin", stage.hospital.codes)
    screen.faults()
    opened(screen, stage, "屏幕 Screen")
    WebDriverWait(screen.driver, 60).until(lambda _: colours(screen) > 1)
    screen.picture("console-screen")
    assert not screen.overflow()
    assert not screen.faults()
    screen.sized(PHONE)
    screen.picture("console-screen-phone")
    assert not screen.overflow()
    screen.sized(DESK)
    screen.driver.find_element(By.ID, "cad").click()
    newest = stage.sessions()[0]
    assert (newest.state, newest.account, newest.peer) == ("open", "sysadmin", "127.0.0.1")

    # Whoever audits sees it, and cuts it; the page says so and offers to connect again.
    with transaction(stage.hospital.engine) as session:
        tickets.cut(session, _auditor(), newest.id)
    ended = "return document.getElementById('viewer').dataset.state === 'over'"
    WebDriverWait(screen.driver, 10).until(lambda d: d.execute_script(ended))
    assert "audadmin" in screen.text()
    assert "重新连接" in screen.text()
    screen.picture("console-cut")
    kept = stage.sessions()[0]
    assert kept.state == "closed"
    assert kept.bytes_out > 1000
    screen.go("/consoles")
    assert "由 audadmin 断开" in screen.text()


def test_what_is_typed_into_a_serial_line_comes_back(
    screen: Screen, stage: Stage, fresh_address: str, qemu: Qemu, tmp_path: Path
) -> None:
    screen.address = fresh_address
    screen.sized(DESK)
    screen.enter("sysadmin", stage.hospital.codes)
    screen.faults()
    echo = _Echo(tmp_path / "echo")
    qemu.line = echo.path
    opened(screen, stage, "串口")
    terminal = "const b = document.getElementById('main').terminal.buffer.active; let s = ''; for (let i = 0; i < b.length; i++) s += b.getLine(i).translateToString(true) + '\\n'; return s"
    area = screen.driver.find_element(By.CSS_SELECTOR, "textarea.xterm-helper-textarea")
    area.send_keys("uname -a", Keys.ENTER)
    WebDriverWait(screen.driver, 10).until(lambda d: "echo: uname -a" in d.execute_script(terminal))
    # Colours that no palette has go by style attributes, which the policy forbids unless we help.
    echo.say(b"\x1b[38;2;255;120;0morange\x1b[0m\r\n")
    WebDriverWait(screen.driver, 10).until(lambda d: "orange" in d.execute_script(terminal))
    screen.picture("console-serial")
    tint = "return [...document.querySelectorAll('.xterm-rows span')].filter((e) => e.textContent.includes('orange')).map((e) => getComputedStyle(e).color)[0]"
    assert screen.driver.execute_script(tint) == "rgb(255, 120, 0)"
    assert not screen.faults()
    assert not screen.overflow()
    screen.driver.find_element(By.CSS_SELECTOR, ".viewer-paste summary").click()
    screen.driver.find_element(By.ID, "text").send_keys("date")
    screen.driver.find_element(By.CSS_SELECTOR, "#paste button").click()
    WebDriverWait(screen.driver, 10).until(lambda _: b"date" in echo.heard)
    echo.end()
    ended = "return document.getElementById('viewer').dataset.state === 'over'"
    WebDriverWait(screen.driver, 10).until(lambda d: d.execute_script(ended))
    assert stage.sessions()[0].why.startswith("虚拟机一端结束")


class _Echo:
    """A guest's serial line: each line that comes in is said back."""

    def __init__(self, path: Path) -> None:
        self.path, self.heard = path, b""
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(path))
        self._door.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        self._line, _ = self._door.accept()
        self._line.sendall(b"login: \r\n")
        told = b""
        while data := self._line.recv(4096):
            self.heard += data
            told += data
            while b"\r" in told:
                line, _, told = told.partition(b"\r")
                self._line.sendall(b"echo: " + line + b"\r\n")

    def say(self, data: bytes) -> None:
        self._line.sendall(data)

    def end(self) -> None:
        self._line.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._line.close()
        self._door.close()


def _machine(hospital: Hospital) -> None:
    """A machine that runs, in the records of the box after its first boot."""
    if "watched" in hospital.vms:
        return
    vm_id = hospital.vms["watched"] = chance.new_id()
    with transaction(hospital.engine) as session:
        session.add(
            Vm(
                id=vm_id, name="watched", node=NODE, zone="intranet", address="10.66.0.177",
                mac="52:54:00:66:00:b1", vcpus=1, memory_mib=64, disk_gib=1, wished="running",
                actual="running", agent=True, job_id="-", created_at=clock.iso(),
            )
        )  # fmt: skip


def _auditor():
    return Principal("-", "audadmin", Role.AUDIT, "", "test")
