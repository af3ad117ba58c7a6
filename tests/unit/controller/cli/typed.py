"""Commands typed as one of the administrators, while the box's real worker carries out what is asked."""

import contextlib
import threading

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.cli import main
from controller.records.tables import Account


@contextlib.contextmanager
def at_work(box):
    """The box's worker works until the end; its records are closed then."""
    stop = threading.Event()

    def work():
        while not stop.wait(0.05):
            box.work()

    thread = threading.Thread(target=work)
    thread.start()
    yield box
    stop.set()
    thread.join()
    box.engine.dispose()


def typist(site, capsys, group):
    """Return what types one command of a group as an account; it returns exit code, output and error output."""

    def run(who, *words):
        with Session(site.controller.engine) as session, session.begin():
            accounts = {a.name: a for a in session.scalars(select(Account))}
            for account in accounts.values():
                account.unix_user = None
            session.flush()
            accounts[who].unix_user = "hbox-sys"
        code = main([group, *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run
