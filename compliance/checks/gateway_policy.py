"""The gateway obeys a policy that the security administrator's key has signed, field by field."""

import json

from appliance.errors import BoxError, Text
from appliance.signing import VerifyKey
from compliance.evidence import Answers
from compliance.model import Check, Judgement, Kind, weigh
from compliance.questions import File

FOLDER = "/var/lib/hbox/gateway"
STATED = ("id", "direction", "lane", "protocol", "peer", "target", "data_class",
          "purpose", "approver", "rate")  # fmt: skip
CONTENT = ("request", "response", "resources", "parts", "media")


def judge(proofs: Answers) -> Judgement:
    """Verify the signature over the very bytes, then look at what each channel states."""
    policy, key = proofs[0], proofs[1]
    if not policy.there:
        return weigh([Text("网关没有策略文件", "the gateway has no policy file")], 1, Text("", ""))
    faults = []
    head, _, text = policy.out.partition("\n")
    try:
        held = bytes.fromhex(head.removeprefix("ed25519 "))
        VerifyKey.from_pem(key.out.encode()).verify(held, text.encode(), what="policy")
    except (BoxError, ValueError):
        faults.append(Text("策略签名无效", "the policy's signature is not valid"))
    channels = json.loads(text).get("channels", [])
    for channel in channels:
        unstated = [name for name in STATED if not channel.get(name)]
        if unstated or not any(channel.get(name) for name in CONTENT):
            shown = f"{channel.get('id')}: {','.join(unstated) or 'fields'}"
            faults.append(Text(f"通道未写明 {shown}", f"a channel does not state {shown}"))
    good = Text(
        f"策略签名有效，{len(channels)} 条通道均已写明",
        f"Signed policy, {len(channels)} channels fully stated",
    )
    return weigh(faults, 1, good)


CHECK = Check(
    id="gateway_policy",
    kind=Kind.BOUNDARY,
    title=Text("网关策略已签名且按内容控制", "The gateway's policy is signed and controls content"),
    items=("8.1.3.2.e", "8.1.3.2.a"),
    questions=(
        File(f"{FOLDER}/policy.signed"),
        File("/var/lib/hbox/keys/policy.key.pub"),
    ),
    judge=judge,
)
