"""Alerts of the exchange: the words of each rule, and which alerts there are."""

from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import NotFound, Text
from controller.records.exchange import Alert


@dataclass(frozen=True)
class Words:
    """What a rule says: what is wrong, why it matters, what to do. Filled with subject and figures."""

    what: Text
    why: Text
    remedy: Text
    href: str = "/gateway"


RULES: dict[str, Words] = {
    "dead_letter": Words(
        Text(
            "通道 {subject} 有 {number} 条消息无法送达",
            "Messages of {subject} that could not be delivered: {number}",
        ),
        Text(
            "接收方没有得到这些消息，而发送方以为已经交出。",
            "The receiver never got them, and the sender believes they are on their way.",
        ),
        Text(
            "查明原因后重新投递，或确认放弃。",
            "Find the reason, then deliver them again or give them up.",
        ),
        "/gateway#dead",
    ),
    "queue_old": Words(
        Text(
            "通道 {subject} 的消息已排队 {minutes} 分钟",
            "Messages of {subject} have waited for {minutes} minutes",
        ),
        Text(
            "共 {number} 条在等接收方；业务会越拖越晚。",
            "{number} wait for the receiver; the service falls behind.",
        ),
        Text(
            "检查接收系统及其网络；恢复后消息会自动按序投递。",
            "Look at the receiving system and its network; then they go out by themselves, in order.",
        ),
    ),
    "refusals": Words(
        Text(
            "{subject} 一分钟内被拒绝 {number} 次",
            "{subject} was refused {number} times within a minute",
        ),
        Text(
            "可能是配置错误，也可能是有人在试探网关。最多的规则：{most}",
            "It may be set up wrongly, or somebody is trying the gateway. Most often: {most}",
        ),
        Text(
            "查看它的拒绝记录，确认该系统的身份和配置。",
            "Read its refusals; make sure which system it is and how it is set up.",
        ),
        "/gateway?who={subject}&verdict=refused",
    ),
    "personal_number": Words(
        Text(
            "通道 {subject} 出现未声明的个人号码：{most}",
            "Personal numbers that {subject} does not declare: {most}",
        ),
        Text(
            "24 小时内 {number} 条消息；身份证、手机或银行卡号可能经此外泄。",
            "{number} messages within 24 hours; identity, phone or card numbers may leak here.",
        ),
        Text(
            "让来源系统去掉这些号码；确有需要时变更通道的字段声明。",
            "Have the sender leave them out; where they are needed, change the channel's fields.",
        ),
        "/gateway?channel={subject}&personal=1",
    ),
    "malware": Words(
        Text("拦截到恶意文件：{most}", "Malware was stopped: {most}"),
        Text(
            "24 小时内来自通道 {subject} 的 {number} 个文件；发送方的计算机可能已经感染。",
            "{number} within 24 hours on {subject}; the sender's machine may be infected.",
        ),
        Text(
            "隔离并查杀来源计算机，再确认这条告警。",
            "Isolate and clean the machine it came from, then acknowledge this.",
        ),
        "/gateway?rule=gateway.malware",
    ),
    "silent": Words(
        Text(
            "通道 {subject} 已 {minutes} 分钟没有消息",
            "{subject} has been silent for {minutes} minutes",
        ),
        Text(
            "平时的间隔很少超过 {usual} 分钟；来源系统或其网络可能已经停下。",
            "It is seldom quiet for more than {usual}; the sender or its network may have stopped.",
        ),
        Text("检查来源系统。", "Look at the sending system."),
    ),
    "scanner_away": Words(
        Text("恶意代码扫描不可用", "The malware scanner is away"),
        Text(
            "最近 {minutes} 分钟有 {number} 个文件因此被拒绝；未经扫描的文件一律不放行。",
            "{number} files were refused for it in {minutes} minutes; no file passes unscanned.",
        ),
        Text(
            "查看服务 hbox-clamd 和特征库是否就绪。",
            "Look at the service hbox-clamd and its signatures.",
        ),
    ),
    "journal_full": Words(
        Text("交换日志所在磁盘将满：剩余 {free} MiB", "The journal's disk runs full: {free} MiB left"),
        Text(
            "写不下日志时网关拒绝一切新消息，以免丢失。",
            "Without room for its journal the gateway refuses every new message, to lose none.",
        ),
        Text(
            "清理或扩充 /var/lib/hbox 所在磁盘，或缩短保留期。",
            "Clear or enlarge the disk of /var/lib/hbox, or keep the journal for less time.",
        ),
    ),
    "journal_broken": Words(
        Text("交换日志的哈希链断裂", "The hash chain of the journal is broken"),
        Text("{most}。日志可能被改动或损坏。", "{most}. It may have been altered, or damaged."),
        Text(
            "保全日志目录，运行 hbox gateway verify，并通知审计管理员。",
            "Keep the folder as it is, run hbox gateway verify, tell the audit administrator.",
        ),
    ),
    "proof_open": Words(
        Text("内外网之间发现 {number} 条其他通路", "Other ways across that are open: {number}"),
        Text("隔离不成立。", "The separation does not hold."),
        Text("立即查看证据并关闭这些通路。", "Read the evidence at once and close them."),
        "/gateway#proof",
    ),
    "proof_old": Words(
        Text("内外网隔离超过一天未经证明", "The separation was not proved for more than a day"),
        Text(
            "上次证明在 {hours} 小时之前；此后的改动没有被检验。",
            "The last proof is {hours} hours old; nothing that changed since was tried.",
        ),
        Text("运行一次证明，约需一分钟。", "Run a proof; it takes about a minute."),
        "/gateway#proof",
    ),
    "head_unsealed": Words(
        Text("交换日志的链头已 {minutes} 分钟未签名", "The journal's head: unsigned for {minutes} minutes"),
        Text(
            "签名之后的记录若被截去，将难以发现。",
            "Records after the last signature could be cut off unnoticed.",
        ),
        Text(
            "查看服务 hbox-worker 和签名密钥。", "Look at the service hbox-worker and its keys."
        ),
    ),
    "certificate": Words(
        Text("证书 {subject} 将在 {days} 天后到期", "The certificate {subject} ends in {days} days"),
        Text("到期后使用它的连接会中断。", "Connections that use it will then fail."),
        Text("重新签发并分发证书。", "Issue and hand out a new one."),
    ),
    "paused": Words(
        Text("通道 {subject} 已被暂停", "The channel {subject} is paused"),
        Text("已有 {number} 条消息在等待恢复。", "Messages that wait for it to be resumed: {number}."),
        Text("事由消除后恢复通道。", "Resume it when the reason is over."),
    ),
    "gateway_down": Words(
        Text("数据交换网关没有运行", "The exchange gateway does not run"),
        Text("内外网之间没有任何消息能够通过。", "No message can pass between the zones."),
        Text("查看服务 hbox-gateway 及其日志。", "Look at the service hbox-gateway and its log."),
    ),
    "intrusion": Words(
        Text("入侵检测：{subject} 触发 {number} 次告警", "Intrusion detector: {number} alarms about {subject}"),
        Text(
            "一小时内最多的是：{most}。隔离规则仍然有效，检测只记录、不阻断。",
            "Most often within the hour: {most}. The filter holds; the detector only records.",
        ),
        Text(
            "确认该地址是哪台设备、由谁操作；可疑时断开它的网络。",
            "Find out which machine it is and who works at it; if in doubt, unplug it.",
        ),
    ),
    "files_changed": Words(
        Text("系统文件有 {number} 处与基准不符", "System files that are not as they were: {number}"),
        Text(
            "程序或配置可能被改动；不是医盒自己改的。",
            "Programs or settings may have been altered, and not by the box.",
        ),
        Text(
            "查看 /var/log/aide/aide.log；确属有意的改动，启动 hbox-files-renew.service 更新基准。",
            "Read /var/log/aide/aide.log; if it was meant, start hbox-files-renew.service.",
        ),
        "/compliance",
    ),
    "log_room": Words(
        Text("日志库容量不足以留存六个月：还缺 {free} MiB", "The log store lacks {free} MiB for its six months"),
        Text(
            "日志在期满前不会被删除，但磁盘会先写满。",
            "Nothing is deleted before its time, but the disk will be full first.",
        ),
        Text("扩充 /var/log 所在磁盘。", "Enlarge the disk of /var/log."),
        "/compliance",
    ),
}  # fmt: skip
"""Every rule by name; a test holds this table against the worker's rules."""


_UNKNOWN = Words(
    Text("未知告警 {subject}", "Unknown alert {subject}"), Text("–", "–"), Text("–", "–")
)
_FIGURES = ("number", "minutes", "usual", "most", "free", "hours", "days")


def words(alert: Alert) -> Words:
    """Return the words of an alert, filled; a figure that the row does not hold is shown as "?"."""
    rule = RULES.get(alert.rule, _UNKNOWN)
    held = {**dict.fromkeys(_FIGURES, "?"), **alert.facts, "subject": alert.subject}
    href = rule.href.format(subject=quote(alert.subject, safe=""))
    return Words(rule.what.filled(held), rule.why.filled(held), rule.remedy.filled(held), href)


def what(alert: Alert) -> Text:
    """Return what is wrong, in both languages."""
    return words(alert).what


def open_ones(session: Session) -> list[Alert]:
    """Return the alerts that are not closed, the newest first; bad ones before others."""
    query = select(Alert).where(Alert.closed_at.is_(None)).order_by(Alert.opened_at.desc())
    return sorted(session.scalars(query), key=lambda alert: alert.tone != "bad")


def many(session: Session, *, closed: bool = True, limit: int = 100) -> list[Alert]:
    """Return alerts, newest first; without `closed` only those that are still open."""
    query = select(Alert).order_by(Alert.opened_at.desc()).limit(limit)
    if not closed:
        query = query.where(Alert.closed_at.is_(None))
    return list(session.scalars(query))


def get(session: Session, alert_id: str) -> Alert:
    """Return one alert; raise `NotFound`."""
    found = session.get(Alert, alert_id)
    if found is None:
        raise NotFound(what="告警 alert", name=alert_id)
    return found


def within(session: Session, since: str, until: str) -> list[Alert]:
    """Return the alerts that were opened in that time, oldest first."""
    query = select(Alert).where(Alert.opened_at >= since, Alert.opened_at < until)
    return list(session.scalars(query.order_by(Alert.opened_at)))
