"""Data flows a module declares: the only ways in and out of it that will be opened."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Zone = Literal["intranet", "extranet"]
End = Literal["self", "gateway", "patients", "hospital"]
FieldType = Literal[
    "base64Binary", "boolean", "canonical", "code", "date", "dateTime", "decimal", "id", "instant",
    "integer", "markdown", "oid", "positiveInt", "reference", "string", "time", "unsignedInt", "uri",
    "url", "uuid",
]  # fmt: skip
"""What the gateway knows to check of one JSON value; the box compares this list with its own."""
PersonalNumber = Literal["id-card", "phone", "bank-card"]
FieldPath = Annotated[
    str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]*(\[\])?(\.[A-Za-z][A-Za-z0-9]*(\[\])?){0,9}$")
]
Path = Annotated[str, Field(pattern=r"^/[A-Za-z0-9._~/-]{0,200}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
Mask = Annotated[str, Field(pattern=r"^([a-z][a-z-]{1,30})?$")]
Param = Annotated[str, Field(pattern=r"^_?[A-Za-z][A-Za-z-]{0,39}$")]
ResourceType = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]{1,63}$")]


class Strict(BaseModel):
    """Frozen, refuses unknown keys, converts nothing silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Sentence(Strict):
    """One sentence for people, in both languages."""

    zh: Annotated[str, Field(min_length=1, max_length=200)]
    en: Annotated[str, Field(min_length=1, max_length=200)]


class AllowedField(Strict):
    """One field that may cross: dotted `path` (`[]` behind the name of a list) and FHIR R4 type.

    `values` are the only ones allowed, when given; `longest` bounds a text, in characters. `mask`
    names a masking profile of the gateway, `carries` the personal numbers that may stand there.
    """

    path: FieldPath
    type: FieldType
    required: bool = False
    values: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    longest: Annotated[int, Field(ge=1, le=4096)] = 256
    mask: Mask = ""
    carries: tuple[PersonalNumber, ...] = ()


class AllowedPart(Strict):
    """One field of an HL7 v2 message that may cross: `PID-3`, `PID-5.1`, or `PID-*` for a whole segment."""

    path: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{2}-([1-9]\d{0,2}(\.[1-9]\d?)?|\*)$")]
    required: bool = False
    mask: Mask = ""
    carries: tuple[PersonalNumber, ...] = ()


class AllowedResource(Strict):
    """What may cross of one FHIR R4 resource type; `whole` lets every element of it pass, typed."""

    type: ResourceType
    interactions: Annotated[
        tuple[Literal["read", "search", "create", "transaction"], ...], Field(min_length=1)
    ]
    params: Annotated[tuple[Param, ...], Field(max_length=50)] = ()
    fields: Annotated[tuple[AllowedField, ...], Field(max_length=200)] = ()
    whole: bool = False

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.whole and not self.fields:
            raise ValueError("give fields, or whole = true")
        return self


class Message(Strict):
    """The body that may cross: a FHIR R4 resource and its allowed fields; the rest stays behind."""

    resource: ResourceType
    fields: Annotated[tuple[AllowedField, ...], Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def _typed(self) -> Self:
        twice = duplicates([field.path for field in self.fields])
        if twice:
            raise ValueError(f"field given twice: {twice[0]}")
        kinds = [f for f in self.fields if f.path == "resourceType"]
        if not kinds or kinds[0].values != (self.resource,) or not kinds[0].required:
            raise ValueError(
                "resourceType must be a required field whose only value is the resource"
            )
        return self


class Flow(Strict):
    """One declared flow; `from` and `to` name its ends, one of them is always `self`.

    With `gateway` as the other end it is a message channel between the zones (`channel` names it,
    and the module on the other side declares the same name with the ends swapped). With `patients`
    (extranet) or `hospital` (intranet) it is plain traffic inside the module's own zone.
    `data_class` is a level of GB/T 39725-2020: 1 (public) to 5. `rate` is messages per minute.

    `http` is one JSON message on one path, `fhir` a base path with `resources`, `hl7v2` messages of
    `types` over MLLP of which `parts` cross. `port` is where `to` listens: for `hl7v2` towards
    `gateway` it is the gateway's own MLLP port (2575).
    """

    name: Name
    source: Annotated[End, Field(alias="from")]
    target: Annotated[End, Field(alias="to")]
    protocol: Literal["http", "fhir", "hl7v2"]
    port: Port
    method: Literal["GET", "POST"] | None = None
    path: Path | None = None
    query: tuple[Param, ...] = ()
    channel: Name | None = None
    lane: Literal["request", "store"] | None = None
    request: Message | None = None
    response: Message | None = None
    resources: Annotated[tuple[AllowedResource, ...], Field(max_length=50)] = ()
    types: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{2}\^[A-Z][A-Z0-9]{2}$")], ...],
        Field(max_length=50),
    ] = ()
    parts: Annotated[tuple[AllowedPart, ...], Field(max_length=500)] = ()
    charset: Literal["GB18030", "UTF-8"] = "GB18030"
    data_class: Annotated[int, Field(ge=1, le=5)]
    rate: Annotated[int, Field(ge=1, le=100_000)]
    purpose: Sentence

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_by_name=False)

    @property
    def crosses(self) -> bool:
        """Whether the flow passes the gateway into the other zone."""
        return "gateway" in (self.source, self.target)

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if (self.source == "self") == (self.target == "self"):
            raise ValueError("exactly one of from and to must be self")
        problem = self._channel_problem() if self.crosses else self._plain_problem()
        if problem:
            raise ValueError(problem)
        return self

    def _channel_problem(self) -> str:
        needed, unwanted = _NEEDS[self.protocol]
        absent = [name for name in needed if not getattr(self, name)]
        if absent:
            return f"a flow through the gateway needs {', '.join(absent)}"
        present = [name for name in unwanted if getattr(self, name)]
        if present:
            return f"protocol {self.protocol} has no {', '.join(present)}"
        if self.protocol == "hl7v2":
            return "" if self.lane == "store" else "protocol hl7v2 takes lane store only"
        return self._message_problem() if self.protocol == "http" else ""

    def _message_problem(self) -> str:
        wanted = {"request": ("GET", "response"), "store": ("POST", "request")}
        method, message = wanted[str(self.lane)]
        if self.method != method:
            return f"lane {self.lane} carries {method} only"
        return "" if getattr(self, message) is not None else f"lane {self.lane} needs {message}"

    def _plain_problem(self) -> str:
        used = ("channel", "lane", "request", "response", "resources", "types", "parts")
        present = [name for name in used if getattr(self, name)]
        if self.protocol == "fhir":
            return "only a flow through the gateway has protocol fhir"
        return f"only a flow through the gateway has {', '.join(present)}" if present else ""


_JSON = ("method", "query", "request", "response")
_NEEDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "http": (("channel", "lane", "method", "path"), ("resources", "types", "parts")),
    "fhir": (("channel", "lane", "path", "resources"), (*_JSON, "types", "parts")),
    "hl7v2": (("channel", "lane", "types", "parts"), (*_JSON, "path", "resources")),
}
"""What each protocol needs of a channel's flow, and what it has no place for."""


def duplicates(names: list[str]) -> list[str]:
    """Return the names that occur more than once, sorted."""
    return sorted({name for name in names if names.count(name) > 1})
