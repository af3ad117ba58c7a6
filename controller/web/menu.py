"""The menu: every page of the console in one literal table. A new page is one line here."""

from appliance.errors import Text
from controller.web.pages import (
    accounts,
    approve,
    audit,
    changes,
    compliance,
    gateway,
    gateway_reports,
    home,
    job,
    jobs,
    login,
    module_install,
    modules,
    node,
    nowhere,
    transfer,
    vm,
    vm_new,
    vms,
)
from controller.web.route import EVERYBODY, READERS, Entry, Route

MENU: tuple[Entry, ...] = (
    Entry("home", "/", Text("总览", "Overview"), EVERYBODY, home.ROUTES),
    Entry(
        "vms",
        "/vms",
        Text("虚拟机", "Virtual machines"),
        READERS,
        vms.ROUTES + vm_new.ROUTES + vm.ROUTES,
    ),
    Entry(
        "modules",
        "/modules",
        Text("业务模块", "Modules"),
        EVERYBODY,
        modules.ROUTES + module_install.ROUTES + approve.ROUTES,
    ),
    Entry(
        "gateway",
        "/gateway",
        Text("数据交换", "Data exchange"),
        READERS,
        gateway.ROUTES + transfer.ROUTES + changes.ROUTES + gateway_reports.ROUTES,
    ),
    Entry("compliance", "/compliance", Text("等保合规", "Compliance"), READERS, compliance.ROUTES),
    Entry("node", "/nodes", Text("节点硬件", "Node hardware"), READERS, node.ROUTES),
    Entry("jobs", "/jobs", Text("任务", "Jobs"), EVERYBODY, jobs.ROUTES + job.ROUTES),
    Entry("audit", "/audit", Text("审计", "Audit trail"), audit.ROLES, audit.ROUTES),
    Entry("accounts", "/accounts", Text("账号", "Accounts"), accounts.ROLES, accounts.ROUTES),
)

OUTSIDE: tuple[Route, ...] = login.ROUTES + nowhere.ROUTES
