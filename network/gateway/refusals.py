"""Every reason for which the gateway says no, with its HTTP status and its words."""

from typing import ClassVar

from appliance.errors import BoxError, Text


class GatewayRefusal(BoxError):
    """The gateway does not let this pass; `status` is the HTTP status of the answer."""

    code = "gateway.refused"
    status: ClassVar[int] = 403
    text = Text("交换网关拒绝了此请求。", "The exchange gateway refused this request.")
    hint = Text(
        "请让安全管理员查看交换网关的拒绝记录。",
        "Ask the security administrator to look at the gateway's refusals.",
    )


class NoPolicy(GatewayRefusal):
    """There is no policy with a valid signature, or only one that was withdrawn: all is denied."""

    code = "gateway.no_policy"
    status = 503
    text = Text(
        "网关没有有效签名的策略，全部拒绝。", "No validly signed policy: everything is denied."
    )
    hint = Text(
        "请由安全管理员重新下发策略。", "The security administrator must issue the policy again."
    )


class NoChannel(GatewayRefusal):
    """No channel allows this method and path from this side."""

    code = "gateway.no_channel"
    text = Text("没有允许此请求的通道。", "No channel allows this request.")
    hint = Text(
        "模块的数据流须在清单中声明并获批准；其他系统须申请通道。",
        "A module's flow must be declared and approved; for another system ask for a channel.",
    )


class WrongPeer(GatewayRefusal):
    """The channel exists, but not for this sender."""

    code = "gateway.wrong_peer"
    text = Text("发送方不在此通道的许可名单内。", "This sender is not the channel's.")


class QueryRefused(GatewayRefusal):
    """A query parameter is not on the channel's list, or its value is not plain text."""

    code = "gateway.query_refused"
    status = 400
    text = Text("查询参数不被允许：{name}", "Query parameter not allowed: {name}")
    hint = Text("只能使用通道声明的参数。", "Use only the parameters that the channel declares.")


class BodyRefused(GatewayRefusal):
    """The body is not the message that the channel describes; `path` names the field."""

    code = "gateway.body_refused"
    status = 422
    text = Text(
        "报文内容不符合通道定义：{path}：{why}", "The body breaks the channel: {path}: {why}"
    )
    hint = Text(
        "请按通道的字段与类型改正报文。", "Correct the message to the channel's fields and types."
    )


class TooFast(GatewayRefusal):
    """Over the channel's rate, messages per minute."""

    code = "gateway.too_fast"
    status = 429
    text = Text("超过通道 {channel} 的速率上限", "Over the rate of channel {channel}")
    hint = Text("请稍后重试。", "Try again later.")


class KeyReused(GatewayRefusal):
    """An Idempotency-Key came again with another body."""

    code = "gateway.key_reused"
    status = 409
    text = Text("同一幂等键对应了不同的报文。", "The same Idempotency-Key came with another body.")
    hint = Text("新报文请使用新的幂等键。", "Use a new key for a new message.")


class QueueFull(GatewayRefusal):
    """The channel's queue is full: the receiver has been away too long."""

    code = "gateway.queue_full"
    status = 503
    text = Text("通道 {channel} 的待投递队列已满", "The queue of channel {channel} is full")
    hint = Text("请检查接收系统。", "Look at the receiving system.")


class FarSideLate(GatewayRefusal):
    """The far side did not answer within the channel's time limit."""

    code = "gateway.far_side_late"
    status = 504
    text = Text("对侧系统未在时限内应答", "The far side did not answer in time")
    hint = Text("请稍后重试，并检查接收系统。", "Try again later; look at the receiving system.")


class FarSideFailed(GatewayRefusal):
    """The far side could not be reached, or did not answer 200."""

    code = "gateway.far_side_failed"
    status = 502
    text = Text("对侧系统应答异常：{why}", "The far side answered wrongly: {why}")
    hint = Text("请检查接收系统。", "Look at the receiving system.")


class BadHttp(GatewayRefusal):
    """Not lawful HTTP/1.1, or of a form that two parsers may read differently."""

    code = "gateway.bad_http"
    status = 400
    text = Text("HTTP 报文不合法：{why}", "Not lawful HTTP: {why}")
    hint = Text("请检查客户端。", "Look at the client.")


class BadMllp(GatewayRefusal):
    """Bytes that are no frame of MLLP, or a batch that contradicts itself."""

    code = "gateway.bad_mllp"
    status = 400
    text = Text("MLLP 帧不合法：{why}", "Not lawful MLLP: {why}")
    hint = Text("请检查发送系统的 MLLP 设置。", "Look at the sender's MLLP settings.")


class HeadTooLarge(GatewayRefusal):
    """Request line and headers are over the limit, bytes."""

    code = "gateway.head_too_large"
    status = 431
    text = Text("请求头超过 {limit} 字节", "The head is over {limit} bytes")
    hint = Text("请减小请求头。", "Make it smaller.")


class BodyTooLarge(GatewayRefusal):
    """The body is over the limit, bytes."""

    code = "gateway.body_too_large"
    status = 413
    text = Text("报文体超过 {limit} 字节", "The body is over {limit} bytes")
    hint = Text("请减小报文。", "Make it smaller.")


class TooSlow(GatewayRefusal):
    """The request did not arrive whole within the time limit."""

    code = "gateway.too_slow"
    status = 408
    text = Text("请求未在时限内发送完毕", "The request did not arrive whole in time")
    hint = Text("请检查网络后重试。", "Check the network and try again.")


class BadTls(GatewayRefusal):
    """A handshake failed: version, suite, group, signature or certificate."""

    code = "gateway.bad_tls"
    status = 495  # the usual number for a certificate or handshake that was refused
    text = Text("TLS 握手失败：{why}", "The TLS handshake failed: {why}")
    hint = Text(
        "请检查对方的 TLS 版本、密码套件和证书。",
        "Check the peer's TLS version, suites, certificate.",
    )


class Busy(GatewayRefusal):
    """Too many requests are open."""

    code = "gateway.busy"
    status = 503
    text = Text("网关繁忙", "The gateway is busy")
    hint = Text("请稍后重试。", "Try again later.")


class WrongCertificate(GatewayRefusal):
    """The channel is pinned to a client certificate, and this is not it."""

    code = "gateway.wrong_certificate"
    text = Text("发送方证书与通道不符。", "The sender's certificate is not the channel's.")
    hint = Text(
        "请使用为此通道登记的证书，或由安全管理员登记新证书。",
        "Use the certificate registered for this channel, or have the new one registered.",
    )


class ClosedNow(GatewayRefusal):
    """Outside the channel's time windows."""

    code = "gateway.closed_now"
    status = 503
    text = Text("通道 {channel} 此时不开放", "Channel {channel} is closed at this hour")
    hint = Text("请在通道的开放时段内发送。", "Send within the channel's hours.")


class QuotaUsed(GatewayRefusal):
    """The channel's messages of this day are used up."""

    code = "gateway.quota_used"
    status = 429
    text = Text(
        "通道 {channel} 今日配额 {quota} 条已用完", "Channel {channel} used its {quota} of today"
    )
    hint = Text("请明日再发，或由安全管理员调整配额。", "Send tomorrow, or have the quota changed.")


class ChannelPaused(GatewayRefusal):
    """An operator has paused the channel."""

    code = "gateway.channel_paused"
    status = 503
    text = Text("通道 {channel} 已被暂停", "Channel {channel} is paused")
    hint = Text("请联系安全管理员恢复通道。", "Ask the security administrator to resume it.")


class PersonalNumber(GatewayRefusal):
    """A personal number stands where the channel declares none; `found` counts them by kind."""

    code = "gateway.personal_number"
    status = 422
    text = Text(
        "报文在未声明处含有个人号码：{found}", "A personal number where none is declared: {found}"
    )
    hint = Text(
        "请从自由文本中去掉身份证号、电话或银行卡号，或为该字段申报。",
        "Take it out of the free text, or have the field declared to carry it.",
    )


class Bulk(GatewayRefusal):
    """More resources in one message than a channel may pass that two persons did not allow it for."""

    code = "gateway.bulk"
    text = Text(
        "一次超过 {limit} 条资源，属批量导出，此通道未获批准",
        "Over {limit} resources at once are a bulk export, which this channel has no approval for",
    )
    hint = Text(
        "请分页读取；确需批量导出时，提出 bulk = true 的通道变更并由第二人批准。",
        "Read page by page; where bulk export is needed, ask for bulk = true on the channel.",
    )


class ScannerAway(GatewayRefusal):
    """The malware scanner did not answer; what cannot be scanned does not cross."""

    code = "gateway.scanner_away"
    status = 503
    text = Text("病毒扫描不可用，附件未放行", "The malware scanner is away; no attachment passes")
    hint = Text("请稍后重试，并检查扫描服务。", "Try again later; look at the scanner's service.")


class Malware(GatewayRefusal):
    """The scanner found malware; `name` is its signature's."""

    code = "gateway.malware"
    status = 422
    text = Text("发现恶意代码：{name}", "Malware found: {name}")
    hint = Text("请隔离来源系统并全面查毒。", "Isolate the sending system and scan it.")


class DestinationChanged(GatewayRefusal):
    """The channel leads elsewhere than when the message was accepted."""

    code = "gateway.destination_changed"
    text = Text(
        "报文受理时的目的地是 {was}，通道现指向 {now}",
        "It was accepted for {was}, the channel now leads to {now}",
    )
    hint = Text(
        "请恢复原目的地后重投，或由来源系统重新发送。",
        "Restore the old destination and run it again, or have it sent anew.",
    )


class DeadLettersFull(GatewayRefusal):
    """Too many dead letters of the channel wait for somebody to settle them."""

    code = "gateway.dead_letters_full"
    status = 503
    text = Text(
        "通道 {channel} 的死信已达 {limit} 条，暂停受理",
        "Channel {channel} has {limit} dead letters and takes no more",
    )
    hint = Text(
        "请在控制台处理死信：重新投递或放弃。", "Settle the dead letters: run again or drop them."
    )


class JournalFull(GatewayRefusal):
    """The journal cannot be written: nothing is accepted that would not be kept."""

    code = "gateway.journal_full"
    status = 503
    text = Text("交换日志无法写入：{why}", "The journal cannot be written: {why}")
    hint = Text("请清理网关磁盘空间；恢复后自动继续。", "Make room on its disk; it then goes on.")


class SpoolFull(GatewayRefusal):
    """There is no room to take a file."""

    code = "gateway.spool_full"
    status = 503
    text = Text("文件暂存空间不足", "There is no room for the file")
    hint = Text("请清理网关磁盘空间。", "Make room on the gateway's disk.")


class FileRefused(GatewayRefusal):
    """The offered file is not what its channel takes."""

    code = "gateway.file_refused"
    status = 422
    text = Text("文件不被接受：{why}", "The file is not taken: {why}")
    hint = Text(
        "请按通道允许的类型、名称与大小提供文件。",
        "Offer a file of a type, name and size that the channel allows.",
    )


class GuardFault(GatewayRefusal):
    """The guard's own code failed on this message; `why` says where, without its content."""

    code = "gateway.guard_fault"
    status = 500
    text = Text("网关处理此报文时出错：{why}", "The gateway failed on this message: {why}")
    hint = Text(
        "报文未放行。请把此代码位置报告给医盒支持人员。",
        "The message did not cross. Report this place in the code to the box's support.",
    )


def body(refusal: GatewayRefusal) -> dict[str, object]:
    """Return the JSON form of the answer: code, message and hint in both languages."""
    return {
        "code": refusal.code,
        "message": refusal.message.as_dict(),
        "hint": refusal.advice.as_dict(),
    }
