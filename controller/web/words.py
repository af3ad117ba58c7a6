"""The words of the console: every state and name that a reader sees, in Chinese and English."""

from dataclasses import dataclass

from appliance.errors import Text
from controller.actions.role_needed import ROLES


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
        "paused": Mark("warn", Text("暂停", "paused")),
        "absent": Mark("off", Text("不存在", "absent")),
        "unknown": Mark("warn", Text("未知（节点无应答）", "unknown: its node is silent")),
    },
    "node": {
        "active": Mark("ok", Text("在用", "active")),
        "joining": Mark("busy", Text("加入中", "joining")),
        "maintenance": Mark("warn", Text("维护", "in maintenance")),
        "replacing": Mark("busy", Text("更换中", "being replaced")),
        "leaving": Mark("warn", Text("移除中", "leaving")),
        "away": Mark("bad", Text("无应答", "does not answer")),
    },
    "storage": {
        "ok": Mark("ok", Text("副本完整", "all copies there")),
        "ok_single": Mark("ok", Text("可用，单份", "usable, one copy")),
        "degraded": Mark("warn", Text("降级，修复中", "degraded, being repaired")),
        "no_spare": Mark("bad", Text("降级，无处补副本", "degraded, no spare")),
        "full": Mark("bad", Text("超过上限", "over the ceiling")),
        "error": Mark("bad", Text("故障", "broken")),
        "making": Mark("busy", Text("建立中", "being set up")),
    },
    "osd": {
        "wished": Mark("busy", Text("加入中", "being added")),
        "in": Mark("ok", Text("在用", "in use")),
        "out": Mark("warn", Text("迁出中", "being emptied")),
        "failed": Mark("bad", Text("故障", "failed")),
        "gone": Mark("off", Text("已移除", "removed")),
    },
    "volume": {
        "present": Mark("ok", Text("就绪", "ready")),
        "absent": Mark("off", Text("不存在", "absent")),
        "attached": Mark("ok", Text("已挂载", "attached")),
    },
    "snapshot": {
        "wished": Mark("busy", Text("制作中", "being taken")),
        "making": Mark("busy", Text("制作中", "being taken")),
        "ready": Mark("ok", Text("就绪", "ready")),
        "present": Mark("ok", Text("就绪", "ready")),
        "dropping": Mark("busy", Text("删除中", "being removed")),
        "failed": Mark("bad", Text("失败", "failed")),
    },
    "template": {
        "wished": Mark("busy", Text("导入中", "being imported")),
        "importing": Mark("busy", Text("导入中", "being imported")),
        "ready": Mark("ok", Text("可用", "ready")),
        "changed": Mark("bad", Text("内容已变，停用", "changed: not used")),
        "failed": Mark("bad", Text("失败", "failed")),
        "removing": Mark("busy", Text("移除中", "being removed")),
    },
    "console": {
        "asked": Mark("busy", Text("等待连接", "waits for its viewer")),
        "open": Mark("ok", Text("进行中", "open")),
        "closed": Mark("off", Text("已结束", "over")),
        "expired": Mark("off", Text("无人连接", "nobody came")),
        "failed": Mark("bad", Text("未能打开", "failed")),
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
    "change": {
        "pending": Mark("warn", Text("等待批准", "waits for approval")),
        "approved": Mark("ok", Text("已批准", "approved")),
        "rejected": Mark("off", Text("已驳回", "rejected")),
    },
    "transfer": {
        "accepted": Mark("busy", Text("已接收", "accepted")),
        "delivered": Mark("ok", Text("已送达", "delivered")),
        "answered": Mark("ok", Text("已应答", "answered")),
        "refused": Mark("bad", Text("已拒绝", "refused")),
        "dead": Mark("bad", Text("无法送达", "dead letter")),
        "failed": Mark("bad", Text("失败", "failed")),
        "dropped": Mark("off", Text("已放弃", "given up")),
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
    "paper": {
        "asked": Mark("warn", Text("待批准", "waits for approval")),
        "approved": Mark("ok", Text("已批准", "approved")),
        "replaced": Mark("off", Text("已被取代", "replaced")),
        "withdrawn": Mark("off", Text("已退回", "withdrawn")),
    },
    "question": {
        "open": Mark("off", Text("未填报", "open")),
        "waits": Mark("warn", Text("待批准", "waits for approval")),
        "holds": Mark("ok", Text("有效", "holds")),
        "soon": Mark("warn", Text("即将复核", "review is due soon")),
        "lapsed": Mark("bad", Text("已逾期", "review day is past")),
    },
    "risk": {
        "open": Mark("bad", Text("存在", "open")),
        "unseen": Mark("warn", Text("未核实", "unseen")),
        "downgraded": Mark("warn", Text("已有缓解", "downgraded")),
        "closed": Mark("ok", Text("不存在", "closed")),
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

CONSOLES: dict[str, Text] = {
    "screen": Text("屏幕", "screen"),
    "watch": Text("屏幕（只看）", "screen, watching only"),
    "serial": Text("串口", "serial line"),
}

RIGHTS: dict[str, Text] = {
    "view": Text("查看", "view"),
    "operate": Text("操作", "operate"),
    "manage": Text("管理", "manage"),
}

DRIFTS: dict[str, Text] = {
    "vcpus": Text("处理器", "processors"),
    "memory_mib": Text("内存（MiB）", "memory (MiB)"),
    "disks": Text("磁盘", "disks"),
    "links": Text("网卡", "interfaces"),
    "name": Text("名称", "name"),
    "extra": Text("外来设备", "foreign devices"),
    "power": Text("电源", "power"),
    "node": Text("节点", "node"),
    "definition": Text("定义", "definition"),
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

CHANGE_OPS = {
    "new": Text("新通道", "new channel"),
    "change": Text("变更", "change"),
    "remove": Text("撤销", "removal"),
}
LANES: dict[str, Text] = {
    "request": Text("请求/应答", "request and answer"),
    "store": Text("存储转发", "store and forward"),
}

LEVEL_L1 = Text(
    "L1：同一内核上的四个网络命名空间、四个用户、仅以匿名管道相连。这是软件数据交换网关，不是经认证的网闸。",
    "L1: four network namespaces and four users on one kernel, joined by anonymous pipes only. "
    "It is a software exchange gateway, not a certified air-gap device.",
)


def mark(kind: str, value: str) -> Mark:
    """Return how `value` of `kind` is shown; a value this table does not know is shown as it is."""
    return STATES[kind].get(value) or Mark(_UNKNOWN, Text(value, value))
