"""How times and slots are shown to a patient. Pure."""

import datetime as dt
from itertools import groupby

from hbox_appointment.fhir import Slot

ZONE = dt.timezone(dt.timedelta(hours=8))
_DAYS_ZH = "一二三四五六日"


def when(start: str) -> str:
    """Return an instant as date, weekday and time of the hospital."""
    at = dt.datetime.fromisoformat(start).astimezone(ZONE)
    return f"{at.month}月{at.day}日 周{_DAYS_ZH[at.weekday()]} {at:%H:%M}"


def days(slots: tuple[Slot, ...]) -> list[tuple[str, list[tuple[str, list[tuple[str, Slot]]]]]]:
    """Group slots by day, then by department and doctor; each with its time of day."""
    ordered = sorted(slots, key=lambda s: (_day(s), s.department, s.doctor, s.start))
    return [
        (
            day[6:],
            [
                (f"{department} · {doctor}", [(when(s.start)[-5:], s) for s in times])
                for (department, doctor), times in groupby(
                    of_day, lambda s: (s.department, s.doctor)
                )
            ],
        )
        for day, of_day in groupby(ordered, _day)
    ]


def _day(slot: Slot) -> str:
    at = dt.datetime.fromisoformat(slot.start).astimezone(ZONE)
    return f"{at:%m-%d}|{at.month}月{at.day}日 周{_DAYS_ZH[at.weekday()]}"
