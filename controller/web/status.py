"""Which HTTP status tells which error."""

from appliance import errors

_STATUS: tuple[tuple[type[errors.BoxError], int], ...] = (
    (errors.BadInput, 400),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.Stale, 412),
    (errors.TooLarge, 413),
    (errors.Refused, 422),
    (errors.Unavailable, 503),
)


def status_of(error: errors.BoxError) -> int:
    """Return the HTTP status for `error`, by its place in the tree of errors."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
