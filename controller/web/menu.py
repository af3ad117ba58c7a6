"""The menu: every page of the console in one literal table. A new page is one line here."""

from appliance.errors import Text
from controller.actions.base import Role
from controller.web.pages import (
    accounts,
    approve,
    assessing,
    audit,
    changes,
    compliance,
    console,
    factor,
    gateway,
    gateway_reports,
    home,
    job,
    jobs,
    login,
    mending,
    module_install,
    modules,
    node,
    node_tokens,
    nowhere,
    questions,
    rights,
    risks,
    storage,
    templates,
    tenants,
    transfer,
    vm,
    vm_deeds,
    vm_new,
    vms,
    volumes,
    waivers,
)
from controller.web.route import EVERYBODY, READERS, STAFF, VIEWERS, Entry, Route

MENU: tuple[Entry, ...] = (
    Entry("home", "/", Text("总览", "Overview"), EVERYBODY, home.ROUTES),
    Entry(
        "vms",
        "/vms",
        Text("虚拟机", "Virtual machines"),
        VIEWERS,
        vms.ROUTES + vm_new.ROUTES + vm.ROUTES + vm_deeds.ROUTES + console.ROUTES,
    ),
    Entry(
        "modules",
        "/modules",
        Text("业务模块", "Modules"),
        STAFF,
        modules.ROUTES + module_install.ROUTES + approve.ROUTES,
    ),
    Entry(
        "gateway",
        "/gateway",
        Text("数据交换", "Data exchange"),
        READERS,
        gateway.ROUTES + transfer.ROUTES + changes.ROUTES + gateway_reports.ROUTES,
    ),
    Entry(
        "compliance",
        "/compliance",
        Text("等保合规", "Compliance"),
        READERS,
        compliance.ROUTES
        + mending.ROUTES
        + risks.ROUTES
        + questions.ROUTES
        + waivers.ROUTES
        + assessing.ROUTES,
    ),
    Entry(
        "storage",
        "/storage",
        Text("存储", "Storage"),
        READERS,
        storage.ROUTES + templates.ROUTES,
    ),
    Entry("storage", "/volumes", Text("卷", "Volumes"), frozenset({Role.TENANT}), volumes.ROUTES),
    Entry("node", "/nodes", Text("节点", "Nodes"), READERS, node_tokens.ROUTES + node.ROUTES),
    Entry(
        "tenants",
        "/tenants",
        Text("租户与权限", "Tenants, rights"),
        READERS,
        tenants.ROUTES + rights.ROUTES,
    ),
    Entry(
        "tenants",
        "/tokens",
        Text("API 令牌", "API tokens"),
        frozenset({Role.TENANT, Role.VENDOR}),
        rights.KEY_ROUTES,
    ),
    Entry("jobs", "/jobs", Text("任务", "Jobs"), EVERYBODY, jobs.ROUTES + job.ROUTES),
    Entry("audit", "/audit", Text("审计", "Audit trail"), audit.ROLES, audit.ROUTES),
    Entry("accounts", "/accounts", Text("账号", "Accounts"), accounts.ROLES, accounts.ROUTES),
)

OUTSIDE: tuple[Route, ...] = login.ROUTES + factor.ROUTES + nowhere.ROUTES
