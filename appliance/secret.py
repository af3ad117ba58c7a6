"""A value that never shows itself: `repr`, `str` and formatting all give `***`."""


class Secret:
    """Holds a secret text; only `reveal()` gives it away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself; call it only where the secret is used."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__
