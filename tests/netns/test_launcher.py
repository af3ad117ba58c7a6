"""What the launcher hands over and what it does not; a hostile spool; doors by the policy in force."""

import json
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from network.gateway.listening import Listen
from tests.netns.world import CHANNELS, RUN, in_namespace

pytestmark = [pytest.mark.netns, pytest.mark.timeout(180)]


def dials(world, port):
    def connect():
        return socket.create_connection((world.plan.extranet.leg_address, port), timeout=5)

    try:
        in_namespace(world.machines["ext"], connect).close()
    except OSError:
        return False
    return True


def arguments(world, name):
    return Path(f"/proc/{world.pids[name]}/cmdline").read_bytes().decode().split("\0")


def test_no_secret_stands_in_arguments_or_environment(gateway):
    key = gateway.layout.journal_key.read_text()
    words = {word for word in key.replace('"', " ").split() if len(word) > 15}
    assert words
    for pid in gateway.pids.values():
        told = b"".join(Path(f"/proc/{pid}/{file}").read_bytes() for file in ("cmdline", "environ"))
        assert not [word for word in words if word.encode() in told]
        held = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
        assert not [link for link in held if "keys" in link]


def test_secrets_are_read_to_their_end_and_closed(gateway):
    # Each leg and the scanner: two pipes to the guard; the guard: six. What lay in a pipe is gone.
    def pipes(name):
        links = Path(f"/proc/{gateway.pids[name]}/fd").iterdir()
        return {str(e.readlink()) for e in links if "pipe:" in str(e.readlink())}

    gateway.until(lambda: len(pipes("guard")) <= 6)  # it may still be reading when the legs listen
    for name in ("front", "back", "scan"):
        assert len(pipes(name) & pipes("guard")) == 2
    assert len(pipes("guard")) == 6


def test_doors_are_those_of_the_policy_in_force(gateway):
    (told,) = [a for a in arguments(gateway, "front") if a.startswith("--listen=")]
    assert json.loads(told.partition("=")[2]) == [vars(Listen("http", 8080))]
    gateway.issue(replace(CHANNELS[1], port=9090), CHANNELS[2])
    gateway.wait_ready = lambda: gateway.until(lambda: dials(gateway, 9090))
    gateway.kill("guard")
    (told,) = [a for a in arguments(gateway, "front") if a.startswith("--listen=")]
    assert json.loads(told.partition("=")[2]) == [vars(Listen("http", 9090))]
    assert not dials(gateway, 8080)


def test_what_a_leg_put_into_its_spool_neither_leads_root_astray_nor_stops_the_start(gateway):
    spool, target = gateway.layout.spool / "extranet", gateway.folder / "target"
    gateway.stop()
    target.mkdir(mode=0o700)
    before = target.stat()
    for name, made in (("in", lambda p: p.symlink_to(target)), ("out", lambda p: p.symlink_to("/none")),
                       ("refused", os.mkfifo)):  # fmt: skip
        RUN(["rm", "-rf", str(spool / name)])
        made(spool / name)
    gateway.start()
    after = target.stat()
    assert (after.st_uid, after.st_mode) == (before.st_uid, before.st_mode)
    assert all(
        (spool / name).is_dir() and not (spool / name).is_symlink()
        for name in ("in", "out", "refused")
    )


def test_spool_folders_are_for_those_whose_they_are(gateway):
    account = gateway.layout.account
    wanted = {
        "extranet/out": (account("front").uid, account("guard").gid, 0o2750),
        "intranet/in": (account("back").uid, account("guard").gid, 0o2750),
        "guard": (account("guard").uid, account("guard").gid, 0o711),
        "guard/extranet": (account("guard").uid, account("front").gid, 0o2750),
        "guard/intranet": (account("guard").uid, account("back").gid, 0o2750),
        "guard/held": (account("guard").uid, account("scan").gid, 0o2750),
    }
    held = {name: (gateway.layout.spool / name).stat() for name in wanted}
    assert {n: (s.st_uid, s.st_gid, s.st_mode & 0o7777) for n, s in held.items()} == wanted
