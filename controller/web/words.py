"""The words of the console: every state and name that a reader sees, in Chinese and English."""

from dataclasses import dataclass

from appliance.errors import Text


@dataclass(frozen=True)
class Mark:
    """How a state is shown: `tone` picks sign and colour (ok, warn, bad, busy, off), `text` says it."""

    tone: str
    text: Text


_UNKNOWN = "off"

STATES: dict[str, dict[str, Mark]] = {
    "job": {
        "waiting": Mark("off", Text("等待", "waiting")),
        "running": Mark("busy", Text("进行中", "running")),
        "undoing": Mark("warn", Text("撤销中", "undoing")),
        "succeeded": Mark("ok", Text("成功", "succeeded")),
        "failed": Mark("bad", Text("失败", "failed")),
        "refused": Mark("bad", Text("已拒绝", "refused")),
        "cancelled": Mark("off", Text("已取消", "cancelled")),
    },
    "step": {
        "pending": Mark("off", Text("未开始", "pending")),
        "running": Mark("busy", Text("进行中", "running")),
        "done": Mark("ok", Text("完成", "done")),
        "failed": Mark("bad", Text("失败", "failed")),
        "undoing": Mark("warn", Text("撤销中", "undoing")),
        "undone": Mark("off", Text("已撤销", "undone")),
    },
    "vm": {
        "running": Mark("ok", Text("运行", "running")),
        "stopped": Mark("off", Text("停止", "stopped")),
        "absent": Mark("off", Text("不存在", "absent")),
    },
    "module": {
        "installing": Mark("busy", Text("安装中", "installing")),
        "running": Mark("ok", Text("运行", "running")),
        "failed": Mark("bad", Text("故障", "failed")),
        "removing": Mark("busy", Text("移除中", "removing")),
    },
    "health": {
        "ok": Mark("ok", Text("健康", "healthy")),
        "failing": Mark("bad", Text("异常", "failing")),
        "unknown": Mark("off", Text("尚未检查", "not asked yet")),
    },
    "approval": {
        "approved": Mark("ok", Text("已批准", "approved")),
        "open": Mark("warn", Text("待安全管理员批准", "waits for approval")),
        "none": Mark("off", Text("无数据流", "no flows")),
    },
    "transfer": {
        "accepted": Mark("busy", Text("已接收", "accepted")),
        "delivered": Mark("ok", Text("已送达", "delivered")),
        "answered": Mark("ok", Text("已应答", "answered")),
        "refused": Mark("bad", Text("已拒绝", "refused")),
        "dead": Mark("bad", Text("无法送达", "dead letter")),
        "failed": Mark("bad", Text("失败", "failed")),
        "passed": Mark("ok", Text("放行", "passed")),
        "allowed": Mark("ok", Text("放行", "allowed")),
    },
    "probe": {
        "refused": Mark("ok", Text("已阻断", "refused")),
        "OPEN": Mark("bad", Text("可穿越", "OPEN")),
        "unknown": Mark("warn", Text("未能判定", "unknown")),
    },
    "verdict": {
        "violated": Mark("bad", Text("不符合", "does not conform")),
        "partial": Mark("warn", Text("部分符合", "partly conforms")),
        "unknown": Mark("warn", Text("未知", "unknown")),
        "pending": Mark("off", Text("待人工", "waits for a person")),
        "conform": Mark("ok", Text("符合", "conforms")),
        "not_applicable": Mark("off", Text("不适用", "not applicable")),
    },
    "outcome": {
        "submitted": Mark("busy", Text("已提交", "submitted")),
        "waiting": Mark("off", Text("等待", "waiting")),
        "running": Mark("busy", Text("进行中", "running")),
        "done": Mark("ok", Text("完成", "done")),
        "succeeded": Mark("ok", Text("成功", "succeeded")),
        "failed": Mark("bad", Text("失败", "failed")),
        "refused": Mark("bad", Text("已拒绝", "refused")),
        "cancelled": Mark("off", Text("已取消", "cancelled")),
    },
}

ROLES: dict[str, Text] = {
    "system": Text("系统管理员", "system administrator"),
    "security": Text("安全管理员", "security administrator"),
    "audit": Text("审计管理员", "audit administrator"),
    "vendor": Text("厂商", "vendor"),
    "auditor": Text("测评人员", "auditor"),
}

# Who else may stand in the audit trail.
ACTORS: dict[str, Text] = {
    **ROLES,
    "worker": Text("执行进程", "worker"),
    "none": Text("未知", "unknown"),
}

ZONES: dict[str, Text] = {
    "intranet": Text("内网区", "intranet"),
    "extranet": Text("外网区", "extranet"),
}

DIRECTIONS: dict[str, Text] = {
    "extranet->intranet": Text("外→内", "inward"),
    "intranet->extranet": Text("内→外", "outward"),
}

LANES: dict[str, Text] = {
    "request": Text("请求/应答", "request and answer"),
    "store": Text("存储转发", "store and forward"),
}

# The ways across that `network.gateway.probing` tries, by its names.
PROBES: dict[str, Text] = {
    "tcp4": Text("IPv4 TCP 直连", "TCP over IPv4"),
    "udp4": Text("IPv4 UDP 直连", "UDP over IPv4"),
    "tcp6": Text("IPv6 TCP 直连", "TCP over IPv6"),
    "udp6": Text("IPv6 UDP 直连", "UDP over IPv6"),
    "unix-path": Text("Unix 套接字（路径）", "A Unix socket by path"),
    "unix-path-descriptor": Text("经路径套接字传递描述符", "A descriptor over a socket by path"),
    "unix-abstract": Text("Unix 套接字（抽象名）", "A Unix socket by abstract name"),
    "unix-abstract-descriptor": Text(
        "经抽象套接字传递描述符", "A descriptor over an abstract socket"
    ),
    "shared-folder": Text("两端都可写的目录", "A folder both legs may write"),
    "pipe-reopen": Text("反向重开管道", "A pipe reopened the other way"),
    "direct-descriptor": Text("两端共有的描述符", "A descriptor that both legs hold"),
    "guard-holds-socket": Text("审查进程持有套接字", "The guard holds a socket"),
    "add-route": Text("从端内添加路由", "Adding a route from inside"),
    "add-address": Text("从端内添加地址", "Adding an address from inside"),
    "add-link": Text("从端内添加接口", "Adding a link from inside"),
    "one-namespace": Text("网络命名空间相同", "A network namespace in common"),
    "extra-interface": Text("多余的网络接口", "An interface too many"),
    "guard-loopback": Text("审查进程的回环接口", "The guard's loopback is up"),
    "guard-socket": Text("审查进程创建套接字", "The guard makes a socket"),
    "rights": Text("多余的权限", "Rights too many"),
    "settings": Text("内核转发设置", "The kernel forwards"),
    "forward-drop": Text("防火墙转发链", "The firewall forwards"),
}

LEVEL_L1 = Text(
    "L1：同一内核上的三个网络命名空间、三个用户、仅以匿名管道相连。这是软件数据交换网关，不是经认证的网闸。",
    "L1: three network namespaces and three users on one kernel, joined by anonymous pipes only. "
    "It is a software exchange gateway, not a certified air-gap device.",
)


def mark(kind: str, value: str) -> Mark:
    """Return how `value` of `kind` is shown; a value this table does not know is shown as it is."""
    return STATES[kind].get(value) or Mark(_UNKNOWN, Text(value, value))
