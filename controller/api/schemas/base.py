"""Bases of all schemas: strict ones in, plain ones out, and the forms they share."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from appliance import errors

BIGGEST = 2**63 - 1  # what the records can hold as a whole number

One = TypeVar("One", bound=BaseModel)


_TEXT = 4096
"""Characters that a text may have whose field says nothing else; a limit also has pydantic refuse half a surrogate pair."""


class In(BaseModel):
    """What a caller sends as JSON: exact types, no unknown fields, no endless text."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, str_max_length=_TEXT)


class Query(BaseModel):
    """What a caller sends after the question mark: text that is read as the type asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=_TEXT)


class Out(BaseModel):
    """What the box answers."""

    model_config = ConfigDict(extra="forbid", from_attributes=True, frozen=True)


class TextOut(Out):
    """One sentence in both languages."""

    zh: str
    en: str

    @classmethod
    def of(cls, text: errors.Text) -> "TextOut":
        """Return the API's form of `text`."""
        return cls(zh=text.zh, en=text.en)


class Items(Out, Generic[One]):
    """A list. `next` is what to give as `before` for the items that follow; null at the end."""

    items: list[One]
    next: int | None = None


class Nothing(Out):
    """Done, and nothing to tell."""


class Page(Query):
    """Which part of a list: at most `limit` items, older than number `before`."""

    limit: int = Field(default=100, ge=1, le=1000)
    before: int | None = Field(default=None, ge=1, le=BIGGEST)
