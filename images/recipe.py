"""What a root file system consists of: the recipe, read from a TOML file beside this module."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from appliance.canonical import canonical, digest
from appliance.errors import BadInput

FOLDER = Path(__file__).with_name("recipes")
FORMAT = 1  # raise it when the builder itself changes what comes out of the same recipe


@dataclass(frozen=True)
class Recipe:
    """One root file system. `files` are laid down before any package; `disk_mib` in MiB."""

    name: str
    suite: str
    disk_mib: int
    packages: tuple[str, ...]
    without: tuple[str, ...]
    keep: tuple[str, ...]
    mask: tuple[str, ...]
    remove: tuple[str, ...]
    files: tuple[tuple[str, str], ...]

    def digest(self) -> str:
        """Return the SHA-256 over everything that decides what is built."""
        return digest(canonical([FORMAT, *(list(part) for part in _parts(self))]))


def load(name: str, folder: Path = FOLDER) -> Recipe:
    """Read the recipe `name`; raises `BadInput` when a key is missing, unknown or of a wrong type."""
    path = folder / f"{name}.toml"
    return parse(path.read_text("utf-8"), str(path))


def parse(text: str, where: str) -> Recipe:
    """Return the recipe that `text` (TOML) describes; `where` names it in errors."""
    try:
        raw = tomllib.loads(text)
        recipe = Recipe(
            name=_text(raw.pop("name")),
            suite=_text(raw.pop("suite")),
            disk_mib=int(raw.pop("disk_mib")),
            packages=_texts(raw.pop("packages")),
            without=_texts(raw.pop("without")),
            keep=_texts(raw.pop("keep")),
            mask=_texts(raw.pop("mask")),
            remove=_texts(raw.pop("remove")),
            files=tuple(sorted((k, _text(v).lstrip("\n")) for k, v in raw.pop("files").items())),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise BadInput(what=where, why=repr(error)) from error
    if raw:
        raise BadInput(what=where, why=f"unknown keys {sorted(raw)}")
    return recipe


def _parts(recipe: Recipe) -> tuple[tuple[object, ...], ...]:
    return (
        (recipe.name, recipe.suite, recipe.disk_mib),
        recipe.packages,
        recipe.without,
        recipe.keep,
        recipe.mask,
        recipe.remove,
        recipe.files,
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return tuple(_text(one) for one in value)
