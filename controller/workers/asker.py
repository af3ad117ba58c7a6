"""Who asked for the job in hand: the row's word, held against what the worker itself accepted."""

from controller.actions.principal import SEPARATOR
from controller.jobs.ledger import Ledger
from controller.jobs.queue import binding
from controller.jobs.trust import NotTrusted
from controller.records.session import reading
from controller.records.tables import Job
from controller.workers.site import Site


def asker(site: Site) -> str:
    """Return the account of the person that asked, also through a token; raises `NotTrusted` when the row was altered after it was accepted."""
    progress = Ledger(site.settings.state / "worker").read(site.job_id)
    with reading(site.engine) as session:
        job = session.get(Job, site.job_id)
        if job is None or progress is None or binding(job) != progress.binding:
            raise NotTrusted(why="who asked cannot be told: the row was altered")
        return job.actor.partition(SEPARATOR)[0]
