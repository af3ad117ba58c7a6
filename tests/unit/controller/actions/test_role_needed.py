"""A refusal says whose word it needs; where another thing than the role forbids it, nobody is named."""

from controller.actions.base import Role
from controller.actions.role_needed import ROLES, RoleNeeded, refusal


def test_it_names_who_may():
    told = refusal(Role.SYSTEM, "设置检查计划", {Role.AUDIT, Role.SECURITY})
    assert isinstance(told, RoleNeeded)
    assert told.code == "auth.forbidden"
    assert told.advice.zh == "请由安全管理员或审计管理员执行。"
    assert told.advice.en == "Ask the security administrator or audit administrator."


def test_it_names_nobody_where_the_role_would_do():
    for may in ({Role.SYSTEM}, set()):
        assert type(refusal(Role.SYSTEM, "取消任务 7", may)) is not RoleNeeded


def test_every_role_has_a_name():
    assert set(ROLES) == set(Role)
