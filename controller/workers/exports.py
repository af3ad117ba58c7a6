"""How transfers are exported: CSV and JSON of what was found, and a signature over both; no bodies."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import clock
from appliance.canonical import canonical, digest
from appliance.errors import Text
from appliance.signing import BadSignature, SigningKey, VerifyKey
from controller.actions.supervision import ExportTransfers
from controller.jobs.steps import Say, Step
from controller.records import gateway
from controller.records.exchange import Transfer
from controller.records.session import reading
from controller.workers.journal_heads import last_line
from controller.workers.sharing import share
from controller.workers.site import Site

FORMAT = "hbox-gateway-transfers/1"
FOLDER = "exports"  # below the reports
FORMS = ("csv", "json", "sig")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
COLUMNS: dict[str, str] = {
    "number": "编号 number", "at": "时间 at (UTC)", "channel": "通道 channel",
    "direction": "方向 direction", "lane": "方式 lane", "kind": "消息 kind", "purpose": "用途 purpose",
    "data_class": "数据级别 class", "peer": "来源 peer", "address": "去向 address",
    "verdict": "判定 verdict", "rule": "规则 rule", "state": "状态 state", "note": "说明 note",
    "found": "个人号码 personal numbers", "dropped": "去除字段 dropped", "masked": "脱敏字段 masked",
    "inert": "去活标记 inert", "attempts": "投递次数 attempts", "count": "条数 count",
    "size": "字节 bytes", "latency_ms": "毫秒 ms", "ended_at": "结束 ended at (UTC)",
    "delivery": "投递号 delivery", "hash": "日志链 chain hash",
}  # fmt: skip


def export(action: ExportTransfers, site: Site) -> Sequence[Step]:
    """Write the files, sign them with the report key, and say on which journal head they rest."""
    folder = site.settings.state / "reports" / FOLDER

    def run(say: Say) -> None:
        with reading(site.engine) as session:
            rows = list(_rows(session, action))
            index = gateway.index_of(session)
        head = {"number": index.number, "chain": index.chain} if index else None
        made = {"csv": as_csv(rows), "json": as_json(rows, json.loads(action.wanted))}
        key = SigningKey.load(site.settings.keys / "report.key")
        facts = {"wanted": json.loads(action.wanted), "rows": len(rows), "journal": head,
                 "sealed_head": last_line(site.settings.state), "site": site.settings.site_name}  # fmt: skip
        made["sig"] = signature(made, facts, key)
        for form, data in made.items():
            share(file(folder, site.job_id, form), data, site)
        site.report(export=site.job_id, rows=len(rows), sha256=digest(made["csv"]))
        say(f"已导出 exported: {len(rows)}")

    def discard(_say: Say) -> None:
        for form in FORMS:
            file(folder, site.job_id, form).unlink(missing_ok=True)

    return [Step("export", Text("查找、写出并签名", "Find, write and sign"), run, discard)]


def file(folder: Path, job_id: str, form: str) -> Path:
    """Return where a file of an export lies."""
    return folder / f"{job_id}.{form}"


def _rows(session: Session, action: ExportTransfers) -> Iterator[dict[str, Any]]:
    wanted = replace(action.search, limit=1)
    query = gateway.narrowed(session, select(Transfer).order_by(Transfer.number), wanted)
    for row in session.scalars(query.execution_options(yield_per=1000)):
        yield {name: getattr(row, name) for name in COLUMNS}


def as_csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """Return the rows as CSV (RFC 4180, UTF-8 with mark) whose cells no spreadsheet takes for formulas."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS.values())
    for row in rows:
        writer.writerow([inert(row[name]) for name in COLUMNS])
    return text.getvalue().encode("utf-8-sig")


def inert(value: object) -> str:
    """Return a cell that is text and nothing else; a formula gets a quotation mark before it."""
    told = "" if value is None else str(value)
    return f"'{told}" if isinstance(value, str) and told.startswith(_FORMULA) else told


def as_json(rows: Sequence[dict[str, Any]], wanted: dict[str, Any]) -> bytes:
    """Return the rows as JSON with the search that found them."""
    return canonical({"format": FORMAT, "wanted": wanted, "rows": list(rows)})


def signature(files: dict[str, bytes], facts: dict[str, Any], key: SigningKey) -> bytes:
    """Return the signature file: digests of the files, what they are, and Ed25519 over all of it."""
    told = {
        "format": FORMAT,
        "at": clock.iso(),
        "files": {form: digest(data) for form, data in files.items()},
        **facts,
        "key": key.public.fingerprint,
        "public_key": key.public.pem.decode(),
    }
    return canonical({**told, "signature": key.sign(canonical(told)).hex()})


def check(sig: bytes, files: dict[str, bytes], key: VerifyKey) -> None:
    """Raise `BadSignature` unless `key` signed exactly these files."""
    told = json.loads(sig)
    given = bytes.fromhex(told.pop("signature"))
    if told["files"] != {form: digest(data) for form, data in files.items()}:
        raise BadSignature(what="export")
    key.verify(given, canonical(told), what="export")
