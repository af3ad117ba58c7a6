"""The module manifest, `module.toml`: identity, component, run, flows, data, health, upgrade."""

import tomllib
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from appliance.sdk.errors import ManifestInvalid
from appliance.sdk.flows import Flow, Name, Path, Port, Sentence, Strict, Zone, duplicates

LIMIT = 256 * 1024  # bytes of module.toml
DATA_ROOT = "/var/lib/hbox-module"


class Identity(Strict):
    """Who made what: `id` is fixed for good, `version` only grows."""

    format: Literal[1]
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,31}$")]
    version: Annotated[str, Field(pattern=r"^(0|[1-9]\d{0,4})(\.(0|[1-9]\d{0,4})){2}$")]
    vendor: Name
    license: Annotated[str, Field(min_length=1, max_length=80)]
    title: Sentence
    summary: Sentence


class Component(Strict):
    """The virtual machine that carries the module. Memory and disk in MiB."""

    zone: Zone
    memory: Annotated[int, Field(ge=256, le=65536)]
    vcpus: Annotated[int, Field(ge=1, le=32)]
    disk: Annotated[int, Field(ge=1024, le=1_048_576)]


class Run(Strict):
    """How it is started: `python3 -m <package>`, listening on TCP `port` of its zone address."""

    package: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,63}$")]
    port: Port


class Data(Strict):
    """A path that holds the module's data, its class (GB/T 39725 level) and days to keep it."""

    path: Annotated[str, Field(pattern=r"^/var/lib/hbox-module/[a-z0-9-]+(/[A-Za-z0-9._-]+)*$")]
    data_class: Annotated[int, Field(ge=1, le=5)]
    retention: Annotated[int, Field(ge=1, le=36_500)]


class Health(Strict):
    """HTTP paths that answer 200 when well: process lives, can serve, everything behind it works."""

    live: Path
    ready: Path
    deep: Path


class Upgrade(Strict):
    """From which versions one may upgrade (`since`, inclusive) and whether one may go back."""

    since: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    reversible: bool


class Evidence(Strict):
    """What the module brings for one control of GB/T 22239 (its clause number)."""

    control: Annotated[str, Field(pattern=r"^\d+(\.\d+){2,5}$")]
    what: Sentence


class Manifest(Strict):
    """The whole of `module.toml`. Privileges: none exist yet, so the list must be empty."""

    module: Identity
    component: Component
    run: Run
    flows: Annotated[tuple[Flow, ...], Field(min_length=1, max_length=100)]
    privileges: Annotated[tuple[str, ...], Field(max_length=0)] = ()
    data: tuple[Data, ...] = ()
    health: Health
    upgrade: Upgrade
    evidence: tuple[Evidence, ...] = ()

    @property
    def id(self) -> str:
        """The module's id."""
        return self.module.id

    @property
    def version(self) -> str:
        """The module's version, three numbers."""
        return self.module.version

    @property
    def file_name(self) -> str:
        """The name of its bundle."""
        return f"{self.id}-{self.version}.hmod"

    @field_validator("flows")
    @classmethod
    def _named_once(cls, flows: tuple[Flow, ...]) -> tuple[Flow, ...]:
        twice = duplicates([flow.name for flow in flows])
        if twice:
            raise ValueError(f"declared twice: {', '.join(twice)}")
        return flows

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problem = self._flow_problem() or self._data_problem()
        if problem:
            raise ValueError(problem)
        return self

    def _flow_problem(self) -> str:
        foreign = "hospital" if self.component.zone == "extranet" else "patients"
        for flow in self.flows:
            if foreign in (flow.source, flow.target):
                return f"flow {flow.name}: {foreign} is not in zone {self.component.zone}"
            if flow.target == "self" and (flow.port == self.run.port) is (flow.protocol == "hl7v2"):
                rule = "must be a port of its own, not" if flow.protocol == "hl7v2" else "is not"
                return f"flow {flow.name}: port {flow.port} {rule} run.port {self.run.port}"
        return ""

    def _data_problem(self) -> str:
        root = f"{DATA_ROOT}/{self.id}"
        outside = [
            d.path for d in self.data if d.path != root and not d.path.startswith(root + "/")
        ]
        return f"data path {outside[0]} is not below {root}" if outside else ""


def parse(text: bytes) -> Manifest:
    """Return the manifest in `text` (TOML, UTF-8); raises `ManifestInvalid` naming the field."""
    if len(text) > LIMIT:
        raise ManifestInvalid(path="module.toml", why_zh="文件过大", why_en=f"over {LIMIT} bytes")
    try:
        raw = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestInvalid(
            path="module.toml", why_zh="不是合格的 TOML", why_en=str(error)
        ) from error
    return from_dict(raw)


def from_dict(raw: dict[str, Any]) -> Manifest:
    """Return the manifest in parsed TOML or JSON `raw`; raises `ManifestInvalid`."""
    try:
        return Manifest.model_validate(_tuples(raw))
    except ValidationError as error:
        raise _first(error) from error


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the manifest (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Manifest.model_json_schema(by_alias=True),
    }


def _tuples(value: Any) -> Any:
    # Strict models take tuples only, and TOML gives lists.
    if isinstance(value, dict):
        return {key: _tuples(inner) for key, inner in value.items()}
    return tuple(_tuples(inner) for inner in value) if isinstance(value, list) else value


def _first(error: ValidationError) -> ManifestInvalid:
    one = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = ".".join(str(part) for part in one["loc"]) or "module.toml"
    known = {"missing": "缺少该字段", "extra_forbidden": "没有这个字段"}
    why = known.get(one["type"], f"不符合要求（{one['msg']}）")
    return ManifestInvalid(path=path, why_zh=why, why_en=one["msg"])
