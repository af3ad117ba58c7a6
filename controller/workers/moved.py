"""What moved since the run before: told in the job and kept with the run; drift is a finding of its own."""

from typing import Any

from appliance.errors import BoxError
from compliance.differences import compare
from controller.jobs.steps import Say
from controller.records import compared, compliance
from controller.records.session import reading
from controller.workers.site import Site

_TOLD = 20  # lines of drift that a job's log carries


def moved(site: Site, report: dict[str, Any], say: Say) -> dict[str, Any] | None:
    """Return {before: run, found, drift} against the newest run that is kept; None for the first one.

    An earlier report that cannot be read fails no run: the log says so.
    """
    with reading(site.engine) as session:
        earlier = [one for one in compliance.runs(session, 2) if one.id != site.job_id]
        records = compared.changes(session)
    if not earlier:
        return None
    try:
        found = compare(compared.read(earlier[0]), report, records)
    except (BoxError, KeyError) as error:
        say(f"无法与上次比较 cannot be compared with the run before: {error}")
        return None
    say(f"{found.told.zh} {found.told.en}")
    for one in found.drift[:_TOLD]:
        say(f"漂移 drift: {one.kind} {one.subject} {one.name}")
    return {"before": earlier[0].id, "found": len(found.found), "drift": len(found.drift)}
