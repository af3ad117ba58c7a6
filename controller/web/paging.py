"""Pages of long lists: newest first, older ones by the number they come before."""

from flask import request

from appliance.errors import BadInput


def number_before() -> int | None:
    """Return the number given as `before`, or None; raises `BadInput` for anything else."""
    given = request.args.get("before")
    if not given:
        return None
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise BadInput(what="before", why="不是编号 not a number")
    return int(given)
