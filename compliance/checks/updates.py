"""No security update that the node knows of waits to be installed."""

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command

SAID = ("Inst ", "Conf ", "Remv ", "NOTE: ", "      ")  # how lines of a simulated upgrade begin


def judge(proofs: Answers) -> Judgement:
    """Judge a simulated upgrade; lists older than a month, or none, leave it unknown."""
    if strange := [one for one in proofs[0].lines() if not one.startswith(SAID)]:
        raise ValueError(f"not a simulated upgrade: {strange[0][:80]!r}")
    waiting = [line.split() for line in proofs[0].lines() if line.startswith("Inst ")]
    urgent = [words[1] for words in waiting if "ecurity" in " ".join(words)]
    if not waiting and not proofs[1].lines():
        return unknown(
            "没有一个月内的软件源索引，无法判断是否有待装补丁",
            "No package lists of the last month: nobody can tell here what is missing",
        )
    faults = [Text(f"待装安全更新：{name}", f"security update waits: {name}") for name in urgent]
    return weigh(faults, 1, Text("没有待装的安全更新", "No security update waits"))


CHECK = Check(
    id="updates",
    kind=Kind.HOST,
    title=Text("安全更新及时安装", "Security updates are installed"),
    items=("8.1.4.4.e", "8.1.10.5.a"),
    questions=(
        command("apt-get", "-s", "-qq", "-o", "Debug::NoLocking=true", "dist-upgrade", ok=(0,)),
        command("find", "/var/lib/apt/lists", "-name", "*InRelease", "-mtime", "-31", ok=(0, 1)),
    ),
    judge=judge,
)
