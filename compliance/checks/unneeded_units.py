"""No service runs that a box has no use for."""

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.needless import UNNEEDED
from compliance.questions import command


def judge(proofs: Answers) -> Judgement:
    """Judge what systemd runs now."""
    running = [_service(line.split()[0]) for line in proofs[0].lines()]
    if not running:
        return unknown("看不到运行中的服务", "No running service can be seen")
    extra = [name for name in running if name.partition("@")[0] in UNNEEDED]
    faults = [
        Text(f"不需要的服务 {name} 在运行", f"of no use here, but runs: {name}") for name in extra
    ]
    good = Text(
        f"{len(running)} 个运行中的服务均为所需", f"{len(running)} services run, none without a use"
    )
    return weigh(faults, 1, good)


def _service(unit: str) -> str:
    if not unit.endswith(".service"):
        raise ValueError(f"not a service: {unit[:80]!r}")
    return unit.removesuffix(".service")


CHECK = Check(
    id="unneeded_units",
    kind=Kind.HOST,
    title=Text("关闭不需要的服务", "Services of no use are off"),
    items=("8.1.4.4.b",),
    questions=(
        command(
            "systemctl", "list-units", "--type=service", "--state=running", "--no-legend", "--plain"
        ),
    ),
    judge=judge,
)
