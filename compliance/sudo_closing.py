"""Takes out of sudoers what the check finds wrong there: run by the role `accounts`, as a module of Ansible's.

    python -I -m compliance.sudo_closing ARGUMENTS.json

With `_ansible_check_mode` in ARGUMENTS.json nothing is changed. It answers in JSON what changed, or would. It
reads the rules as the check does, so what is mended is what was found; a file that `visudo` does not take is
left as it was, and told.
"""

import json
import stat
import sys
from pathlib import Path
from typing import Any

from appliance.errors import BoxError
from appliance.files import write_atomically
from appliance.host import LocalHost
from compliance import sudo

MAIN = "/etc/sudoers"


def files(root: str = "/") -> list[Path]:
    """Return sudoers and the files of its folder, as the check reads them."""
    folder = Path(root, sudo.FOLDER.lstrip("/"))
    held = sorted(one for one in folder.glob("*") if one.is_file() and one.name[:1] != ".")
    return [one for one in (Path(root, MAIN.lstrip("/")), *held) if one.is_file()]


def close(root: str = "/", *, dry: bool = False) -> list[tuple[Path, str, str]]:
    """Mend every file; return path, text before and after of each that was wrong.

    Raises `BoxError` where `visudo` refuses what a file would become; the files before it are mended by then.
    """
    texts = {path: path.read_text("utf-8", "surrogateescape") for path in files(root)}
    known = sudo.aliases("\n".join(texts.values()))
    wrong = [
        (path, text, made)
        for path, text in texts.items()
        if (made := sudo.mended(text, known)) != text
    ]
    for path, _, made in [] if dry else wrong:
        _replace(path, made)
    return wrong


def _replace(path: Path, text: str) -> None:
    data = text.encode("utf-8", "surrogateescape")
    # sudo does not read a file whose name has a dot in it.
    trial = path.with_name(f"{path.name}.hbox")
    mode = stat.S_IMODE(path.stat().st_mode)
    try:
        write_atomically(trial, data, mode=0o440)
        LocalHost().run(["visudo", "-cf", str(trial)])
    finally:
        trial.unlink(missing_ok=True)
    write_atomically(path, data, mode=mode)


def answer(asked: dict[str, Any], root: str = "/") -> dict[str, Any]:
    """Do what Ansible asks; return what it is told: whether something changed, and the diff."""
    wrong = close(root, dry=bool(asked.get("_ansible_check_mode")))
    return {
        "changed": bool(wrong),
        "diff": [
            {"before_header": str(path), "after_header": str(path), "before": text, "after": made}
            for path, text, made in wrong
        ],
    }


def main(arguments: list[str]) -> int:
    """Answer the arguments in that file; what fails is told as Ansible reads it."""
    try:
        told = answer(json.loads(Path(arguments[0]).read_bytes()))
    except (OSError, ValueError, BoxError) as error:
        told = {"failed": True, "msg": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(told) + "\n")
    return int("failed" in told)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
