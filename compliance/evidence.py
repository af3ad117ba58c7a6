"""Evidence: what was asked, the raw answer, when, where, and a digest over all of it."""

from dataclasses import dataclass, replace
from enum import StrEnum

from appliance.canonical import canonical, digest

STDERR = "\n[stderr]\n"
LIMIT = 1_048_576  # characters of an answer that are read; one that is longer decides nothing
SHOWN = 4_096  # characters of such an answer that are kept, to show what it was
CUT = "\n[cut here: the answer was longer]"


class Status(StrEnum):
    """How a question ended: answered, the thing asked for does not exist, or no answer came."""

    ANSWERED = "answered"
    ABSENT = "absent"
    UNANSWERED = "unanswered"


@dataclass(frozen=True)
class Answer:
    """What came back: text as it was given, how it ended, the exit code (or an errno)."""

    text: str
    status: Status
    exit: int = 0


@dataclass(frozen=True)
class Evidence:
    """One question and its raw answer. `at` is RFC 3339 UTC, `where` names the machine."""

    asked: str
    answer: str
    status: Status
    exit: int
    at: str
    where: str
    sha256: str

    @classmethod
    def of(cls, asked: str, answer: Answer, *, at: str, where: str) -> "Evidence":
        """Return the evidence with its digest filled in.

        An over-long answer is visibly cut and counts as none: what would decide may stand behind the cut.
        """
        text, status = answer.text, answer.status
        if len(text) > LIMIT:
            text, status = text[:SHOWN] + CUT, Status.UNANSWERED
        bare = cls(asked, text, status, answer.exit, at, where, "")
        return replace(bare, sha256=bare.digest())

    def digest(self) -> str:
        """Recompute the SHA-256 over question, answer, status, exit, time and place."""
        return digest(
            canonical([self.asked, self.answer, self.status, self.exit, self.at, self.where])
        )

    @property
    def there(self) -> bool:
        """Whether the thing asked for exists and answered."""
        return self.status is Status.ANSWERED

    @property
    def out(self) -> str:
        """The answer without the program's standard error; empty when there was none."""
        return self.answer.partition(STDERR)[0] if self.there else ""

    def lines(self) -> list[str]:
        """Non-empty lines of `out`."""
        return [line for line in self.out.splitlines() if line.strip()]

    def as_dict(self) -> dict[str, str | int]:
        """Return the form that a report carries."""
        return {
            "asked": self.asked,
            "answer": self.answer,
            "status": str(self.status),
            "exit": self.exit,
            "at": self.at,
            "where": self.where,
            "sha256": self.sha256,
        }


# At least one piece: this type is why there is no verdict without evidence.
Proofs = tuple[Evidence, *tuple[Evidence, ...]]

# What a judge is given: one piece for each question, in their order.
Answers = tuple[Evidence, ...]
