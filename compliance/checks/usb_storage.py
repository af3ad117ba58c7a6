"""A USB stick cannot simply be plugged in: its driver is refused, or usbguard decides."""

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command

# What a container's kernel has loaded is the host's affair.
LOADED = command(
    "sh", "-c",
    "systemd-detect-virt --quiet --container || grep -E '^(usb_storage|uas) ' /proc/modules || true",
)  # fmt: skip


def judge(proofs: Answers) -> Judgement:
    """Judge modprobe's settings (`install usb-storage /bin/false`; a blacklist alone is got around) and usbguard, and what the kernel has loaded."""
    lines = [line.split() for line in proofs[0].lines()]
    refused = any(
        words[0] == "install" and words[2].endswith(("/false", "/true"))
        for words in lines
        if len(words) > 2
    )
    faults = []
    if not refused and proofs[1].out.strip() != "active":
        faults.append(Text("USB 存储未受控", "USB storage is under no control"))
    if proofs[2].out.strip():
        faults.append(
            Text(
                "USB 存储驱动已载入：请先拔出正在使用的设备，再整改",
                "the driver of USB storage is loaded: take out the device that uses it, then mend",
            )
        )
    return weigh(faults, 1, Text("USB 存储已受控", "USB storage is under control"))


CHECK = Check(
    id="usb_storage",
    kind=Kind.HOST,
    title=Text("外来存储设备受控", "Foreign storage is under control"),
    items=("8.1.10.7.a",),
    questions=(
        command(
            "grep",
            "-rhsE",
            "^[^#]*usb[-_]storage",
            "/etc/modprobe.d",
            "/usr/lib/modprobe.d",
            ok=(0, 1, 2),
        ),
        command("systemctl", "is-active", "usbguard.service", ok=(0, 3, 4)),
        LOADED,
    ),
    judge=judge,
)
