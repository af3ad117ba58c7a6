"""Finds out what really runs guests here, by running one: /dev/kvm may open and yet be of no use.

With a kernel at hand its boot is the proof: QEMU starts it without a root file system, and its own
last words ("not syncing") show that it ran. A tiny boot sector is not enough for KVM: machines were
seen where sixteen-bit code ran and a kernel hung.
"""

from appliance.clock import monotonic
from appliance.host import CommandMissing, CommandTimeout, Host
from hardware.facts import Accelerator, Attempt, Virtualisation

KERNELS = ("/usr/share/hbox/images/guest-base/vmlinuz", "/vmlinuz", "/boot/vmlinuz")
LAST_WORDS = b"not syncing"
# Seconds: a KVM that works needs about 2; TCG took 2 on two idle cores, more when they are busy.
PATIENCE = {Accelerator.KVM: 10.0, Accelerator.TCG: 60.0}


def probe(host: Host, kernel: str = "") -> Virtualisation:
    """Try KVM, then TCG; the first that boots `kernel` (default: the first of `KERNELS`) is used."""
    kernel = kernel or _kernel(host)
    attempts: list[Attempt] = []
    chosen = Accelerator.NONE
    for accelerator in (Accelerator.KVM, Accelerator.TCG):
        attempts.append(_attempt(host, accelerator, kernel))
        if attempts[-1].works:
            chosen = accelerator
            break
    return Virtualisation(chosen, _nested(host), kernel, tuple(attempts))


def command(accelerator: Accelerator, kernel: str) -> list[str]:
    """Return the QEMU command: smallest machine, serial console on its output, no disk, no network."""
    return [
        *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-machine", "q35", "-m", "256", "-cpu", "max", "-accel", str(accelerator)),
        *("-serial", "stdio", "-monitor", "none", "-kernel", kernel),
        *("-append", "console=ttyS0 panic=-1 loglevel=4"),
    ]


def _attempt(host: Host, accelerator: Accelerator, kernel: str) -> Attempt:
    began = monotonic()
    if not kernel:
        return Attempt(
            accelerator, works=False, seen="no kernel here to prove it with", seconds=0.0
        )
    works, seen = False, ""
    try:
        done = host.run(command(accelerator, kernel), timeout=PATIENCE[accelerator], check=False)
        works = LAST_WORDS in done.out
        seen = "the kernel booted" if works else _tail(done.err or done.out) or f"exit {done.code}"
    except CommandTimeout:
        seen = f"the kernel hung for {PATIENCE[accelerator]:.0f} s"
    except CommandMissing:
        seen = "QEMU is not installed"
    return Attempt(accelerator, works, seen, round(monotonic() - began, 2))


def _tail(output: bytes) -> str:
    return output.decode("utf-8", "replace").strip()[-300:]


def _kernel(host: Host) -> str:
    for path in KERNELS:
        if host.run(["test", "-r", path], check=False).code == 0:
            return path
    return ""


def _nested(host: Host) -> bool:
    """Whether this node is itself a virtual machine or a container."""
    done = host.run(["systemd-detect-virt"], check=False)
    return done.text.strip() not in ("", "none")
