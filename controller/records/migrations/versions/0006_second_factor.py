"""Log-ins: a second factor, the age of passwords, and those that an account had before."""

import sqlalchemy as sa
from alembic import op

from appliance import clock

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COLUMNS = ("password_at", "factor_secret", "factor_at", "factor_step")


def upgrade() -> None:
    with op.batch_alter_table("accounts") as batch:
        batch.add_column(sa.Column("password_at", sa.String(40), nullable=True))
        batch.add_column(sa.Column("factor_secret", sa.Text(), nullable=True))
        batch.add_column(sa.Column("factor_at", sa.String(40), nullable=True))
        batch.add_column(sa.Column("factor_step", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "past_passwords",
        sa.Column("account_id", sa.String(36), nullable=False),
        sa.Column("set_at", sa.String(40), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
        sa.PrimaryKeyConstraint("account_id", "set_at"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("account_id", sa.String(36), nullable=False),
        sa.Column("used_at", sa.String(40), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
        sa.PrimaryKeyConstraint("code_hash"),
    )
    op.create_index("ix_recovery_codes_account_id", "recovery_codes", ["account_id"])
    # How old the passwords are was not written down: their days begin now.
    accounts = sa.table(
        "accounts", sa.column("password_at", sa.String), sa.column("password_hash", sa.Text)
    )
    aged = sa.update(accounts).where(accounts.c.password_hash.is_not(None))
    op.execute(aged.values(password_at=clock.iso()))


def downgrade() -> None:
    op.drop_table("recovery_codes")
    op.drop_table("past_passwords")
    with op.batch_alter_table("accounts") as batch:
        for name in _COLUMNS:
            batch.drop_column(name)
