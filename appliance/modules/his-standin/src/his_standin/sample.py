"""Invented departments, doctors and slots of the next days. Pure; ids do not change between runs."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

ZONE = dt.timezone(dt.timedelta(hours=8))
DAYS = 3
DOCTORS = (
    ("cardio-1", "心内科（模拟）", "模拟医生 张一"),
    ("cardio-2", "心内科（模拟）", "模拟医生 李二"),
    ("paed-1", "儿科（模拟）", "模拟医生 王三"),
    ("derma-1", "皮肤科（模拟）", "模拟医生 赵四"),
    ("radio-1", "放射科（模拟）", "模拟医生 孙五"),  # its system speaks HL7 v2
)
TIMES = ((8, 30), (9, 0), (9, 30), (14, 0), (14, 30), (15, 0))
LENGTH = dt.timedelta(minutes=30)


@dataclass(frozen=True)
class Slot:
    """One bookable time of one doctor; `start` and `end` are RFC 3339 at +08:00."""

    id: str
    department: str
    doctor_id: str
    doctor: str
    start: str
    end: str


def slots(now: dt.datetime) -> Iterator[Slot]:
    """Yield the slots of the next three days, beginning tomorrow (hospital time)."""
    today = now.astimezone(ZONE).date()
    for day in (today + dt.timedelta(days=n) for n in range(1, DAYS + 1)):
        for doctor_id, department, doctor in DOCTORS:
            for hour, minute in TIMES:
                start = dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE)
                yield Slot(
                    f"{doctor_id}-{start:%Y%m%d-%H%M}",
                    department,
                    doctor_id,
                    doctor,
                    start.isoformat(),
                    (start + LENGTH).isoformat(),
                )
