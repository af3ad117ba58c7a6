"""Accounts: list, add, disable, unlock, reset. Nothing here lets anybody in."""

from appliance import chance, clock
from appliance.errors import Text
from controller.actions.accounts import AddAccount, DisableAccount, ResetAccount, UnlockAccount
from controller.actions.base import Role
from controller.api.call import Answer, Call
from controller.api.route import Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.box import AccountIn, AccountOut, ResetIn
from controller.api.schemas.jobs import JobOut
from controller.records import accounts
from controller.records.tables import Account

_READERS = frozenset({Role.SECURITY, Role.AUDIT, Role.AUDITOR})


@route(
    Form(
        "GET",
        "/api/v1/accounts",
        Text("列出账号", "List the accounts"),
        _READERS,
        answer=Items[AccountOut],
    )
)
def list_accounts(call: Call) -> Answer:
    """Answer with the accounts by name."""
    found = call.read(accounts.many)
    return Answer(Items[AccountOut](items=[_out(account) for account in found]))


@route(
    Form(
        "POST",
        "/api/v1/accounts",
        Text("添加账号", "Add an account"),
        AddAccount.roles,
        answer=JobOut,
        body=AccountIn,
        status=202,
    )
)
def add_account(call: Call) -> Answer:
    """Submit the addition; the worker leaves the one-time code in a file for root alone."""
    asked = call.json(AccountIn)
    return call.submit(AddAccount(chance.new_id(), asked.name, asked.role, asked.vendor))


@route(
    Form(
        "POST",
        "/api/v1/accounts/<account>/disable",
        Text("停用账号", "Disable an account"),
        DisableAccount.roles,
        answer=JobOut,
        status=202,
    )
)
def disable_account(call: Call, account: str) -> Answer:
    """Shut the account out, at once."""
    return call.submit(DisableAccount(account))


@route(
    Form(
        "POST",
        "/api/v1/accounts/<account>/unlock",
        Text("解锁账号", "Unlock an account"),
        UnlockAccount.roles,
        answer=JobOut,
        status=202,
    )
)
def unlock_account(call: Call, account: str) -> Answer:
    """End the lock that wrong log-ins brought about, at once."""
    return call.submit(UnlockAccount(account))


@route(
    Form(
        "POST",
        "/api/v1/accounts/<account>/reset",
        Text("重置登录凭据", "Reset what an account logs in with"),
        ResetAccount.roles,
        answer=JobOut,
        body=ResetIn,
        status=202,
    )
)
def reset_account(call: Call, account: str) -> Answer:
    """Take password (and second factor) away; the worker leaves a fresh code in a file for root alone."""
    return call.submit(ResetAccount(account, call.json(ResetIn).factor))


def _out(row: Account) -> AccountOut:
    made = {"pending", "locked_until"}
    kept = {name: getattr(row, name) for name in AccountOut.model_fields.keys() - made}
    locked = row.locked_until if row.locked_until and row.locked_until > clock.iso() else None
    return AccountOut(**kept, pending=row.password_hash is None, locked_until=locked)
