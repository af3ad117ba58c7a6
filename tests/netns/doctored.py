"""The gateway with one hole in it, chosen by the file `hole` beside the layout; for tests only."""

import argparse
import os
import socket
from pathlib import Path

from network.gateway import confine, launcher
from network.gateway.launcher import PROGRAMS, Launcher, Pipes, confined, read_layout

CAP_NET_ADMIN = 1 << 12
UNFILTERED = "from network.gateway import seccomp\nseccomp.apply = lambda wanted: None\n"


def unfiltered(name):
    """Run one of the three programs without its system call filter."""
    module = "guard" if name == "guard" else "leg"
    return ("-c", f"{UNFILTERED}from network.gateway.{module} import main\nmain()")


def only_user(layout, name):
    """Own namespace and user, but the world's folders."""
    confine.enter(layout.netns(name))
    confine.become(layout.account(name))


def in_one_namespace(layout, name):
    """Both legs where the front is."""
    confine.enter(layout.netns("guard" if name == "guard" else "front"))
    confine.become(layout.account(name))


def with_capabilities(layout, name):
    """A leg that may change its own links."""
    confine.enter(layout.netns(name))
    confine.read_only_world(layout.journal if name == "guard" else None)
    confine.become_like(layout.account(name), CAP_NET_ADMIN)
    # Ambient, so that it survives exec.
    header, data = confine.struct.pack("=Ii", 0x20080522, 0), [CAP_NET_ADMIN] * 3
    confine._libc.capset(header, confine.struct.pack("=6I", *data, 0, 0, 0))
    confine._libc.prctl(47, 2, 12, 0, 0)


class OwnPipes(Pipes):
    """Pipes that their holders may reopen."""

    def ends(self, name):
        uid = {"front": 64901, "guard": 64902, "back": 64903}[name]
        for end in super().ends(name):
            os.fchown(end, uid, uid)
        return super().ends(name)


EXTRA = os.pipe()


class ExtraPipe(Pipes):
    """One more pipe, from front straight to back."""

    def ends(self, name):
        extra = {"front": EXTRA[1:], "back": EXTRA[:1], "guard": ()}[name]
        return (*super().ends(name), *extra)


class GuardSocket(Pipes):
    """A socket in the guard's hands."""

    def ends(self, name):
        extra = (socket.socketpair()[0].detach(),) if name == "guard" else ()
        return (*super().ends(name), *extra)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--layout", type=Path)
    file = parser.parse_args().layout
    hole = (file.parent / "hole").read_text()
    programs, confinement = PROGRAMS, confined
    if hole == "no-filter":
        programs, confinement = {name: unfiltered(name) for name in PROGRAMS}, only_user
    elif hole == "one-namespace":
        programs, confinement = {name: unfiltered(name) for name in PROGRAMS}, in_one_namespace
    elif hole == "capabilities":
        confinement = with_capabilities
        confine.LAUNCHER_KEEPS = (*confine.LAUNCHER_KEEPS, 12)
    pipes = {"own-pipes": OwnPipes, "extra-pipe": ExtraPipe, "guard-socket-held": GuardSocket}
    launcher.Pipes = pipes.get(hole, Pipes)
    if hole == "own-pipes":
        confine.LAUNCHER_KEEPS = (*confine.LAUNCHER_KEEPS, confine.CAP_CHOWN)
    Launcher(read_layout(file), programs, confinement).run()


if __name__ == "__main__":
    main()
