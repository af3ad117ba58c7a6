"""The official FHIR R4 examples (npm `hl7.fhir.r4.examples` 4.0.1, CC0-1.0), fetched once by the npm client.

Which registry it asks is the client's own configuration. The archive's digest is pinned here.
"""

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from appliance.host import LocalHost

NAME = "hl7.fhir.r4.examples"
VERSION = "4.0.1"
SHA512 = "0d705d21939e41a48a220094ef0e87382eecc3fe81cf29668a92e4056e1ffffa53f8173de31fbc2c89b04ddbda35384f2683b3a41cefc40ccdaa37aedd7ff32f"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hbox-medicine"
LARGEST = 2_000_000  # bytes of the file as HL7 publishes it

CONFORMANCE = frozenset({
    # The modules "Conformance" and "Terminology" of the R4 resource list: they describe systems, not care.
    "CapabilityStatement", "StructureDefinition", "ImplementationGuide", "SearchParameter",
    "MessageDefinition", "OperationDefinition", "CompartmentDefinition", "StructureMap",
    "GraphDefinition", "ExampleScenario",
    "CodeSystem", "ValueSet", "ConceptMap", "NamingSystem", "TerminologyCapabilities",
})  # fmt: skip
COUNT = 709  # clinical and administrative examples of at most LARGEST bytes


@dataclass(frozen=True)
class Example:
    """One example: its file name, its type, its bytes."""

    name: str
    type: str
    body: bytes

    @property
    def value(self) -> object:
        """What it says, numbers with their digits."""
        return json.loads(self.body, parse_float=Decimal)


def archive() -> Path:
    """Return the package's archive; fetch it with the npm client when it is not there yet."""
    file = CACHE / f"{NAME}-{VERSION}.tgz"
    if not file.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        aside = CACHE / f"fetch-{os.getpid()}"
        aside.mkdir(exist_ok=True)
        LocalHost().run(
            ["npm", "pack", f"{NAME}@{VERSION}", "--silent", "--pack-destination", str(aside)],
            timeout=300,
        )
        (aside / file.name).rename(file)
        aside.rmdir()
    digest = hashlib.sha512(file.read_bytes()).hexdigest()
    assert digest == SHA512, f"{file} is not the package that these tests are about"
    return file


def members() -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of every resource in the archive."""
    with tarfile.open(archive()) as opened:
        for member in opened:
            name = Path(member.name).name
            if name.endswith(".json") and not name.startswith(".") and name != "package.json":
                file = opened.extractfile(member)
                assert file is not None
                yield name, file.read()


@cache
def examples() -> tuple[Example, ...]:
    """Return the clinical and administrative examples, by name."""
    found = []
    for name, body in members():
        if name.split("-")[0] in CONFORMANCE or len(body) > LARGEST:
            continue
        kind = json.loads(body)["resourceType"]
        if kind not in CONFORMANCE:
            found.append(Example(name, kind, body))
    return tuple(sorted(found, key=lambda one: one.name))


def definitions(folder: Path) -> Path:
    """Unpack the StructureDefinitions into `folder`."""
    for name, body in members():
        if name.startswith("StructureDefinition-"):
            (folder / name).write_bytes(body)
    return folder
