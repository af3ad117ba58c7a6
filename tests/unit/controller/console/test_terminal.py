"""`hbox vm console` and `hbox console` as a person uses them: a real terminal, the box's real sockets."""

import os
import pty
import pwd
import select
import subprocess
import sys
import threading

import pytest

from appliance import chance, clock
from controller.access import tickets
from controller.actions.consoles import OpenConsole
from controller.records.session import transaction
from controller.records.tables import Account
from controller.serve import create_app, doors
from tests.unit.controller.console.rig import Rig, until

HBOX = (sys.executable, "-c", "from controller.cli import main; raise SystemExit(main())")


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    made = Rig(tmp_path_factory.mktemp("terminal"))
    me = "hbox-sys" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    with transaction(made.box.engine) as session:
        session.add(Account(id="me", name="me", role="system", unix_user=me, created_at="now"))
    app = create_app(made.settings)
    server = doors.peers(app, made.settings)
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    ended = threading.Event()
    worker = threading.Thread(target=work, args=(made, ended), daemon=True)
    worker.start()
    yield made
    ended.set()
    worker.join(10)
    server.stop()
    thread.join(10)
    app.extensions["hbox.engine"].dispose()
    made.close()


def work(rig: Rig, ended: threading.Event) -> None:
    while not ended.wait(0.1):
        rig.box.work()


def start(rig: Rig, *words: str, **streams) -> subprocess.Popen:
    env = {**os.environ, "HBOX_SOCKET": str(rig.settings.run / "api.sock")}
    return subprocess.Popen([*HBOX, *words], env=env, **streams)


def said(rig: Rig, *words: str) -> str:
    process = start(rig, *words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return process.communicate(timeout=40)[0].decode()


def heard(master: int, words: bytes, limit: float = 40.0) -> bytes:
    """Read the terminal until it shows `words`."""
    shown, end = b"", clock.monotonic() + limit
    while words not in shown:
        assert clock.monotonic() < end, shown
        if select.select([master], [], [], 0.5)[0]:
            shown += os.read(master, 4096)
    return shown


def test_the_serial_line_is_in_the_terminal_until_the_escape(rig) -> None:
    master, slave = pty.openpty()
    process = start(rig, "vm", "console", "m1", stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    try:
        heard(master, b"Ctrl-]")
        os.write(master, b"ls\x03")  # a raw terminal hands Ctrl-C on, it does not end us
        heard(master, b"ls\x03")
        assert process.poll() is None
        listed = said(rig, "console", "list", "--living")
        assert "m1" in listed
        assert "serial" in listed
        os.write(master, b"\x1d")
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(master)
    with transaction(rig.box.engine) as session:
        row = tickets.consoles.many(session)[0]
        until(lambda: rig.row(row.id).state == "closed")
        assert (rig.row(row.id).account, rig.row(row.id).peer) == ("me", "socket")


def test_a_session_is_cut_from_the_shell(rig) -> None:
    action = OpenConsole(rig.vm_id, chance.new_id(), "serial")
    job = rig.box.ask("sam", action)  # for the one worker that runs beside: two would race
    until(lambda: rig.box.job(job).state == "succeeded")
    session_id = action.session_id
    line = rig.shell(rig.ticket(session_id))
    assert line.recv(timeout=5) == "open"
    assert "由 me 断开" in said(rig, "console", "cut", session_id)
    until(lambda: rig.row(session_id).state == "closed")
    assert "console.over" in said(rig, "console", "cut", session_id)


def test_a_machine_that_is_off_is_told_with_a_hint(rig) -> None:
    rig.machine("m-off", actual="stopped")
    answer = said(rig, "vm", "console", "m-off")
    assert "console.vm_off" in answer
    assert "Start the virtual machine first" in answer
