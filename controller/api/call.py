"""One request to the API as its handler sees it, and the answer the handler gives."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Response
from pydantic import BaseModel
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from appliance.errors import Forbidden, NotFound, Unauthenticated
from appliance.settings import Settings
from controller.access import reach
from controller.actions.base import Action, Role
from controller.actions.principal import Principal
from controller.api.schemas.jobs import JobOut
from controller.jobs.queue import Idempotency, earlier, submit
from controller.records import jobs
from controller.records.session import reading, transaction

Model = TypeVar("Model", bound=BaseModel)
Read = TypeVar("Read")


@dataclass(frozen=True)
class Answer:
    """What goes back: a schema's instance (or a response made by hand), status and headers."""

    content: BaseModel | Response | None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One request, already authenticated, allowed by role, and checked against its schemas."""

    engine: Engine
    settings: Settings
    asker: Principal | None
    source: str
    body: BaseModel | None = None
    query: BaseModel | None = None
    idempotency: Idempotency | None = None
    if_match: str | None = None
    cookie: str = ""

    @property
    def principal(self) -> Principal:
        """Who asks; raise `Unauthenticated` where nobody is logged in."""
        if self.asker is None:
            raise Unauthenticated
        return self.asker

    def json(self, schema: type[Model]) -> Model:
        """The body, as the schema that the route names."""
        return _as(self.body, schema)

    def asked(self, schema: type[Model]) -> Model:
        """The query parameters, as the schema that the route names."""
        return _as(self.query, schema)

    def read(self, ask: Callable[[Session], Read]) -> Read:
        """Return what `ask` reads from one snapshot of the records."""
        with reading(self.engine) as session:
            return ask(session)

    def see(self, session: Session, thing: str, told: NotFound | None = None) -> None:
        """Raise `told` (else `NotFound`) unless `thing` (`noun/id`) is within the asker's reach."""
        reach.see(session, self.principal, thing, told)

    def submit(
        self,
        action: Action | Callable[[Session], Action],
        guard: Callable[[Session], None] | None = None,
    ) -> Answer:
        """Submit the action, or what `action` decides in the same transaction; answer 202 with the job.

        `guard` may raise in the same transaction; a repeated request is answered with its first job
        before anything is decided or guarded again.
        """
        with transaction(self.engine) as session:
            first = earlier(session, self.principal, self.idempotency) if self.idempotency else None
            if guard is not None and first is None:
                guard(session)
            if first is None:
                made = action if isinstance(action, Action) else action(session)
                job = submit(session, self.principal, made, self.idempotency)
            else:
                job = first
            shown = JobOut.of(job, jobs.steps(session, job.id))
        return Answer(shown, 202, {"Location": f"/api/v1/jobs/{job.id}"})

    def only_vendor(self, vendor: str, what: str) -> None:
        """Raise `Forbidden` when a vendor reaches for what another vendor delivered."""
        if self.principal.role is Role.VENDOR and self.principal.vendor != vendor:
            raise Forbidden(role=self.principal.role, what=what)


def _as(value: Any, schema: type[Model]) -> Model:
    if not isinstance(value, schema):
        raise TypeError(f"the route does not name {schema.__name__}")
    return value
