"""Nothing accepted is lost, doubled beyond its id, or reordered when processes are killed at any time."""

import itertools
import json
import os
import threading
from pathlib import Path

import pytest

from appliance.clock import monotonic, pause
from network.gateway import transfers
from tests.netns.test_gateway import APPOINTMENT

pytestmark = [pytest.mark.netns, pytest.mark.timeout(180)]


def test_kill_minus_nine_of_any_process_loses_nothing(gateway):
    his = gateway.receiver("int", lambda *_: (200, b""))
    accepted: list[str] = []
    asked: list[str] = []
    stop = threading.Event()

    def send():
        for number in itertools.count():
            if stop.is_set():
                return
            name = f"m{number:05d}"
            asked.append(name)
            try:
                reply = gateway.ask("ext", "POST", "/fhir/Appointment", {**APPOINTMENT, "id": name})
            except OSError:
                pause(0.05)
                continue
            if reply.status == 202:
                accepted.append(name)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        for victim in ("guard", "back", "front", "guard"):
            before = len(accepted)
            gateway.until(lambda before=before: len(accepted) >= before + 15)
            gateway.kill(victim)
    finally:
        stop.set()
        sender.join()

    def waiting():
        seen = list(transfers.read(gateway.layout.journal))
        done = {t.delivery for t in seen if t.event == "delivered"}
        return [t for t in seen if t.event == "accepted" and t.delivery not in done]

    gateway.until(lambda: not waiting(), 60)
    order, by_delivery = [], {}
    for _, delivery, body in his.got:
        name = json.loads(body)["id"]
        if delivery not in by_delivery:
            order.append(name)
        assert by_delivery.setdefault(delivery, name) == name
    assert set(accepted) <= set(order)  # nothing that was acknowledged is lost
    assert len(order) == len(set(order))  # one id per message: a receiver can tell a repetition
    assert order == sorted(order)  # and they came in order
    assert len(accepted) >= 60
    assert not [t for t in transfers.read(gateway.layout.journal) if t.event == "dead"]
    transfers.verify(gateway.layout.journal)


def test_the_launcher_takes_all_three_with_it(gateway):
    pids = gateway.pids
    started = gateway._started
    os.kill(started.pid, 9)
    gateway._started = None
    end = monotonic() + 10
    while any(alive(pid) for pid in pids.values()) and monotonic() < end:
        pause(0.05)
    assert not any(alive(pid) for pid in pids.values())
    started.process.wait()


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
