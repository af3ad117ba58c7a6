"""Why a foreign disk image is refused: one error for each trick and each fault."""

from appliance.errors import Refused, Text

_CONVERT = Text(
    "请在来源处用 qemu-img convert -O qcow2 转换为独立的 qcow2 镜像后再导入。",
    "Where it comes from, make a stand-alone image: qemu-img convert -O qcow2 OLD NEW.qcow2.",
)


class ForeignFormat(Refused):
    """It is an image of another kind than qcow2 or raw."""

    code = "image.foreign_format"
    text = Text("不支持 {format} 格式的镜像", "Images of the format {format} are not taken")
    hint = _CONVERT


class NotAnImage(Refused):
    """Its beginning is neither qcow2 nor that of a disk."""

    code = "image.not_an_image"
    text = Text("文件不是磁盘镜像：{why}", "The file is no disk image: {why}")
    hint = Text(
        "raw 镜像须含分区表或文件系统；若文件是压缩的，请先解压。",
        "A raw image must begin with a partition table or file system; unpack it if it is packed.",
    )


class RefersElsewhere(Refused):
    """It names another file, which QEMU would open in its stead: a backing file or a data file."""

    code = "image.refers_elsewhere"
    text = Text("镜像引用了其他文件（{what}）", "The image refers to another file ({what})")
    hint = _CONVERT


class EncryptedImage(Refused):
    """Its content is encrypted."""

    code = "image.encrypted"
    text = Text("镜像已加密（{how}）", "The image is encrypted ({how})")
    hint = _CONVERT


class ImageTooLarge(Refused):
    """It says that it is larger than a volume may be, or more than there is room for."""

    code = "image.too_large"
    text = Text(
        "镜像容量 {size} GiB 超出上限 {limit} GiB",
        "The image is {size} GiB; the limit is {limit} GiB",
    )
    hint = Text("请缩小镜像，或腾出空间后重试。", "Shrink the image, or make room, and try again.")


class TruncatedImage(Refused):
    """Its end is missing."""

    code = "image.truncated"
    text = Text("镜像不完整：{why}", "The image is not whole: {why}")
    hint = Text("请重新获取并核对 SHA-256。", "Fetch it again and compare its SHA-256.")


class DamagedImage(Refused):
    """Its tables contradict themselves, or it was not closed."""

    code = "image.damaged"
    text = Text("镜像已损坏或未正常关闭：{why}", "The image is damaged or was not closed: {why}")
    hint = Text(
        "请在来源处用 qemu-img check 检查并修复。",
        "Check and mend it with qemu-img check at its source.",
    )


class UnknownFeature(Refused):
    """It needs an ability that is not known here."""

    code = "image.unknown_feature"
    text = Text("镜像使用了未知特性：{what}", "The image uses a feature that is not known: {what}")
    hint = _CONVERT


class ImageHasSnapshots(Refused):
    """It holds snapshots: old content, or a table that is meant to be too long."""

    code = "image.has_snapshots"
    text = Text("镜像内含 {count} 个快照", "The image holds {count} snapshots")
    hint = _CONVERT
