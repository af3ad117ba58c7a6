"""A patient's visit over plain HTTP: look for a free slot, book it, wait for the hospital's answer."""

import http.cookiejar
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from html.parser import HTMLParser

from appliance.clock import monotonic, pause
from appliance.errors import Failed, Text

WAITING = "pending"


class VisitFailed(Failed):
    """The patient did not get through; `why` says at which page."""

    code = "sample.visit_failed"
    text = Text("示范预约未完成：{why}", "The sample booking did not come through: {why}")
    hint = Text(
        "请在控制台查看网关传输与模块健康。",
        "See gateway transfers and module health in the console.",
    )


@dataclass(frozen=True)
class Visit:
    """What the patient saw: the page right after booking, and the final answer; times in seconds."""

    slot: str
    page: str
    answer: str
    seconds: float


class _Page(HTMLParser):
    """Collects links and the fields of forms."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one link or hidden field."""
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag == "input" and given.get("type") == "hidden":
            self.fields[given.get("name", "")] = given.get("value", "")


class Patient:
    """One visitor with a cookie jar, at the patient page `base` (http://host:port)."""

    def __init__(self, base: str) -> None:
        self._base = base
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)

    def free_slots(self) -> list[str]:
        """Return the paths of the free slots' booking forms."""
        _, body = self._get("/")
        return [link for link in _parsed(body).links if link.startswith("/book/")]

    def book(self, path: str, name: str, phone: str) -> str:
        """Send the form at `path`; return the path of the booking's page."""
        _, body = self._get(path)
        fields = {**_parsed(body).fields, "name": name, "phone": phone}
        where, _ = self._get(path, urllib.parse.urlencode(fields).encode())
        return urllib.parse.urlsplit(where).path

    def state(self, page: str) -> str:
        """Return the booking's present state."""
        _, body = self._get(f"{page}/state")
        return str(json.loads(body)["status"])

    def _get(self, path: str, data: bytes | None = None) -> tuple[str, str]:
        try:
            with self._opener.open(self._base + path, data, timeout=20) as answer:
                return answer.url, answer.read(1 << 20).decode()
        except urllib.error.HTTPError as error:
            raise VisitFailed(why=f"{path}: HTTP {error.code}") from error
        except OSError as error:
            raise VisitFailed(why=f"{path}: {error}") from error


OVER_HL7 = "radio-"  # slots of the department whose system speaks HL7 v2 begin so


def go(base: str, *, name: str, phone: str, hl7: bool = False, patience: float = 120.0) -> Visit:
    """Book the first free slot and wait for the hospital's answer, `patience` seconds in all.

    With `hl7` it is a slot of the department whose line is HL7 v2, otherwise one of FHIR's.
    """
    patient, began = Patient(base), monotonic()
    slots = _patiently(patient, began + patience, hl7=hl7)
    page = patient.book(slots[0], name, phone)
    while (state := patient.state(page)) == WAITING:
        if monotonic() - began > patience:
            raise VisitFailed(why=f"no answer within {patience:.0f} s")
        pause(0.5)
    return Visit(slots[0].rsplit("/", 1)[1], page, state, monotonic() - began)


def _patiently(patient: Patient, deadline: float, *, hl7: bool) -> list[str]:
    """Wait until the page offers slots: right after installation modules still start."""
    while True:
        try:
            slots = patient.free_slots()
            why = "the page offers no free slot"
        except VisitFailed as error:
            slots, why = [], str(error.fields["why"])
        slots = [slot for slot in slots if slot.startswith(f"/book/{OVER_HL7}") is hl7]
        if slots:
            return slots
        if monotonic() > deadline:
            raise VisitFailed(why=why)
        pause(1.0)


def _parsed(body: str) -> _Page:
    page = _Page()
    page.feed(body)
    return page
