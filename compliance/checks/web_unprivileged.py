"""The console's process has an account of its own and no privileges."""

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command

PROPERTIES = "User,CapabilityBoundingSet,NoNewPrivileges,ProtectSystem,MainPID,ActiveState"


def judge(proofs: Answers) -> Judgement:
    """Judge the unit as systemd runs it."""
    unit = {k: v for k, _, v in (line.partition("=") for line in proofs[0].lines())}
    if unit.get("ActiveState") != "active":
        return unknown("控制台未运行", "The console does not run")
    faults = []
    if unit.get("User") in ("", "root", None):
        faults.append(Text("控制台以 root 运行", "the console runs as root"))
    if unit.get("CapabilityBoundingSet"):
        faults.append(Text("控制台保有特权", "the console keeps capabilities"))
    if unit.get("NoNewPrivileges") != "yes":
        faults.append(Text("控制台可以提权", "the console may gain privileges"))
    return weigh(faults, 3, Text("控制台进程无特权", "The console has no privileges"))


CHECK = Check(
    id="web_unprivileged",
    kind=Kind.CONTROLLER,
    title=Text("控制台最小权限", "The console has least privilege"),
    items=("8.1.4.2.d",),
    questions=(command("systemctl", "show", "hbox-web.service", "-p", PROPERTIES),),
    judge=judge,
)
