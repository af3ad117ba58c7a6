"""The sample's modules packed as a vendor packs them: once per source tree, kept in the cache, not signed."""

from pathlib import Path

from appliance.canonical import canonical, digest
from appliance.sdk.commands import pack
from images.cache import Cache
from images.sample.parts import Part


def packed(part: Part, cache: Cache) -> Path:
    """Return the module's unsigned bundle."""
    sources = {
        str(path.relative_to(part.source)): digest(path.read_bytes())
        for path in sorted(part.source.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and "build" not in path.parts
    }
    name = digest(canonical(sources))[:16]
    made = cache.entry("module", f"{part.module}-{name}", lambda out: _pack(part, out))
    return next(made.glob("*.hmod"))


def _pack(part: Part, out: Path) -> None:
    pack(part.source, out)
