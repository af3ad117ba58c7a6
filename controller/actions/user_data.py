"""A person's own first-boot data (#cloud-config): what may stand in it, checked before it reaches a guest.

It is handed to cloud-init as it was given, as the guest's user-data; the box's own settings go beside it
as vendor-data, which is cloud-init's own way of joining both. Nothing is ever put together as text.
"""

import yaml

from appliance.errors import BadInput

LIMIT = 64 * 1024  # bytes
DEEPEST = 100  # brackets within brackets: reading more takes seconds, and no person writes them
FIRST_LINE = "#cloud-config"
RESERVED = frozenset(
    {
        # The controller gives address and name; a guest that calls itself otherwise is another's double.
        "network", "hostname", "fqdn", "preserve_hostname", "prefer_fqdn_over_hostname",
        "create_hostname_file",
        # What decides where data comes from, or how it is joined, is not the person's to turn.
        "datasource", "datasource_list", "vendor_data", "vendor_data2", "merge_how", "merge_type",
        "system_info", "allow_userdata", "disable_ec2_metadata",
    }
)  # fmt: skip
"""Top-level keys that a person may not set."""


def sound(text: str) -> None:
    """Raise `BadInput` unless `text` is empty or one lawful #cloud-config mapping."""
    if not text:
        return
    if len(text.encode("utf-8", "surrogatepass")) > LIMIT:
        raise _bad(f"大于 {LIMIT} 字节 over {LIMIT} bytes")
    first, _, _ = text.partition("\n")
    if first.rstrip() != FIRST_LINE:
        raise _bad(f"首行必须为 the first line must be {FIRST_LINE}")
    if _depth(text) > DEEPEST:
        raise _bad(f"嵌套超过 {DEEPEST} 层 nested deeper than {DEEPEST}")
    taken = sorted(RESERVED & _keys(text))
    if taken:
        raise _bad(f"以下键由系统设置 these keys are the box's own: {', '.join(taken)}")


def _depth(text: str) -> int:
    """Return the deepest nesting of brackets, those in quoted text counted too."""
    deepest = now = 0
    for char in text:
        if char in "[{":
            now += 1
            deepest = max(deepest, now)
        elif char in "]}":
            now = max(0, now - 1)
    return deepest


def _keys(text: str) -> set[str]:
    try:
        text.encode()  # half a surrogate pair is no text
        told = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        raise _bad(f"不是 YAML not YAML: {str(error)[:300]}") from error
    if told is None:
        return set()
    if not isinstance(told, dict) or not all(isinstance(key, str) for key in told):
        raise _bad("必须为键值映射 must be a mapping with words as keys")
    return set(told)


def _bad(why: str) -> BadInput:
    return BadInput(what="user_data", why=why)
