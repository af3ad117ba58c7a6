"""What may be asked about a machine's console: open its screen or its serial line for one look."""

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from appliance import clock
from appliance.errors import Conflict, Text
from controller.actions import fields, places
from controller.actions.base import OWNERS, Action, Role
from controller.actions.rights import Need, Right
from controller.actions.vms import find
from controller.records import consoles
from controller.records.cluster import ConsoleSession
from controller.records.tables import Job

KINDS = ("screen", "watch", "serial")
MOST = 4  # sessions of one machine at a time
_WORDS = {
    "screen": Text("屏幕", "the screen"),
    "watch": Text("屏幕（只看）", "the screen, to watch only,"),
    "serial": Text("串口", "the serial line"),
}


class ConsoleOff(Conflict):
    """The machine does not run: it has neither a screen nor a serial line."""

    code = "console.vm_off"
    text = Text("虚拟机 {name} 未运行，没有可看的控制台", "{name} does not run: no console to see")
    hint = Text("请先启动该虚拟机。", "Start the virtual machine first.")


class TooManyConsoles(Conflict):
    """As many people as may be are at this machine's console."""

    code = "console.too_many"
    text = Text(
        "虚拟机 {name} 已有 {count} 个控制台会话",
        "{name} has {count} console sessions already",
    )
    hint = Text(
        "请关闭其中一个，或由管理员在“控制台会话”中断开。",
        "Close one of them, or have an administrator cut one (console sessions).",
    )


@dataclass(frozen=True)
class OpenConsole(Action):
    """Open a machine's console for exactly one connection. `what`: see `KINDS`."""

    vm_id: str
    session_id: str
    what: str

    kind: ClassVar[str] = "vm.console"
    roles: ClassVar[frozenset[Role]] = OWNERS
    sentence: ClassVar[Text] = Text(
        "打开虚拟机 {vm_id} 的{what}", "Open {what} of the virtual machine {vm_id}"
    )

    @property
    def object(self) -> str:
        """See `Action.object`."""
        return f"vm/{self.vm_id}"

    def needs(self, session: Session) -> tuple[Need, ...]:
        """To watch takes less than to type."""
        right = Right.VIEW if self.what == "watch" else Right.OPERATE
        return (Need(right, places.of(session, self.object)),)

    def locks(self) -> tuple[str, ...]:
        """A machine is looked at also while another job works on it."""
        return (f"console/{self.session_id}",)

    def sound(self) -> None:
        """See `Action.sound`."""
        fields.matches("vm_id", self.vm_id, fields.ID)
        fields.matches("session_id", self.session_id, fields.ID)
        fields.one_of("what", self.what, KINDS)

    def titled(self, session: Session) -> Text:
        """See `Action.titled`."""
        name, words = find(session, self.vm_id).name, _WORDS[self.what]
        return Text(
            self.sentence.zh.format(vm_id=name, what=words.zh),
            self.sentence.en.format(vm_id=name, what=words.en),
        )

    def check(self, session: Session) -> None:
        """See `Action.check`."""
        vm = find(session, self.vm_id)
        # One that is being started is looked at too: whether it runs by now, the engine says.
        if vm.actual not in ("running", "paused") and vm.wished != "running":
            raise ConsoleOff(name=vm.name)
        count = consoles.living(session, self.vm_id)
        if count >= MOST:
            raise TooManyConsoles(name=vm.name, count=count)

    def wish(self, session: Session, job_id: str) -> None:
        """Record the session; whose it is is written by the worker, from the job it believes."""
        session.add(
            ConsoleSession(
                id=self.session_id,
                vm_id=self.vm_id,
                vm_name=find(session, self.vm_id).name,
                account="",
                kind=self.what,
                state="asked",
                job_id=job_id,
                asked_at=clock.iso(),
            )
        )

    def ready(self, session: Session, job_id: str) -> None:
        """See `Action.ready`."""
        row, job = consoles.get(session, self.session_id), session.get(Job, job_id)
        if job is None or (row.job_id, row.state, row.kind) != (job_id, "asked", self.what):
            raise Conflict(why=f"the session {self.session_id} is not what this job wished")
        row.account = job.actor

    def forget(self, session: Session, job_id: str) -> None:
        """The session comes to nothing."""
        row = session.get(ConsoleSession, self.session_id)
        if row is not None and row.job_id == job_id and row.state == "asked":
            row.state, row.closed_at = "failed", clock.iso()
            row.ticket_hash = row.ticket_until = None

    def audited(self) -> dict[str, Any]:
        """What is opened, and the session by whose number its end is found in the trail."""
        return {"what": self.what, "session": self.session_id}
