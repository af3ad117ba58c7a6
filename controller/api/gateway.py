"""The gateway: transfers and proofs."""

from appliance.errors import Text
from controller.actions.gateway import ProveGateway
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.gateway import ProofOut
from controller.api.schemas.jobs import JobOut
from controller.records import gateway


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
