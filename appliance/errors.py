"""The one tree of errors: each has a stable code, and a sentence and a hint in Chinese and English.

    BoxError
    ├── BadInput        the caller sent something wrong          (HTTP 400)
    ├── Unauthenticated nobody is logged in                      (HTTP 401)
    ├── Forbidden       this role may not do that                (HTTP 403)
    ├── NotFound        there is no such object                  (HTTP 404)
    ├── Conflict        the object's state does not allow it     (HTTP 409)
    ├── Stale           If-Match did not match                   (HTTP 412)
    ├── TooLarge        over a size limit                        (HTTP 413)
    ├── Refused         verification failed: signature, digest   (HTTP 422)
    ├── Unavailable     a part of the box does not answer now    (HTTP 503)
    └── Failed          a step on the box failed                 (HTTP 500)

A folder defines its own errors as children of these with a code of its own
(`class VmNameTaken(Conflict): code = "vm.name_taken"; ...`). Texts are `str.format` templates over
the keyword arguments given to the constructor; never put a secret into them.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Text:
    """One sentence in both languages; Chinese first."""

    zh: str
    en: str

    def filled(self, fields: dict[str, object]) -> "Text":
        """Return the sentence with its `{placeholders}` filled from `fields`."""
        return Text(self.zh.format(**fields), self.en.format(**fields))

    def as_dict(self) -> dict[str, str]:
        """Return `{"zh": …, "en": …}` for JSON."""
        return {"zh": self.zh, "en": self.en}


class BoxError(Exception):
    """Root of every error that HBox raises on purpose."""

    code: ClassVar[str] = "box.error"
    text: ClassVar[Text] = Text("医盒内部错误。", "An internal error of the box.")
    hint: ClassVar[Text] = Text(
        "请查看任务日志；若再次出现，请把日志交给支持人员。",
        "Look at the job's log; if it happens again, hand the log to support.",
    )

    def __init__(self, **fields: object) -> None:
        self.fields = fields
        super().__init__(self.message.en)

    @property
    def message(self) -> Text:
        """The sentence, filled with this occurrence's fields."""
        return self.text.filled(self.fields)

    @property
    def advice(self) -> Text:
        """The hint, filled with this occurrence's fields."""
        return self.hint.filled(self.fields)

    def as_dict(self) -> dict[str, object]:
        """Return the form that the API, the CLI and a job row carry."""
        return {
            "code": self.code,
            "message": self.message.as_dict(),
            "hint": self.advice.as_dict(),
            "fields": {
                k: v if isinstance(v, int | float) else str(v) for k, v in self.fields.items()
            },
        }


class BadInput(BoxError):
    """The caller sent something wrong; `what` says which part, `why` says what is wrong with it."""

    code = "input.bad"
    text = Text("输入有误：{what}：{why}", "Bad input: {what}: {why}")
    hint = Text("请改正后重试。", "Correct it and try again.")


class Unauthenticated(BoxError):
    """Nobody is logged in, or the session has ended."""

    code = "auth.required"
    text = Text("尚未登录，或会话已过期。", "Not logged in, or the session has expired.")
    hint = Text("请重新登录。", "Log in again.")


class Forbidden(BoxError):
    """The caller's role may not do this."""

    code = "auth.forbidden"
    text = Text("角色 {role} 无权执行：{what}", "The role {role} may not do this: {what}")
    hint = Text("请由具有相应角色的人员执行。", "Ask a person who holds the needed role.")


class NotFound(BoxError):
    """There is no such object."""

    code = "object.not_found"
    text = Text("找不到{what}：{name}", "No such {what}: {name}")
    hint = Text("请先列出现有对象再核对名称。", "List what exists and check the name.")


class Conflict(BoxError):
    """The object's present state does not allow it."""

    code = "object.conflict"
    text = Text("当前状态不允许：{why}", "The present state does not allow it: {why}")
    hint = Text("请查看对象当前状态。", "Look at the object's present state.")


class Stale(BoxError):
    """The object changed since the caller read it."""

    code = "object.stale"
    text = Text("对象已被他人修改。", "The object has changed since you read it.")
    hint = Text("请重新读取后再提交。", "Read it again, then submit.")


class TooLarge(BoxError):
    """Something is over its size limit, in bytes."""

    code = "input.too_large"
    text = Text("{what}过大：上限 {limit} 字节", "{what} is too large: the limit is {limit} bytes")
    hint = Text("请减小后重试。", "Make it smaller and try again.")


class Refused(BoxError):
    """Verification failed: a signature, a digest or a policy said no."""

    code = "verify.refused"
    text = Text("校验未通过，已拒绝：{why}", "Verification failed, refused: {why}")
    hint = Text("请向提供方索取原始文件。", "Ask its supplier for the original file.")


class Unavailable(BoxError):
    """A part of the box does not answer right now; trying again may help."""

    code = "part.unavailable"
    text = Text("{what}暂时不可用：{why}", "{what} is not available now: {why}")
    hint = Text(
        "请稍后重试，并查看该服务状态。", "Try again later and look at the service's state."
    )


class Failed(BoxError):
    """A step on the box failed; `why` carries what the failing part said."""

    code = "step.failed"
    text = Text("{what}失败：{why}", "{what} failed: {why}")
