"""Consoles of machines: open one, get its ticket; see who looks at what, and cut one."""

from appliance import chance
from appliance.errors import Text
from controller.access import tickets
from controller.actions.base import Role
from controller.actions.consoles import OpenConsole
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.consoles import ConsoleFilter, ConsoleIn, ConsoleOut, TicketOut
from controller.api.schemas.jobs import JobOut
from controller.api.vms_one import found
from controller.records import consoles
from controller.records.session import transaction

CUTTERS = frozenset({Role.SYSTEM, Role.SECURITY, Role.AUDIT})


@route(
    Form(
        "POST",
        "/api/v1/vms/<vm>/console",
        Text("打开虚拟机控制台", "Open a virtual machine's console"),
        OpenConsole.roles,
        answer=JobOut,
        body=ConsoleIn,
        status=202,
    )
)
def open_console(call: Call, vm: str) -> Answer:
    """Submit the opening; when the job has succeeded, its session gives one ticket."""
    what = call.json(ConsoleIn).what
    vm_id = call.read(lambda session: found(call, session, vm).id)
    return call.submit(OpenConsole(vm_id, chance.new_id(), what))


@route(
    Form(
        "GET",
        "/api/v1/consoles",
        Text("列出控制台会话", "List the console sessions"),
        READERS,
        answer=Items[ConsoleOut],
        query=ConsoleFilter,
    )
)
def list_consoles(call: Call) -> Answer:
    """Answer with sessions, newest first."""
    asked = call.asked(ConsoleFilter)
    seen = call.read(
        lambda session: [
            ConsoleOut.of(row)
            for row in consoles.many(
                session, vm_id=asked.vm, living=asked.living, limit=asked.limit
            )
        ]
    )
    return Answer(Items[ConsoleOut](items=seen))


@route(
    Form(
        "POST",
        "/api/v1/consoles/<console>/ticket",
        Text("领取控制台凭据", "Get a console's ticket"),
        OpenConsole.roles,
        answer=TicketOut,
    )
)
def issue_ticket(call: Call, console: str) -> Answer:
    """Answer with a fresh ticket, to whoever asked for the session; an earlier one is void."""
    ticket = tickets.issue(call.engine, call.principal, console)
    shown = TicketOut(
        session=console,
        ticket=ticket.reveal(),
        port=call.settings.screen_port,
        socket=str(call.settings.run / tickets.SOCKET),
        seconds=int(tickets.GOOD_FOR),
    )
    return Answer(shown)


@route(
    Form(
        "DELETE",
        "/api/v1/consoles/<console>",
        Text("断开控制台会话", "Cut a console session"),
        CUTTERS,
        answer=ConsoleOut,
    )
)
def cut_console(call: Call, console: str) -> Answer:
    """Cut the session; whoever is connected loses the connection within two seconds."""
    with transaction(call.engine) as session:
        row = tickets.cut(session, call.principal, console)
    return Answer(ConsoleOut.of(row))
