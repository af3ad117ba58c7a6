"""How accounts come to be: a one-time code in a file for one person, only its hash in the records."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from appliance import chance
from appliance.errors import Text
from appliance.files import write_atomically
from appliance.secret import Secret
from controller.access.passwords import hashed
from controller.actions.accounts import (
    AddAccount,
    DisableAccount,
    ResetAccount,
    UnlockAccount,
    clear,
    find,
    living,
)
from controller.jobs.steps import Say, Step
from controller.records.tables import Account
from controller.workers.site import Site


def add(action: AddAccount, site: Site) -> Sequence[Step]:
    """Make the one-time code: the file is for the person, the hash for the records."""
    path = site.settings.state / "codes" / action.name

    def make(say: Say) -> None:
        code = first_code(path)

        def work(session: Session) -> None:
            account = find(session, action.name)
            account.code_hash = hashed(code)

        site.change(work)
        site.report(code_file=str(path))
        say(f"首次登录码文件 one-time code in: {path}")

    def unmake(_say: Say) -> None:
        path.unlink(missing_ok=True)

        def work(session: Session) -> None:
            account = session.get(Account, action.account_id)
            if account is not None:
                account.code_hash = None

        site.change(work)

    return [Step("code", Text("生成首次登录码", "Make the one-time code"), make, unmake)]


def first_code(path: Path) -> Secret:
    """Make a first-login code and write it to `path`, for root alone."""
    code = Secret(chance.spoken_code())
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(path, (code.reveal() + "\n").encode(), mode=0o600)
    return code


def reset(action: ResetAccount, site: Site) -> Sequence[Step]:
    """Make a fresh first-login code for an account whose password the wish took away."""
    path = site.settings.state / "codes" / action.name

    def make(say: Say) -> None:
        code = first_code(path)

        def work(session: Session) -> None:
            account = living(session, action.name)
            clear(session, account, factor=action.factor)
            account.code_hash = hashed(code)

        site.change(work)
        site.report(code_file=str(path))
        say(f"新的首次登录码文件 a fresh code in: {path}")

    return [Step("code", Text("生成首次登录码", "Make the one-time code"), make)]


def unlock(action: UnlockAccount, site: Site) -> Sequence[Step]:
    """Confirm that the account is no longer locked (the wish did it at once)."""

    def confirm(say: Say) -> None:
        say(f"{action.name} 已解锁 unlocked")

    del site
    return [Step("unlock", Text("解锁账号", "Unlock the account"), confirm)]


def disable(action: DisableAccount, site: Site) -> Sequence[Step]:
    """Confirm that the account is shut out (the wish did it at once) and take its unused code away."""

    def confirm(say: Say) -> None:
        def work(session: Session) -> None:
            find(session, action.name).disabled = True

        site.change(work)
        (site.settings.state / "codes" / action.name).unlink(missing_ok=True)
        say(f"{action.name} 已停用 disabled")

    return [Step("disable", Text("停用账号", "Disable the account"), confirm)]
