"""Dead letters: the list, and the orders to deliver one again or to give it up."""

from appliance.errors import Text
from controller.actions.orders import DropDead, RerunDead
from controller.api.call import Answer, Call
from controller.api.route import Form, route
from controller.api.schemas.channels import ReasonIn
from controller.api.schemas.jobs import JobOut

DEAD = "/api/v1/gateway/dead/<delivery>"


@route(
    Form(
        "POST",
        f"{DEAD}/rerun",
        Text("重新投递死信", "Deliver a dead letter again"),
        RerunDead.roles,
        answer=JobOut,
        body=ReasonIn,
        status=202,
    )
)
def rerun_dead(call: Call, delivery: str) -> Answer:
    """Submit the order; the policy now in force decides what of it may cross."""
    return call.submit(RerunDead(delivery, call.json(ReasonIn).reason))


@route(
    Form(
        "POST",
        f"{DEAD}/drop",
        Text("放弃死信", "Give a dead letter up"),
        DropDead.roles,
        answer=JobOut,
        body=ReasonIn,
        status=202,
    )
)
def drop_dead(call: Call, delivery: str) -> Answer:
    """Submit the order to settle it without delivering."""
    return call.submit(DropDead(delivery, call.json(ReasonIn).reason))
