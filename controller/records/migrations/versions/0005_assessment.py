"""People's part in the inspection: statements, waivers, foreign objects, choices."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SHORT = sa.String(64)
_TEXT = sa.Text()


def _paper(name: str, *own: sa.Column[object]) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("item", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        *own,
        sa.Column("digest", _SHORT, nullable=False),
        sa.Column("asked_by", _SHORT, nullable=False),
        sa.Column("asked_at", sa.String(40), nullable=False),
        sa.Column("approved_by", _SHORT, nullable=False),
        sa.Column("approved_at", sa.String(40), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("comment", _TEXT, nullable=False),
        sa.Column("seal", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(f"ix_{name}_state", name, ["state"])
    op.create_index(f"{name}_place", name, ["item", "subject"])


def upgrade() -> None:
    _paper(
        "compliance_statements",
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("record", _TEXT, nullable=False),
        sa.Column("review_by", sa.String(10), nullable=False),
        sa.Column("attachments", sa.JSON(), nullable=False),
    )
    _paper(
        "compliance_waivers",
        sa.Column("reason", _TEXT, nullable=False),
        sa.Column("measure", _TEXT, nullable=False),
        sa.Column("expires", sa.String(10), nullable=False),
    )
    op.create_table(
        "foreign_objects",
        sa.Column("ref", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("what", _TEXT, nullable=False),
        sa.Column("maker", _TEXT, nullable=False),
        sa.Column("place", _TEXT, nullable=False),
        sa.Column("applies_to", sa.JSON(), nullable=False),
        sa.Column("made_by", _SHORT, nullable=False),
        sa.Column("created_at", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("ref"),
    )
    op.create_table(
        "compliance_choices",
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("value", sa.String(120), nullable=False),
        sa.Column("set_by", _SHORT, nullable=False),
        sa.Column("set_at", sa.String(40), nullable=False),
        sa.Column("seal", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )


def downgrade() -> None:
    for table in ("compliance_statements", "compliance_waivers"):
        op.drop_index(f"{table}_place", table)
        op.drop_index(f"ix_{table}_state", table)
    for table in (
        "compliance_choices",
        "foreign_objects",
        "compliance_waivers",
        "compliance_statements",
    ):
        op.drop_table(table)
