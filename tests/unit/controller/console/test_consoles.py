"""A console from the wish to its end: ticket, doors, bytes, limits, the trail it leaves."""

import json
import stat
from dataclasses import replace

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from appliance import chance, clock
from appliance.errors import Forbidden
from controller.access import tickets
from controller.actions.consoles import MOST, ConsoleOff, OpenConsole, TooManyConsoles
from controller.console.server import ENDED, REFUSED, Consoles
from controller.records.session import transaction
from controller.records.tables import Account, Job, Login, Vm
from tests.unit.controller.console.rig import Rig, until


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    made = Rig(tmp_path_factory.mktemp("consoles"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _nobody_else(rig):
    """Each test begins with no session of an earlier one."""
    yield
    with transaction(rig.box.engine) as session:
        for row in tickets.consoles.many(session, living=True):
            row.state = "closed"


def closed(line) -> tuple[int, str]:
    """Read to the end; return how the other side closed it."""
    try:
        while True:
            line.recv(timeout=10)
    except ConnectionClosed as ended:
        return ended.rcvd.code, ended.rcvd.reason


def test_a_serial_line_echoes_and_its_end_is_in_the_trail(rig) -> None:
    session = rig.opened("serial")
    assert (rig.row(session).state, rig.row(session).account) == ("asked", "sam")
    line = rig.shell(rig.ticket(session))
    assert line.recv(timeout=5) == "open"
    line.send(b"uname -a\r")
    assert line.recv(timeout=5) == b"uname -a\r"
    assert rig.row(session).state == "open"
    line.close()
    until(lambda: rig.row(session).state == "closed")
    row = rig.row(session)
    assert (row.bytes_in, row.bytes_out) == (9, 9)
    assert row.closed_at
    (entry,) = [e for e in rig.trail("console.close") if session in e.detail]
    told = json.loads(entry.detail)
    assert (entry.actor, entry.role, entry.object) == ("sam", "system", f"vm/{rig.vm_id}")
    assert (told["bytes_in"], told["what"], told["seconds"] >= 0) == (9, "serial", True)
    assert [e for e in rig.trail("console.open") if session in e.detail]
    asked = [e for e in rig.trail("vm.console") if session in e.detail]
    assert asked
    assert asked[0].actor == "sam"


def test_a_screen_greets_through_tls_for_whoever_is_logged_in(rig) -> None:
    session = rig.opened("screen")
    line = rig.browser(rig.ticket(session), cookie=rig.login("sam"))
    assert line.recv(timeout=5) == "open"
    assert line.recv(timeout=5) == b"RFB 003.008\n"
    assert rig.row(session).peer == "127.0.0.1"
    line.close()
    until(lambda: rig.row(session).state == "closed")


def test_the_ticket_is_good_once_and_for_its_owner_alone(rig) -> None:
    session = rig.opened()
    with pytest.raises(Forbidden):
        rig.ticket(session, who="sue")
    first, second = rig.ticket(session), rig.ticket(session)
    assert closed(rig.shell(first))[0] == REFUSED, "a newer ticket voids the older"
    line = rig.shell(second)
    assert line.recv(timeout=5) == "open"
    assert closed(rig.shell(second))[0] == REFUSED, "used twice"
    assert first not in repr(vars(rig.row(session)))
    line.close()
    until(lambda: rig.row(session).state == "closed")
    with pytest.raises(tickets.ConsoleOver):
        rig.ticket(session)


def test_a_late_ticket_and_a_guess_are_refused_alike(rig) -> None:
    session = rig.opened()
    ticket = rig.ticket(session)
    with transaction(rig.box.engine) as records:
        row = tickets.consoles.get(records, session)
        row.ticket_until = clock.iso(clock.now() - tickets.dt.timedelta(seconds=1))
    late, guess = closed(rig.shell(ticket)), closed(rig.shell(chance.token()))
    assert late == guess
    assert late[0] == REFUSED


def test_only_a_page_of_this_box_opens_a_websocket(rig) -> None:
    session = rig.opened()
    for origin in ("https://evil.example", "http://127.0.0.1:8443", None, "null"):
        with pytest.raises(InvalidStatus) as refused:
            rig.browser(rig.ticket(session), cookie=rig.login("sam"), origin=origin)
        assert refused.value.response.status_code == 403, origin


def test_a_browser_without_its_login_or_with_another_ones_is_refused(rig) -> None:
    session = rig.opened()
    assert closed(rig.browser(rig.ticket(session)))[0] == REFUSED
    assert closed(rig.browser(rig.ticket(session), cookie="x" * 43))[0] == REFUSED
    assert closed(rig.browser(rig.ticket(session), cookie=rig.login("sue")))[0] == REFUSED
    assert rig.row(session).state == "asked", "a wrong cookie does not use the ticket up"
    line = rig.browser(rig.ticket(session), cookie=rig.login("sam"))
    assert line.recv(timeout=5) == "open"
    line.close()


def test_an_administrator_cuts_a_session(rig) -> None:
    session = rig.opened()
    line = rig.shell(rig.ticket(session))
    assert line.recv(timeout=5) == "open"
    with transaction(rig.box.engine) as records:
        tickets.cut(records, rig.person("aud"), session)
    code, reason = closed(line)
    assert code == ENDED
    assert "aud" in reason
    (entry,) = [e for e in rig.trail("console.cut") if session in e.detail]
    assert entry.actor == "aud"
    with transaction(rig.box.engine) as records, pytest.raises(tickets.ConsoleOver):
        tickets.cut(records, rig.person("aud"), session)


def test_logging_out_ends_the_console(rig) -> None:
    session = rig.opened()
    cookie = rig.login("sam")
    line = rig.browser(rig.ticket(session), cookie=cookie)
    assert line.recv(timeout=5) == "open"
    with transaction(rig.box.engine) as records:
        records.query(Login).delete()
    assert "登录已结束" in closed(line)[1]


@pytest.mark.parametrize(
    ("short", "word"), [({"session_idle": 1}, "无操作"), ({"session_absolute": 1}, "最长时间")]
)
def test_an_idle_console_and_one_that_lasts_too_long_are_ended(
    rig, monkeypatch, short, word
) -> None:
    session = rig.opened()
    hasty = Consoles(replace(rig.settings, **short), rig.box.engine)
    # The doors stay the same; only what they hand to has shorter limits.
    monkeypatch.setattr(Consoles, "_bridge", _with(hasty))
    line = rig.shell(rig.ticket(session))
    assert line.recv(timeout=5) == "open"
    assert word in closed(line)[1]
    until(lambda: word in rig.row(session).why)


def _with(other: Consoles):
    real = Consoles._bridge

    async def bridge(_self, viewer, row, watch) -> None:
        await real(other, viewer, row, replace(watch, settings=other.settings))

    return bridge


def test_a_frame_that_is_too_large_ends_the_session(rig) -> None:
    session = rig.opened()
    line = rig.shell(rig.ticket(session))
    assert line.recv(timeout=5) == "open"
    line.send(b"x" * 70000)
    assert closed(line)[0] == 1009
    until(lambda: rig.row(session).state == "closed")


def test_a_screen_takes_nothing_but_a_viewers_messages(rig) -> None:
    session = rig.opened("screen")
    line = rig.shell(rig.ticket(session))
    assert line.recv(timeout=5) == "open"
    line.send(b"RFB 003.008\n\x01\x01" + b"\x7fnonsense")
    assert "127" in closed(line)[1]


def test_a_machine_that_is_off_has_no_console(rig) -> None:
    off = rig.machine("m-off", actual="stopped")
    with pytest.raises(ConsoleOff):
        rig.box.ask("sam", OpenConsole(off, chance.new_id(), "screen"))
    # Switched off behind the records' back: the job says so, and the session came to nothing.
    with transaction(rig.box.engine) as session:
        session.get(Vm, off).wished = "running"
    action = OpenConsole(off, chance.new_id(), "serial")
    job = rig.box.done("sam", action)
    assert (job.state, job.error["code"]) == ("failed", "driver.not_running")
    assert rig.row(action.session_id).state == "failed"


def test_only_so_many_are_at_one_machine(rig) -> None:
    for _ in range(MOST):
        rig.opened()
    with pytest.raises(TooManyConsoles):
        rig.opened()


def test_a_session_that_nobody_comes_for_is_over(rig) -> None:
    session = rig.opened()
    tickets.sweep(rig.box.engine, older=600)
    assert rig.row(session).state == "asked"
    tickets.sweep(rig.box.engine, older=-1)
    assert rig.row(session).state == "expired"
    with pytest.raises(tickets.ConsoleOver):
        rig.ticket(session)


def test_the_workers_socket_is_for_the_group_and_for_one_connection(rig) -> None:
    session = rig.opened()
    path = rig.run / "console" / f"{session}.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
    line = rig.shell(rig.ticket(session))
    assert line.recv(timeout=5) == "open"
    until(lambda: not path.exists())
    line.close()


def test_a_worker_that_died_leaves_a_session_that_says_so(rig) -> None:
    session = rig.opened()
    (rig.run / "console" / f"{session}.sock").unlink()
    code, reason = closed(rig.shell(rig.ticket(session)))
    assert code == ENDED
    assert "控制台连接已失效" in reason
    assert rig.row(session).state == "failed"


def test_a_session_still_waiting_gives_no_ticket_yet(rig) -> None:
    action = OpenConsole(rig.vm_id, chance.new_id(), "serial")
    job_id = rig.box.ask("sam", action)
    with pytest.raises(tickets.ConsoleNotReady):
        rig.ticket(action.session_id)
    with transaction(rig.box.engine) as session:
        session.get(Job, job_id).actor = "sue"
    rig.box.work()
    assert rig.box.job(job_id).state == "refused", "a forged actor"
    with pytest.raises(tickets.ConsoleOver):
        rig.ticket(action.session_id, who="sue")


def test_a_disabled_account_does_not_come_in(rig) -> None:
    session = rig.opened()
    ticket = rig.ticket(session)
    with transaction(rig.box.engine) as records:
        records.get(Account, "sam").disabled = True
    try:
        assert closed(rig.shell(ticket))[0] == REFUSED
    finally:
        with transaction(rig.box.engine) as records:
            records.get(Account, "sam").disabled = False


def test_a_restarted_process_closes_what_the_old_one_held(rig) -> None:
    session = rig.opened()
    line = rig.shell(rig.ticket(session))
    assert line.recv(timeout=5) == "open"
    rig.halt()
    assert closed(line)[0] == 1001
    assert rig.row(session).state == "closed"
    with transaction(rig.box.engine) as records:
        tickets.consoles.get(records, session).state = "open"  # as if it had been killed
    rig.serve()
    until(lambda: rig.row(session).state == "closed")
    assert "重启" in rig.row(session).why
