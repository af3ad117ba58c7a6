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
    """There is no policy with a valid signature: everything is denied."""

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
        "模块的数据流须在清单中声明并获批准。", "A module's flow must be declared and approved."
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


class Busy(GatewayRefusal):
    """Too many requests are open."""

    code = "gateway.busy"
    status = 503
    text = Text("网关繁忙", "The gateway is busy")
    hint = Text("请稍后重试。", "Try again later.")


def body(refusal: GatewayRefusal) -> dict[str, object]:
    """Return the JSON form of the answer: code, message and hint in both languages."""
    return {
        "code": refusal.code,
        "message": refusal.message.as_dict(),
        "hint": refusal.advice.as_dict(),
    }
