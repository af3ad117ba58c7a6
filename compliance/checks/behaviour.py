"""What crosses the zones is watched for the unusual: somebody counts every minute and raises alerts."""

from appliance.errors import Text
from compliance.answers import age, rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import command, sql

LATE = 10 / 1440  # days: ten minutes


def judge(proofs: Answers) -> Judgement:
    """Judge the gateway's own minutes and the intrusion detector's flow records of today."""
    minutes, flows = rows(proofs[0].out), proofs[1].lines()
    faults = []
    newest = f"{minutes[0]['minute']}:00+00:00" if minutes else ""
    if not newest or age(proofs[0].at, newest) > LATE:
        faults.append(
            Text(
                "近十分钟无人统计网关流量", "nobody counted the gateway's traffic these ten minutes"
            )
        )
    if not flows:
        faults.append(
            Text("入侵检测没有一天内的流量记录", "the detector wrote no record within a day")
        )
    return weigh(
        faults,
        2,
        Text("网关逐分钟统计，入侵检测有流量记录", "Counted every minute; the detector writes"),
    )


CHECK = Check(
    id="behaviour",
    kind=Kind.BOUNDARY,
    title=Text("网络行为分析", "Behaviour on the network is analysed"),
    items=("8.1.3.3.c",),
    questions=(
        sql("SELECT minute, alive FROM gateway_minutes ORDER BY minute DESC LIMIT 5"),
        command(
            "find",
            "/var/log/suricata",
            "-name",
            "eve*.json",
            "-mtime",
            "-1",
            "-size",
            "+0",
            ok=(0, 1),
        ),
    ),
    judge=judge,
)
