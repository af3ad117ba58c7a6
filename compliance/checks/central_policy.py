"""The policy that the gateway obeys and the filter that nodes hold are those that the controller holds."""

import json

from appliance.errors import Text
from compliance.answers import rows
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import File, command, sql


def judge(proofs: Answers) -> Judgement:
    """Compare channels in force with approved ones, ask the node for its filter, and look at the signatures."""
    body = proofs[0].out.partition("\n")[2]
    channels = {str(one.get("id")) for one in json.loads(body or "{}").get("channels", [])}
    approved = {row["channel"] for row in rows(proofs[1].out)}
    modules = len(rows(proofs[2].out))
    faults = []
    if not modules:
        faults += [
            Text(f"通道 {name} 未经平台批准", f"a channel that nobody approved: {name}")
            for name in sorted(channels - approved)
        ]
    if proofs[3].exit != 0:
        faults.append(Text("节点过滤规则与平台不一致", "the node's filter is not the controller's"))
    if not proofs[4].lines():
        faults.append(Text("没有集中下发的病毒特征库", "no signatures were handed out"))
    return weigh(
        faults,
        3,
        Text(
            "策略、规则与特征库由平台统一管理", "Policy, filter and signatures come from one place"
        ),
    )


CHECK = Check(
    id="central_policy",
    kind=Kind.CONTROLLER,
    title=Text("策略集中管理", "Policy is managed centrally"),
    items=("8.1.5.4.e",),
    questions=(
        File("/var/lib/hbox/gateway/policy.signed"),
        sql("SELECT DISTINCT channel FROM channel_changes WHERE state = 'approved' ORDER BY channel"),
        sql("SELECT id FROM modules WHERE approved_at IS NOT NULL ORDER BY id"),
        command(
            "/usr/lib/hbox/venv/bin/python", "-I", "-m", "network.apply", "--verify", ok=(0, 1), root=True
        ),
        command("find", "/var/lib/hbox/signatures", "-name", "*.*", "-type", "f", "-o", "-type", "l", ok=(0, 1)),
    ),
    judge=judge,
)  # fmt: skip
