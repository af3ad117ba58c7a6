"""The errors of module bundles: every kind of damage has a code of its own."""

from appliance.errors import BadInput, Failed, Refused, Text, TooLarge, Unavailable


class ManifestInvalid(BadInput):
    """`module.toml` breaks the format at `path` (dotted, list positions from 0)."""

    code = "module.manifest"
    text = Text("模块清单 {path} 不合格：{why_zh}", "Module manifest, {path}: {why_en}")
    hint = Text(
        "请按 hbox module schema 的说明改正该字段。",
        "Correct that field; `hbox module schema` prints the format.",
    )


class SourceInvalid(BadInput):
    """A vendor's source tree is not fit to be packed."""

    code = "module.source"
    text = Text("模块源码 {what} 不合格：{why_zh}", "Module source, {what}: {why_en}")


class UnitInvalid(Refused):
    """The systemd unit asks for more than a module may have, or lacks a required line."""

    code = "module.unit"
    text = Text("服务单元不合格：{why_zh}", "The service unit is not acceptable: {why_en}")
    hint = Text(
        "请对照 hbox module new 生成的服务单元。",
        "Compare it with the one `hbox module new` makes.",
    )


class WheelInvalid(Refused):
    """A wheel cannot run on the box (CPython 3.13, x86-64 Linux) or is not a wheel."""

    code = "module.wheel"
    text = Text("wheel {name} 不能用于医盒：{why_zh}", "Wheel {name} cannot be used: {why_en}")
    hint = Text(
        "只接受纯 Python，或 cp313 / abi3 的 manylinux x86_64 wheel。",
        "Only pure Python, or cp313/abi3 manylinux x86_64 wheels are accepted.",
    )


class BundleTooLarge(TooLarge):
    """The bundle or one of its members is over its limit (bytes)."""

    code = "module.too_large"


class Malformed(Refused):
    """The file is not a bundle in its one byte form: header, order or padding differ."""

    code = "module.malformed"
    text = Text("不是合格的模块包：{why_zh}", "Not a well-formed module bundle: {why_en}")


class CutShort(Refused):
    """The bundle ends before its end mark."""

    code = "module.cut_short"
    text = Text("模块包不完整，在 {at} 字节处中断", "The bundle is cut short at byte {at}")
    hint = Text("请重新复制文件。", "Copy the file again.")


class TrailingData(Refused):
    """Bytes follow the bundle's end mark."""

    code = "module.trailing_data"
    text = Text("模块包结尾之后还有多余数据", "There is data after the end of the bundle")


class NotAFile(Refused):
    """A member is a link, device or folder; only plain files are accepted."""

    code = "module.not_a_file"
    text = Text("模块包成员 {name} 不是普通文件", "Bundle member {name} is not a plain file")


class BadPath(Refused):
    """A member's name is not one that a bundle may hold."""

    code = "module.bad_path"
    text = Text("模块包成员名 {name} 不允许", "The member name {name} is not allowed")


class Duplicate(Refused):
    """A member's name occurs twice."""

    code = "module.duplicate"
    text = Text("模块包成员 {name} 重复出现", "Bundle member {name} occurs twice")


class Unsigned(Refused):
    """The bundle carries no signature."""

    code = "module.unsigned"
    text = Text("模块包没有签名", "The bundle is not signed")
    hint = Text("请向厂商索取已签名的模块包。", "Ask the vendor for the signed bundle.")


class Altered(Refused):
    """A member does not match the digest that was signed, or is not listed."""

    code = "module.altered"
    text = Text(
        "模块包成员 {name} 与签名摘要不符", "Member {name} does not match its signed digest"
    )


class WrongSignature(Refused):
    """The signature does not belong to this bundle and its key."""

    code = "module.bad_signature"
    text = Text("模块包签名无效", "The bundle's signature is not valid")


class UnknownKey(Refused):
    """The bundle is signed with a key this box does not trust."""

    code = "module.unknown_key"
    text = Text("签名密钥 {key} 不在信任名单中", "The signing key {key} is not trusted here")
    hint = Text(
        "请由安全管理员核实厂商后登记其公钥。",
        "The security administrator may register the vendor's public key after checking it.",
    )


class KeyNotAllowed(Refused):
    """A trusted key signed a module that is not its vendor's."""

    code = "module.key_not_allowed"
    text = Text(
        "厂商 {vendor} 的密钥无权签名模块 {id}",
        "The key of vendor {vendor} may not sign module {id}",
    )
    hint = Text("请与厂商核实模块来源。", "Check with the vendor where this module comes from.")


class BadTrust(BadInput):
    """The list of trusted keys cannot be read."""

    code = "module.bad_trust"
    text = Text("信任名单无效：{why}", "The list of trusted keys is not valid: {why}")


class WheelBuildFailed(Failed):
    """pip could not build or fetch a module's wheels."""

    code = "module.build_failed"
    text = Text("生成 wheel 失败：{why}", "Building the wheels failed: {why}")
    hint = Text(
        "请检查 pyproject.toml、requirements.txt 与软件源设置。",
        "Check pyproject.toml, requirements.txt and the configured package index.",
    )


class TestsFailed(Failed):
    """The module's own tests did not pass."""

    __test__ = False  # not a test class, whatever its name begins with
    code = "module.tests_failed"
    text = Text("模块测试未通过（退出码 {exit}）", "The module's tests did not pass (exit {exit})")


class NoPip(Unavailable):
    """The machine has no pip to build wheels with."""

    code = "module.no_pip"
    text = Text("本机没有可用的 pip", "This machine has no usable pip")
