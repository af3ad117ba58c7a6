"""What people give to a run beside the machine's answers: statements, foreign objects, waivers.

The controller keeps these in its records and hands them to the inspector as one JSON file; the inspector
never reads the records itself. Days are RFC 3339 dates (`2026-11-22`), judged in UTC. The file is read
and written by `compliance.given_file`.
"""

from dataclasses import dataclass, field

from compliance.model import Kind, Subject, Verdict


@dataclass(frozen=True)
class Attachment:
    """A file that proves a statement: its name, size in bytes, and SHA-256 in hex."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Statement:
    """A person's judgement of one item on one object. Without an approver it decides nothing.

    `item` may also name a mitigation or a trigger of the risk table (`6.4.1.1/1`, `A-27`).
    `verdict` is conform, partial, violated or not_applicable; `review_by` is the last day it holds.
    """

    item: str
    subject: str
    verdict: Verdict
    record: str
    answered_by: str
    answered_at: str
    approved_by: str
    approved_at: str
    review_by: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class Foreign:
    """An object beside the box that people assess: a firewall, a bastion, a room.

    It is asked the items that name its kind, or exactly those of `applies_to` where any is listed.
    """

    kind: Kind
    name: str
    what: str
    maker: str = ""
    place: str = ""
    applies_to: tuple[str, ...] = ()

    @property
    def subject(self) -> Subject:
        """The assessed object."""
        return Subject(self.kind, self.name)


@dataclass(frozen=True)
class Waiver:
    """A risk somebody accepts for a while. It never changes a verdict; it says why the finding stays.

    `approved_by` differs from `requested_by`; after `expires` (the last day) the finding is open again.
    """

    item: str
    subject: str
    reason: str
    measure: str
    requested_by: str
    approved_by: str
    expires: str


@dataclass(frozen=True)
class Former:
    """The run that counts as "before correction": the digest of its report, and its open risks' ids."""

    digest: str
    risks: tuple[str, ...]


@dataclass(frozen=True)
class Given:
    """All that people gave. `today` is the day the run judges by.

    `options` chooses among a rule set's named choices: `hbox-2025-1.partial` → `half`.
    """

    today: str
    statements: tuple[Statement, ...] = ()
    foreign: tuple[Foreign, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    former: Former | None = None


NOTHING = Given("1970-01-01")
"""Where nobody gave anything; its day decides nothing."""
