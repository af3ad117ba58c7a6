"""What the filters forbid, tried for real in a process that loaded them."""

import json
import sys

import pytest

from appliance.host import LocalHost
from network.gateway import seccomp

pytestmark = pytest.mark.netns

TRIES = """
import ctypes, errno, json, os, sys, time
from network.gateway import seccomp
libc = ctypes.CDLL(None, use_errno=True)
reader, writer = os.pipe()
seccomp.apply(getattr(seccomp, sys.argv[1])())
def call(number, *args):
    ctypes.set_errno(0)
    done = libc.syscall(number, *args)
    return errno.errorcode.get(ctypes.get_errno(), "done") if done == -1 else "done"
NR = dict(socket=41, connect=42, socketpair=53, sendmsg=46, ptrace=101, unshare=272, setns=308, mount=165,
          execve=59, io_uring_setup=425, process_vm_readv=310, pidfd_getfd=438, bpf=321, memfd_create=319,
          kill=62, clone3=435)
told = {name: call(number, -1, 0, 0, 0, 0, 0) for name, number in NR.items()}
told["unix"] = call(41, 1, 1, 0)
told["inet"] = call(41, 2, 1 | 0o2000000 | 0o4000, 0)
told["tcp"] = call(41, 2, 1, 6)
told["udp"] = call(41, 2, 2, 0)
told["raw"] = call(41, 2, 3, 1)
told["mptcp"] = call(41, 2, 1, 262)
told["sctp"] = call(41, 2, 1, 132)
told["inet6"] = call(41, 10, 1, 0)
told["unix datagram"] = call(41, 1, 2, 0)
told["bind"] = call(49, -1, 0, 0) if sys.argv[1] == "scan" else "EPERM"
told["recvmsg"] = call(47, -1, 0, 0) if sys.argv[1] == "scan" else "EPERM"
told["fork"] = call(56, 17, 0, 0, 0, 0) if sys.argv[1] != "leg" else "EPERM"
told["netlink"] = call(41, 16, 3, 0)
told["packet"] = call(41, 17, 3, 0)
told["vsock"] = call(41, 40, 1, 0)
told["pair"] = call(53, 1, 1, 0, (ctypes.c_int * 2)())
told["user namespace"] = call(56, 0x10000000 | 17, 0, 0, 0, 0)
told["code"] = call(9, 0, 4096, 7, 0x22, -1, 0)
os.write(writer, json.dumps(told).encode())
time.sleep(0)
sys.stdout.write(os.read(reader, 65536).decode())
sys.stdout.flush()
"""


def tried(name):
    return json.loads(LocalHost().run([sys.executable, "-c", TRIES, name]).text)


def test_the_guard_can_make_nothing():
    told = tried("guard")
    assert {name: end for name, end in told.items() if end != "EPERM"} == {"clone3": "ENOSYS"}


def test_a_leg_can_make_tcp_sockets_only():
    told = tried("leg")
    allowed = {"inet", "tcp", "connect", "sendmsg", "kill", "code", "clone3"}
    assert {name: end for name, end in told.items() if name not in allowed and end != "EPERM"} == {}
    assert told["inet"] == told["tcp"] == "done"
    assert told["clone3"] == "ENOSYS"


def test_the_scanner_can_only_connect_to_unix_sockets():
    told = tried("scan")
    assert {name: end for name, end in told.items() if end != "EPERM"} == {
        "unix": "done", "connect": "EBADF", "clone3": "ENOSYS",
    }  # fmt: skip


def test_threads_may_be_made_where_they_are_needed():
    script = (
        "import sys, threading\nfrom network.gateway import seccomp\nseccomp.apply(getattr(seccomp, sys.argv[1])())\n"
        "one = threading.Thread(target=lambda: sys.stdout.write('ran'))\none.start()\none.join()"
    )
    for name in ("leg", "scan"):
        assert LocalHost().run([sys.executable, "-c", script, name]).text == "ran"
    assert LocalHost().run([sys.executable, "-c", script, "guard"], check=False).code != 0


def test_the_rules_are_distinct():
    assert len(set(seccomp.GUARD_ALLOWED)) == len(seccomp.GUARD_ALLOWED)
    assert not set(seccomp.GUARD_ALLOWED) & set(seccomp.LEG_DENIED)
