"""Supervision of the exchange: what a transfer was, alerts, daily reports, how far the index came."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TEXTS = {
    "kind": sa.String(120), "purpose": sa.Text(), "address": sa.String(64),
    "delivery": sa.String(40), "note": sa.Text(), "found": sa.String(120),
}  # fmt: skip
_NUMBERS = {"dropped": "0", "masked": "0", "inert": "0", "attempts": "0", "count": "1"}
_INDEXES = {
    "transfers_channel": ["channel", "number"],
    "transfers_verdict": ["verdict", "number"],
    "transfers_state": ["state", "number"],
    "transfers_peer": ["peer", "number"],
    "transfers_rule": ["rule", "number"],
    "transfers_ended": ["ended_at"],
    "ix_transfers_delivery": ["delivery"],
}


def upgrade() -> None:
    with op.batch_alter_table("transfers") as batch:
        for name, kind in _TEXTS.items():
            batch.add_column(sa.Column(name, kind, nullable=False, server_default=""))
        for name, first in _NUMBERS.items():
            batch.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default=first))
        batch.add_column(sa.Column("answer", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("ended_at", sa.String(40), nullable=True))
        batch.drop_index("ix_transfers_channel")
        for name, columns in _INDEXES.items():
            batch.create_index(name, columns)
    # The index is derived: what the earlier form did not keep is read from the journal again.
    op.execute("DELETE FROM transfers")
    _tables()


def _tables() -> None:
    op.create_table(
        "journal_index",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("chain", sa.String(64), nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("broken", sa.Text(), nullable=False),
        sa.Column("paused", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "gateway_minutes",
        sa.Column("minute", sa.String(16), nullable=False),
        sa.Column("alive", sa.Boolean(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute"),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("tone", sa.String(8), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.String(40), nullable=False),
        sa.Column("seen_at", sa.String(40), nullable=False),
        sa.Column("closed_at", sa.String(40), nullable=True),
        sa.Column("acknowledged_by", sa.String(64), nullable=True),
        sa.Column("acknowledged_at", sa.String(40), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_alerts_opened_at", "alerts", ["opened_at"])
    op.create_index("ix_alerts_closed_at", "alerts", ["closed_at"])
    op.create_table(
        "gateway_reports",
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )


def downgrade() -> None:
    for table in ("gateway_reports", "alerts", "gateway_minutes", "journal_index"):
        op.drop_table(table)
    with op.batch_alter_table("transfers") as batch:
        for name in _INDEXES:
            batch.drop_index(name)
        for name in (*_TEXTS, *_NUMBERS, "answer", "ended_at"):
            batch.drop_column(name)
        batch.create_index("ix_transfers_channel", ["channel"])
