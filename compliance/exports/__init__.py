"""The report for people: the assessor's workbook and a PDF, made from a report's JSON and nothing else.

`FORMS` is all that is made; the programs that make them are named in `process.py`, so that whoever only
asks for a form loads no library.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.errors import Text


@dataclass(frozen=True)
class Form:
    """A form of the report: what it is called, its content type, and how its files begin."""

    name: str
    title: Text
    kind: str
    begins: bytes


XLSX = Form(
    "xlsx",
    Text("测评记录表", "assessor's workbook"),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"PK\x03\x04",
)
PDF = Form("pdf", Text("PDF 报告", "report as PDF"), "application/pdf", b"%PDF-")

FORMS: Mapping[str, Form] = {"xlsx": XLSX, "pdf": PDF}
