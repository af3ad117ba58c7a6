"""Makes a new module's source tree from the template that lies beside this file."""

import re
from pathlib import Path

from appliance.sdk.errors import SourceInvalid

_TEMPLATE = Path(__file__).parent / "template"
_ID = re.compile(r"[a-z][a-z0-9-]{1,31}")


def new(folder: Path, module: str, vendor: str) -> list[Path]:
    """Write a working module `module` of `vendor` into `folder` (new or empty); return its files."""
    for name in (module, vendor):
        if not _ID.fullmatch(name):
            raise SourceInvalid(
                what=name,
                why_zh="只能用小写字母、数字和连字符，以字母开头",
                why_en="use lower-case letters, digits and hyphens, beginning with a letter",
            )
    if folder.exists() and any(folder.iterdir()):
        raise SourceInvalid(what=str(folder), why_zh="目录不为空", why_en="the folder is not empty")
    words = {"@ID@": module, "@PACKAGE@": module.replace("-", "_"), "@VENDOR@": vendor}
    return [_write(path, folder, words) for path in sorted(_TEMPLATE.rglob("*.in"))]


def _write(path: Path, folder: Path, words: dict[str, str]) -> Path:
    name, text = str(path.relative_to(_TEMPLATE)).removesuffix(".in"), path.read_text("utf-8")
    for mark, word in words.items():
        name, text = name.replace(mark, word), text.replace(mark, word)
    out = folder / name
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, "utf-8")
    return out
