"""Who is at the other end of the box's own Unix socket: the kernel's uid, mapped to one account."""

import pwd

from sqlalchemy import Engine, select

from appliance.errors import Text, Unauthenticated
from controller.actions.principal import Principal
from controller.actions.standing import principal_of
from controller.records.session import reading
from controller.records.tables import Account

# Nobody is all-powerful at the socket: root acts as the system administrator, and is named as root.
_ROOT_ACTS_AS = "hbox-sys"


class NoAccount(Unauthenticated):
    """The local user maps to no account of the box."""

    code = "auth.no_account"
    text = Text("本机用户 {user} 未对应任何账号", "The local user {user} maps to no account")
    hint = Text(
        "请用 hbox-sys、hbox-sec 或 hbox-aud 登录本机后再试。",
        "Log in to the node as hbox-sys, hbox-sec or hbox-aud.",
    )


def peer(engine: Engine, uid: int) -> Principal:
    """Return the principal of local user `uid`; raise `NoAccount`."""
    user = _ROOT_ACTS_AS if uid == 0 else _name(uid)
    with reading(engine) as session:
        account = session.scalar(select(Account).where(Account.unix_user == user))
        if account is None or account.disabled:
            raise NoAccount(user=user)
        return principal_of(session, account, f"socket uid {uid}")


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError as error:
        raise NoAccount(user=uid) from error
