"""Reading templates: all, or one by id or name."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.errors import NotFound
from controller.records.cluster import Template


def many(session: Session) -> list[Template]:
    """Return the templates by name, the newest version first."""
    ordered = select(Template).order_by(Template.name, Template.created_at.desc())
    return list(session.scalars(ordered))


def get(session: Session, name: str) -> Template:
    """Return a template by its id, its `NAME:VERSION`, or its name (the newest version).

    Raises `NotFound`.
    """
    found = session.get(Template, name)
    if found is None:
        word, _, version = name.partition(":")
        query = select(Template).where(Template.name == word)
        query = query.where(Template.version == version) if version else query
        found = session.scalar(query.order_by(Template.created_at.desc()).limit(1))
    if found is None:
        raise NotFound(what="模板 template", name=name)
    return found
