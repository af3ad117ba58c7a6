"""Evidence of erased volumes: read from the worker's signed file, every line checked."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from appliance.canonical import canonical, digest
from appliance.errors import BoxError, Text
from appliance.signing import VerifyKey
from controller.api.call import Answer, Call
from controller.api.route import READERS, Form, route
from controller.api.schemas.base import Items
from controller.api.schemas.volumes import ErasureOut, ErasureQuery

_EMPTY: dict[str, Any] = {"method": "", "bytes": 0, "seconds": 0.0, "verified": False}


@route(
    Form(
        "GET",
        "/api/v1/erasures",
        Text("列出卷清除凭据", "List the evidence of erased volumes"),
        READERS,
        answer=Items[ErasureOut],
        query=ErasureQuery,
    )
)
def list_erasures(call: Call) -> Answer:
    """Answer with the newest lines first; each says whether it holds."""
    asked = call.asked(ErasureQuery)
    folder = call.settings.state / "erasures"
    found = [one for one in read(folder) if one.volume.startswith(asked.volume)]
    return Answer(Items[ErasureOut](items=found[::-1][: asked.limit]))


def read(folder: Path) -> list[ErasureOut]:
    """Return all lines, oldest first; none when nothing was ever erased."""
    file, public = folder / "erased.jsonl", folder / "report.key.pub"
    if not file.exists() or not public.exists():
        return []
    return list(_checked(file.read_bytes(), VerifyKey.from_pem(public.read_bytes())))


def _checked(data: bytes, key: VerifyKey) -> Iterator[ErasureOut]:
    previous = digest(b"")
    for line in data.split(b"\n")[:-1]:
        said = json.loads(line)
        valid = said.get("previous") == previous and _signed(said, key)
        previous = digest(line)
        shown = {name: said[name] for name in ErasureOut.model_fields if name in said}
        yield ErasureOut(**{**_EMPTY, **shown, "valid": valid})


def _signed(said: dict[str, Any], key: VerifyKey) -> bool:
    body = {name: value for name, value in said.items() if name != "signature"}
    try:
        key.verify(bytes.fromhex(str(said.get("signature", ""))), canonical(body), what="erasure")
    except (BoxError, ValueError):
        return False
    return True
