"""The box has no wireless interface."""

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command


def judge(proofs: Answers) -> Judgement:
    """Every interface with a `wireless` or `phy80211` folder is a fault."""
    found = sorted({_interface(line) for line in proofs[0].lines()})
    faults = [Text(f"存在无线网卡 {name}", f"wireless interface {name}") for name in found]
    return weigh(faults, 1, Text("本机无无线网卡", "No wireless interface in this machine"))


def _interface(line: str) -> str:
    if not line.startswith("/sys/class/net/"):
        raise ValueError(f"not below /sys/class/net: {line[:80]!r}")
    return line.split("/")[4]


CHECK = Check(
    id="wireless",
    kind=Kind.HOST,
    title=Text("无无线网卡", "No wireless interface"),
    items=("8.1.3.1.d",),
    questions=(
        command(
            "find",
            "-L",
            "/sys/class/net",
            "-maxdepth",
            "2",
            "(",
            "-name",
            "wireless",
            "-o",
            "-name",
            "phy80211",
            ")",
            ok=(0, 1),
        ),
    ),
    judge=judge,
)
