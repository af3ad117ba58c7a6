"""The server's own sensors say that it is neither too hot nor too cold."""

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, unknown, weigh
from compliance.questions import command

LOWEST, HIGHEST = 1.0, 85.0  # degrees Celsius inside a server; humidity is for a person or a probe


def judge(proofs: Answers) -> Judgement:
    """Judge every temperature that the kernel reads (thousandths of a degree)."""
    found = [line.rpartition(":")[::2] for line in proofs[0].lines()]
    read = {path: int(value) / 1000 for path, value in found if value.lstrip("-").isdigit()}
    if not read:
        return unknown("本机没有温度传感器可读", "This machine has no sensor that can be read")
    faults = [
        Text(f"温度异常：{path} {value:.0f} °C", f"out of its limits: {path} {value:.0f} °C")
        for path, value in read.items()
        if not LOWEST <= value <= HIGHEST
    ]
    top = max(read.values())
    good = Text(
        f"{len(read)} 个温度传感器，最高 {top:.0f} °C", f"{len(read)} sensors, {top:.0f} °C at most"
    )
    return weigh(faults, len(read), good)


CHECK = Check(
    id="temperature",
    kind=Kind.HOST,
    title=Text("设备温度", "Temperature of the machine"),
    items=("8.1.1.8.a",),
    questions=(
        command(
            "sh",
            "-c",
            "grep -Hs . /sys/class/hwmon/*/temp*_input /sys/class/thermal/*/temp || true",
        ),
    ),
    judge=judge,
    kernel_bound=True,
)
