"""The node has room left: processors, memory and its packet queue."""

import re

from appliance.errors import Text
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import File

MOST = 70  # percent; a testing body's level-3 handbook, peak of processor and memory


def judge(proofs: Answers) -> Judgement:
    """Judge five minutes of waiting for a processor, memory in use, and packets dropped since the start."""
    waited = re.search(r"some .*avg300=([\d.]+)", proofs[0].out)
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in proofs[1].lines()}
    used = 100 * (1 - sizes["MemAvailable"] / sizes["MemTotal"])
    columns = [line.split() for line in proofs[2].lines()]
    seen, dropped = (sum(int(line[n], 16) for line in columns) for n in (0, 1))
    faults = []
    if not waited or float(waited[1]) > MOST:
        faults.append(Text("处理器长时间繁忙", "processors were busy for minutes"))
    if used > MOST:
        faults.append(Text(f"内存使用 {used:.0f}%", f"{used:.0f}% of memory in use"))
    if dropped > seen / 1000:
        faults.append(Text(f"丢弃 {dropped} 个报文", f"{dropped} packets dropped"))
    good = Text(
        f"内存使用 {used:.0f}%，处理器有余量", f"{used:.0f}% of memory in use, processors to spare"
    )
    return weigh(faults, 3, good)


CHECK = Check(
    id="load",
    kind=Kind.HOST,
    title=Text("处理能力有余量", "Capacity to spare"),
    items=("8.1.2.1.a",),
    questions=(File("/proc/pressure/cpu"), File("/proc/meminfo"), File("/proc/net/softnet_stat")),
    judge=judge,
    kernel_bound=True,
)
