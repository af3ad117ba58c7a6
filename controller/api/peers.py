"""Client certificates for the hospital's own systems."""

from appliance.errors import Text
from controller.actions.peers import IssuePeer
from controller.api.call import Answer, Call
from controller.api.route import Form, route
from controller.api.schemas.channels import PeerIn
from controller.api.schemas.jobs import JobOut


@route(
    Form(
        "POST",
        "/api/v1/gateway/peers",
        Text("签发对接系统的客户端证书", "Issue a client certificate to a hospital system"),
        IssuePeer.roles,
        answer=JobOut,
        body=PeerIn,
        status=202,
    )
)
def issue_peer(call: Call) -> Answer:
    """Submit the request; the job's result holds certificate and fingerprint."""
    asked = call.json(PeerIn)
    return call.submit(IssuePeer(asked.name, asked.address, asked.tls, asked.request))
