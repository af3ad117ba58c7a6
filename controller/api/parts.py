"""The parts of addresses: which form each has; whatever has another names nothing that is there."""

import re

from appliance.errors import NotFound

ANY = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}"
_NUMBER = r"[0-9]{1,15}"
_ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_FORMS = {
    "account": r"[a-z][a-z0-9-]{0,30}[a-z0-9]",
    "alert": _ID,
    "attachment": r"[0-9a-f]{64}",
    "change": r"[1-9][0-9]{0,5}",
    "channel": r"[a-z][a-z0-9-]{0,62}",
    "delivery": r"[0-9a-f-]{8,64}",
    "day": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "grant": _ID,
    "module": r"[a-z][a-z0-9-]{1,62}",
    "nic": _ID,
    "node": r"[A-Za-z0-9][A-Za-z0-9.-]{0,62}",
    "number": _NUMBER,
    "paper": _ID,
    "osd": r"(osd\.)?[0-9]{1,6}",
    "tenant": r"[a-z][a-z0-9-]{0,30}[a-z0-9]",
}


def form(part: str) -> str:
    """Return the form (a regular expression for the whole) of the address part called `part`."""
    return _FORMS.get(part, ANY)


def check(parts: dict[str, str]) -> None:
    """Raise `NotFound` for a part that has another form: no handler, file or record ever sees it."""
    for name, value in parts.items():
        if not re.fullmatch(form(name), value):
            raise NotFound(what=name, name=value[:80])
