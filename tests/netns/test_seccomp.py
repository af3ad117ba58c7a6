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
told["inet"] = call(41, 2, 1, 0)
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
    assert {name: end for name, end in told.items() if end != "EPERM"} == {}


def test_a_leg_can_make_internet_sockets_only():
    told = tried("leg")
    allowed = {"inet", "connect", "sendmsg", "kill", "code", "socket", "clone3"}
    assert {name: end for name, end in told.items() if name not in allowed and end != "EPERM"} == {}
    assert told["inet"] == "done"
    assert told["clone3"] == "ENOSYS"


def test_the_rules_are_distinct():
    assert len(set(seccomp.GUARD_ALLOWED)) == len(seccomp.GUARD_ALLOWED)
    assert not set(seccomp.GUARD_ALLOWED) & set(seccomp.LEG_DENIED)
