"""How a body is looked into: decrypted here, masked, sealed for the asker's one-time key, soon gone."""

from collections.abc import Sequence
from pathlib import Path

from appliance import clock, onetime
from appliance.canonical import canonical
from appliance.errors import Text
from controller.actions.supervision import LookBody, NoBody
from controller.jobs.steps import Say, Step
from controller.records import gateway
from controller.records.session import reading
from controller.workers.index import journal_folder
from controller.workers.look_text import shown
from controller.workers.sharing import share
from controller.workers.site import Site
from network.gateway import transfers, vault

FOLDER = "looks"  # below the box's state
KEPT = 600.0  # seconds that a sealed look lies there


def look(action: LookBody, site: Site) -> Sequence[Step]:
    """Open the record's body and seal it for the asker; neither job nor log ever holds it in clear."""
    path = site.settings.state / FOLDER / f"{site.job_id}.sealed"

    def run(say: Say) -> None:
        body = transfers.body(
            journal_folder(site),
            _record(action, site),
            vault.load(site.settings.keys / vault.FILE),
        )
        if not body:
            raise NoBody(number=action.number)
        form, text = shown(body, clear=action.clear)
        told = {"number": action.number, "part": action.part, "clear": action.clear,
                "form": form, "bytes": len(body), "text": text}  # fmt: skip
        share(path, onetime.seal(action.public_key, canonical(told), purpose(site.job_id)), site)
        say(
            f"已为查看人单独加密，{KEPT:.0f} 秒内有效 sealed for the asker alone, good for that long"
        )

    def discard(_say: Say) -> None:
        path.unlink(missing_ok=True)

    return [Step("open", Text("解密并为查看人加密", "Open and seal for the asker"), run, discard)]


def purpose(job_id: str) -> str:
    """Return what a look is sealed for, so that it opens as nothing else."""
    return f"hbox gateway look {job_id}"


def sweep(site: Site) -> None:
    """Remove the sealed looks whose time is over."""
    folder: Path = site.settings.state / FOLDER
    oldest = clock.now().timestamp() - KEPT
    for path in folder.glob("*.sealed") if folder.is_dir() else ():
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)


def _record(action: LookBody, site: Site) -> int:
    with reading(site.engine) as session:
        row = gateway.one(session, action.number)
        answer = row.answer
    if action.part == "message":
        return action.number
    if answer is None:
        raise NoBody(number=action.number)
    return answer
