"""The audit chain: read it, verify it."""

from appliance.errors import Text
from controller.access import chain
from controller.actions.base import Role
from controller.api.call import Answer, Call
from controller.api.route import Form, route
from controller.api.schemas.base import Items, Page
from controller.api.schemas.box import ChainOut, EntryOut
from controller.records import audit

_READERS = frozenset({Role.AUDIT, Role.AUDITOR})


@route(
    Form(
        "GET",
        "/api/v1/audit",
        Text("查看审计记录", "Read the audit entries"),
        _READERS,
        answer=Items[EntryOut],
        query=Page,
    )
)
def list_entries(call: Call) -> Answer:
    """Answer with entries, newest first."""
    asked = call.asked(Page)
    found = call.read(lambda session: audit.page(session, before=asked.before, limit=asked.limit))
    more = found[-1].number if len(found) == asked.limit and found[-1].number > 1 else None
    items = [EntryOut.model_validate(row) for row in found]
    return Answer(Items[EntryOut](items=items, next=more))


@route(
    Form(
        "GET",
        "/api/v1/audit/verify",
        Text("校验审计链", "Verify the audit chain"),
        _READERS,
        answer=ChainOut,
    )
)
def verify_chain(call: Call) -> Answer:
    """Answer whether numbering, links, hashes and the worker's seals hold."""
    folder = call.settings.state / "audit"
    return Answer(ChainOut.model_validate(call.read(lambda s: chain.examine(s, folder))))
