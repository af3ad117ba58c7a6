"""What a mending may move in the next run: the checks and questions that see what its remedies may write. Pure."""

import functools
import re
from collections.abc import Iterable, Iterator

from compliance.checks import CHECKS
from compliance.model import Check
from compliance.remedies import REMEDIES
from compliance.remedies.model import OPEN, RULES, Remedy, within

_PATH = re.compile(r"/(?:etc|home|opt|proc|root|run|usr|var)/[\w.@*/-]+")
_MODES = re.compile(r"%[am]\b|%m")  # what stat and find say of owner and mode
_ASKS_RULES = "nft "
# Checks that see the same fact by a question of their own, of the remedies of which it was seen.
_SEEN_BESIDE: dict[str, tuple[str, ...]] = {
    "sshd_crypto": ("algorithms",),
    "file_modes": ("stray_files",),
    "exchange_scan": ("antimalware",),
    "antimalware": ("exchange_scan",),
    "forwarding": ("management_zone", "zone_bridges"),
    RULES: ("central_policy",),
}


def reach(remedies: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of the checks and the texts of the questions that mending by these remedies may move."""
    parts = [part for one in remedies if one in REMEDIES for part in _of(one)]
    return tuple(dict.fromkeys(parts))


@functools.cache
def _of(remedy: str) -> tuple[str, ...]:
    one = REMEDIES[remedy]
    asked = {text for check in CHECKS for text in _seeing(one, check)}
    beside = [*_SEEN_BESIDE.get(remedy, ()), *(_SEEN_BESIDE[RULES] if RULES in one.surface else ())]
    checks = [check.id for check in CHECKS if check.id in beside or asked & _questions(check)]
    return (*checks, *sorted(asked))


def _seeing(remedy: Remedy, check: Check) -> Iterator[str]:
    """Yield the questions of the check that see what the remedy mends or may write."""
    mends = check.id in remedy.checks
    opened = any(one.startswith(OPEN) for one in remedy.surface)
    written = [one for one in remedy.surface if not one.startswith(OPEN)]
    for text in _questions(check):
        told = opened and _MODES.search(text)
        rules = RULES in remedy.surface and text.startswith(_ASKS_RULES)
        if mends or told or rules or any(within(p, written, "mode") for p in _PATH.findall(text)):
            yield text


def _questions(check: Check) -> set[str]:
    return {question.asked for question in check.questions}
