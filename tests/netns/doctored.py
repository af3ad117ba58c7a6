"""The gateway with one hole in it, chosen by the file `hole` beside the layout; for tests only."""

import argparse
import dataclasses
import os
import socket
from pathlib import Path

from network.gateway import confine, launcher, rooms
from network.gateway.launcher import PROGRAMS, Launcher, confined, read_layout
from network.gateway.layout import NAMES
from network.gateway.pipes import Pipes

CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN, CAP_BPF = 12, 13, 21, 39
UNFILTERED = "from network.gateway import seccomp\nseccomp.apply = lambda wanted: None\n"


def unfiltered(name):
    """Run one of the programs without its system call filter."""
    module = "leg" if name in {"front", "back"} else name
    # A leg's module knows its side by the name of its own file.
    started = f"import runpy\nrunpy.run_module('network.gateway.{name}', run_name='__main__')"
    return ("-c", f"{UNFILTERED}import network.gateway.{module}\n{started}")


def plain_world(layout, name):
    """Own network namespace and user, but the world's folders, /proc and IPC."""
    confine.enter(layout.netns(name))
    confine.become(layout.account(name))


def one_namespace(layout, name):
    """The legs in the network namespace of the front."""
    confine.enter(layout.netns("front" if name == "back" else name))
    confine.furnish(rooms.room(layout, name))
    confine.become(layout.account(name))


def one_user(layout, name):
    """All of one user, who sees every process."""
    confine.enter(layout.netns(name))
    confine.become(layout.account("guard"))


def with_rights(layout, name):
    """Capabilities that survive exec."""
    wanted = (CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN, CAP_BPF)
    mask = sum(1 << bit for bit in wanted)
    confine.enter(layout.netns(name))
    confine.furnish(rooms.room(layout, name))
    confine.become_like(layout.account(name), mask)
    header = confine.struct.pack("=Ii", 0x20080522, 0)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    confine._libc.capset(header, confine.struct.pack("=6I", low, low, low, high, high, high))
    for bit in wanted:
        confine._libc.prctl(47, 2, bit, 0, 0)  # PR_CAP_AMBIENT, raise


class OwnPipes(Pipes):
    """Pipes that their holders may reopen."""

    def ends(self, name):
        uid = {"front": 64901, "guard": 64902, "back": 64903, "scan": 64904}[name]
        for end in super().ends(name):
            os.fchown(end, uid, uid)
        return super().ends(name)


EXTRA = os.pipe()
PAIR = [end.detach() for end in socket.socketpair()]


def arranged(holders):
    """Hand one more descriptor to some of the processes, behind all that they know of."""
    arrange, last = launcher.arrange, {}

    def brief(layout, name, first, ends, *, given=launcher.briefing.brief):
        last["name"] = name
        return given(layout, name, first, ends)

    launcher.briefing.brief = brief
    launcher.arrange = lambda wanted: arrange([*wanted, *holders.get(last["name"], ())])


OPEN_PROGRAMS = {name: unfiltered(name) for name in NAMES}
DESCRIPTORS = {
    "extra-pipe": {"front": EXTRA[1:], "back": EXTRA[:1]},
    "guard-socket-held": {"guard": PAIR[:1]},
}
CONFINEMENTS = {
    "plain-world": (PROGRAMS, plain_world),
    "no-filter": (OPEN_PROGRAMS, confined),
    "one-namespace": (PROGRAMS, one_namespace),
    "one-user": (OPEN_PROGRAMS, one_user),
    "rights": (OPEN_PROGRAMS, with_rights),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--layout", type=Path)
    file = parser.parse_args().layout
    hole, layout = (file.parent / "hole").read_text(), read_layout(file)
    programs, confinement = CONFINEMENTS.get(hole, (PROGRAMS, confined))
    if hole == "rights":
        kept = (CAP_NET_ADMIN, CAP_NET_RAW, CAP_BPF)
        confine.LAUNCHER_KEEPS = (*confine.LAUNCHER_KEEPS, *kept)
    if hole == "own-pipes":
        launcher.Pipes = OwnPipes
        confine.LAUNCHER_KEEPS = (*confine.LAUNCHER_KEEPS, confine.CAP_CHOWN)
    if hole in DESCRIPTORS:
        arranged(DESCRIPTORS[hole])
    if hole == "plain-world":
        make = rooms.make_folders

        def open_folders(layout):
            make(layout)
            for folder in (layout.keys, layout.spool, *layout.spool.rglob("*")):
                folder.chmod(0o777)

        rooms.make_folders = open_folders
    Launcher(dataclasses.replace(layout), programs, confinement).run()


if __name__ == "__main__":
    main()
