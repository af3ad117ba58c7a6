"""The gateway: channels of the signed policy, transfers, proofs."""

import json
from typing import Any

from appliance.errors import Text, Unavailable
from controller.actions.gateway import ProveGateway
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.gateway import ChannelOut, ProofOut, TransferFilter, TransferOut
from controller.api.schemas.jobs import JobOut
from controller.records import gateway


@route(
    Form(
        "GET",
        "/api/v1/gateway/channels",
        Text("列出网关通道", "List the gateway's channels"),
        READERS,
        answer=Items[ChannelOut],
    )
)
def channels(call: Call) -> Answer:
    """Answer with the channels of the policy in force; without a policy there are none."""
    path = call.settings.state / "gateway" / "policy.signed"
    try:
        raw = json.loads(path.read_bytes().partition(b"\n")[2])
    except FileNotFoundError:
        raw = {"channels": []}
    except (OSError, ValueError) as error:
        raise Unavailable(what="网关策略 the policy", why=str(error)) from error
    return Answer(Items[ChannelOut](items=[_channel(one) for one in raw["channels"]]))


@route(
    Form(
        "GET",
        "/api/v1/gateway/transfers",
        Text("列出网关传输记录", "List what met the gateway"),
        READERS,
        answer=Items[TransferOut],
        query=TransferFilter,
    )
)
def transfers(call: Call) -> Answer:
    """Answer with transfers, newest first."""
    asked = call.asked(TransferFilter)
    wanted = gateway.Wanted(**asked.model_dump())
    found = call.read(lambda session: gateway.transfers(session, wanted))
    more = found[-1].number if len(found) == asked.limit else None
    items = [TransferOut.model_validate(row) for row in found]
    return Answer(Items[TransferOut](items=items, next=more))


@route(
    Form(
        "GET",
        "/api/v1/gateway/proofs",
        Text("列出隔离证明", "List the proofs"),
        READERS,
        answer=Items[ProofOut],
    )
)
def list_proofs(call: Call) -> Answer:
    """Answer with the proofs, newest first."""
    found = call.read(gateway.proofs)
    return Answer(Items[ProofOut](items=[ProofOut.model_validate(row) for row in found]))


@route(
    Form(
        "GET",
        "/api/v1/gateway/proofs/<proof>",
        Text("查看隔离证明", "Show a proof"),
        READERS,
        answer=ProofOut,
    )
)
def show_proof(call: Call, proof: str) -> Answer:
    """Answer with one proof."""
    found = call.read(lambda session: gateway.proof(session, proof))
    return Answer(ProofOut.model_validate(found))


@route(
    Form(
        "POST",
        "/api/v1/gateway/proofs",
        Text("证明内外网隔离", "Prove that nothing else crosses"),
        ProveGateway.roles,
        answer=JobOut,
        status=202,
    )
)
def prove(call: Call) -> Answer:
    """Submit a run of the prover."""
    return call.submit(ProveGateway())


def _channel(raw: dict[str, Any]) -> ChannelOut:
    lists = ("request", "response")
    shown = {name: raw[name] for name in ChannelOut.model_fields.keys() - set(lists)}
    return ChannelOut.model_validate(shown | {name: list(raw.get(name) or ()) for name in lists})
