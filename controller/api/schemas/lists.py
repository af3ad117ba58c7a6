"""Long lists: which part, which fields, and which rows; the same words at every list."""

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field, create_model

from controller.api.schemas.base import Out, Query

One = TypeVar("One", bound=BaseModel)
MOST = 1000
_ONE = r"[a-z_]+ (eq|ne|contains) ('[^']*'|[^\s']+)"
_FILTER = rf"^({_ONE}( and {_ONE})*)?$"


class ListQuery(Query):
    """At most `limit` items, those that come after the one named `after`.

    `fields`: only these, separated by commas. `filter`: conditions joined by ` and `, each
    `field eq|ne|contains value`, a value with spaces in single quotes.
    """

    limit: int = Field(default=MOST, ge=1, le=MOST)
    after: str | None = Field(default=None, max_length=64)
    fields: str = Field(default="", max_length=512, pattern=r"^([a-z_]+(,[a-z_]+)*)?$")
    filter: str = Field(default="", max_length=512, pattern=_FILTER)


class Listed(Out, Generic[One]):
    """A list. `next` is what to give as `after` for the items that follow; null at the end."""

    items: list[One]
    next: str | None


def part_of(model: type[Out]) -> type[Out]:
    """Return `model` with every field left to be there or not: one item of a list with `fields`."""
    loose: dict[str, Any] = {
        name: (field.annotation, Field(default=None, description=field.description))
        for name, field in model.model_fields.items()
    }
    made: type[Out] = create_model(f"{model.__name__}Part", __base__=Out, **loose)
    made.__doc__ = f"{model.__name__}, or those of its fields that were asked for."
    return made
