"""Make `r4.json` from the StructureDefinitions of the npm package `hl7.fhir.r4.examples` (CC0-1.0).

    python -m network.gateway.fhir.compile FOLDER > network/gateway/fhir/r4.json

`FOLDER` is the unpacked package. One line per type: its base, then its own elements as `name:type`,
`*` behind what may repeat, `name[x]:a|b` for a choice.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SOURCE = "hl7.fhir.r4.examples 4.0.1, StructureDefinition, CC0-1.0"
_SYSTEM = "http://hl7.org/fhirpath/System."
_ABSTRACT = ("BackboneElement", "Element")


def definitions(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield every StructureDefinition of a resource or complex type (no profiles) in `folder`."""
    for file in sorted(folder.glob("StructureDefinition-*.json")):
        told = json.loads(file.read_bytes())
        own = told.get("derivation") != "constraint"
        if own and told["kind"] in ("resource", "complex-type"):
            yield told


def lines(told: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and line of the type that `told` defines, and of each part nested in it."""
    elements = told["snapshot"]["element"]
    base = told.get("baseDefinition", "").rpartition("/")[2]
    inside: dict[str, list[str]] = {told["type"]: [base] if base else []}
    for element in elements[1:]:
        parent, _, name = element["path"].rpartition(".")
        if element["base"]["path"] != element["path"] and parent not in inside:
            continue  # an inherited element of an inherited part
        kind = _kind(element, told["type"])
        if kind in _ABSTRACT and _nested(elements, element["path"]):
            inside[element["path"]] = [kind]
            kind = element["path"]
        if element["base"]["path"].rpartition(".")[0] == parent:
            many = "" if element["max"] in ("0", "1") else "*"
            inside[parent].append(f"{name}:{kind}{many}")
    for name, said in inside.items():
        yield name, " ".join(said)


def _nested(elements: list[dict[str, Any]], path: str) -> bool:
    return any(e["path"].startswith(f"{path}.") for e in elements)


def _kind(element: dict[str, Any], owner: str) -> str:
    if "contentReference" in element:
        return str(element["contentReference"]).removeprefix("#")
    kinds = [t["code"] for t in element["type"]]
    if kinds[0].startswith(_SYSTEM):
        return {"Resource": "id", "Extension": "uri"}.get(owner, "string")
    return "|".join(dict.fromkeys(kinds))


def compiled(folder: Path) -> str:
    """Return the text of `r4.json`."""
    types = dict(line for told in definitions(folder) for line in lines(told))
    body = json.dumps({"source": SOURCE, "types": types}, indent=0, sort_keys=True)
    return body + "\n"


if __name__ == "__main__":
    sys.stdout.write(compiled(Path(sys.argv[1])))
