"""The published JSON schema of signed reports."""

from importlib.resources import files


def text() -> str:
    """Return the schema's JSON text, as it is published."""
    return (files(__name__) / "report.schema.json").read_text("utf-8")
