"""What the roles are called, and the refusal that says which of them may."""

from collections.abc import Iterable

from appliance.errors import Forbidden, Text
from controller.actions.base import Role

ROLES: dict[str, Text] = {
    Role.SYSTEM: Text("系统管理员", "system administrator"),
    Role.SECURITY: Text("安全管理员", "security administrator"),
    Role.AUDIT: Text("审计管理员", "audit administrator"),
    Role.VENDOR: Text("厂商", "vendor"),
    Role.AUDITOR: Text("测评人员", "auditor"),
    Role.TENANT: Text("租户", "tenant"),
}


class RoleNeeded(Forbidden):
    """The caller's role may not do this; another may (`needed`, `needed_en`: their names)."""

    hint = Text("请由{needed}执行。", "Ask the {needed_en}.")


def refusal(role: Role, what: str, may: Iterable[Role]) -> Forbidden:
    """Return the refusal for `role`; where it may by itself, something else forbids it, and nobody is named."""
    able = [one for one in Role if one in frozenset(may)]
    if not able or role in able:
        return Forbidden(role=role.value, what=what)
    names = [ROLES[one] for one in able]
    return RoleNeeded(
        role=role.value,
        what=what,
        needed="或".join(one.zh for one in names),
        needed_en=" or ".join(one.en for one in names),
    )
