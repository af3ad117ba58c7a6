"""A box of several nodes: trust, storage, volumes, templates, tenants, rights, consoles."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _trust()
    _machines()
    _wider()
    _columns()
    _what_was_there()


def _trust() -> None:
    op.create_table(
        "console_sessions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("vm_id", sa.String(length=36), nullable=False),
        sa.Column("vm_name", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("ticket_hash", sa.String(length=64), nullable=True),
        sa.Column("ticket_until", sa.String(length=40), nullable=True),
        sa.Column("asked_at", sa.String(length=40), nullable=False),
        sa.Column("opened_at", sa.String(length=40), nullable=True),
        sa.Column("closed_at", sa.String(length=40), nullable=True),
        sa.Column("peer", sa.String(length=64), nullable=False),
        sa.Column("bytes_in", sa.BigInteger(), nullable=False),
        sa.Column("bytes_out", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("ticket_hash"),
    )
    with op.batch_alter_table("console_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_console_sessions_vm_id"), ["vm_id"], unique=False)

    op.create_table(
        "node_tokens",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("replaces", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.String(length=40), nullable=False),
        sa.Column("expires_at", sa.String(length=40), nullable=False),
        sa.Column("used_at", sa.String(length=40), nullable=True),
        sa.Column("job_id", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret_hash"),
    )
    op.create_table(
        "storages",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=True),
        sa.Column("since", sa.String(length=40), nullable=True),
        sa.Column("facts_at", sa.String(length=40), nullable=True),
        sa.Column("job_id", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "templates",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("signer", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("format", sa.String(length=8), nullable=False),
        sa.Column("boot", sa.String(length=8), nullable=False),
        sa.Column("size_mib", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("checked_at", sa.String(length=40), nullable=True),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("templates", schema=None) as batch_op:
        batch_op.create_index("templates_name_version", ["name", "version"], unique=True)

    op.create_table(
        "tenants",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("vms", sa.Integer(), nullable=False),
        sa.Column("vcpus", sa.Integer(), nullable=False),
        sa.Column("memory_mib", sa.Integer(), nullable=False),
        sa.Column("disk_gib", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("right", sa.String(length=16), nullable=False),
        sa.Column("path", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.String(length=40), nullable=False),
        sa.Column("expires_at", sa.String(length=40), nullable=False),
        sa.Column("used_at", sa.String(length=40), nullable=True),
        sa.Column("revoked_at", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    with op.batch_alter_table("api_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_tokens_account_id"), ["account_id"], unique=False)

    op.create_table(
        "grants",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("right", sa.String(length=16), nullable=False),
        sa.Column("path", sa.String(length=128), nullable=False),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_grants_account_id"), ["account_id"], unique=False)

    op.create_table(
        "osd_disks",
        sa.Column("id", sa.String(length=192), nullable=False),
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=128), nullable=False),
        sa.Column("serial", sa.String(length=64), nullable=False),
        sa.Column("size_mib", sa.Integer(), nullable=False),
        sa.Column("osd", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("since", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["node"],
            ["nodes.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("osd_disks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_osd_disks_node"), ["node"], unique=False)


def _machines() -> None:
    op.create_table(
        "nics",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("vm_id", sa.String(length=36), nullable=False),
        sa.Column("zone", sa.String(length=16), nullable=False),
        sa.Column("address", sa.String(length=40), nullable=False),
        sa.Column("mac", sa.String(length=17), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["vm_id"],
            ["vms.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("mac"),
    )
    with op.batch_alter_table("nics", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_nics_vm_id"), ["vm_id"], unique=False)
        batch_op.create_index("nics_zone_address", ["zone", "address"], unique=True)

    op.create_table(
        "snapshots",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("vm_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("volumes", sa.JSON(), nullable=False),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["vm_id"],
            ["vms.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("snapshots", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_snapshots_vm_id"), ["vm_id"], unique=False)
        batch_op.create_index("snapshots_vm_name", ["vm_id", "name"], unique=True)


def _wider() -> None:
    # A step may be named after the object that it is about, and a UUID alone has 36 characters.
    with op.batch_alter_table("job_steps") as batch_op:
        batch_op.alter_column(
            "key", existing_type=sa.String(40), type_=sa.String(64), existing_nullable=False
        )


def _columns() -> None:
    with op.batch_alter_table("nodes", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("state", sa.String(length=16), nullable=False, server_default="active")
        )
        batch_op.add_column(
            sa.Column("home", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(
            sa.Column("address", sa.String(length=64), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("host_key", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("joined_at", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("seen_at", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("why", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("job_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))

    with op.batch_alter_table("vms", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("tenant", sa.String(length=64), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("storage", sa.String(length=32), nullable=False, server_default="dir")
        )
        batch_op.add_column(
            sa.Column("template_id", sa.String(length=36), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("apart", sa.String(length=64), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("user_data", sa.Text(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("placement", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("drift", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("pending", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("resizing", sa.JSON(), nullable=True))
        batch_op.create_index(batch_op.f("ix_vms_node"), ["node"], unique=False)
        batch_op.create_index(batch_op.f("ix_vms_tenant"), ["tenant"], unique=False)

    with op.batch_alter_table("volumes", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("name", sa.String(length=64), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("storage", sa.String(length=32), nullable=False, server_default="dir")
        )
        batch_op.add_column(
            sa.Column("node", sa.String(length=64), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("size_gib", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(
            sa.Column("serial", sa.String(length=20), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("tenant", sa.String(length=64), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("parent", sa.String(length=128), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("wished", sa.String(length=16), nullable=False, server_default="present")
        )
        batch_op.add_column(
            sa.Column("actual", sa.String(length=16), nullable=False, server_default="present")
        )
        batch_op.add_column(
            sa.Column("job_id", sa.String(length=36), nullable=False, server_default="")
        )
        batch_op.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
        batch_op.add_column(sa.Column("created_at", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("snapshots", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.alter_column("vm_id", existing_type=sa.VARCHAR(length=36), nullable=True)
        batch_op.create_index(batch_op.f("ix_volumes_vm_id"), ["vm_id"], unique=False)


def _what_was_there() -> None:
    # What was there: one node, the controller's own; system and seed volumes in its folder.
    op.execute(sa.text("UPDATE nodes SET home = :yes").bindparams(yes=True))
    op.execute(
        "UPDATE volumes SET serial = kind, node = (SELECT node FROM vms WHERE vms.id = vm_id)"
    )
    op.execute(
        "UPDATE volumes SET size_gib = (SELECT disk_gib FROM vms WHERE vms.id = vm_id) "
        "WHERE kind = 'system'"
    )


_TABLES = (
    "snapshots", "nics", "osd_disks", "grants", "api_tokens", "tenants", "templates", "storages",
    "node_tokens", "console_sessions",
)  # fmt: skip
_COLUMNS = {
    "nodes": (
        "state", "home", "address", "host_key", "joined_at", "seen_at", "why", "job_id", "version",
    ),
    "vms": (
        "tenant", "storage", "template_id", "apart", "user_data", "placement", "drift", "pending",
        "resizing",
    ),
    "volumes": (
        "name", "storage", "node", "size_gib", "serial", "tenant", "parent", "wished", "actual",
        "job_id", "version", "created_at", "snapshots",
    ),
}  # fmt: skip
_INDEXES = {"vms": ("ix_vms_node", "ix_vms_tenant"), "volumes": ("ix_volumes_vm_id",)}


def downgrade() -> None:
    op.execute("UPDATE job_steps SET key = substr(key, 1, 40)")
    with op.batch_alter_table("job_steps") as batch:
        batch.alter_column(
            "key", existing_type=sa.String(64), type_=sa.String(40), existing_nullable=False
        )
    op.execute("DELETE FROM volumes WHERE vm_id IS NULL")
    for table, columns in _COLUMNS.items():
        with op.batch_alter_table(table) as batch:
            for index in _INDEXES.get(table, ()):
                batch.drop_index(index)
            for column in columns:
                batch.drop_column(column)
            if table == "volumes":
                batch.alter_column("vm_id", existing_type=sa.String(36), nullable=False)
    for table in _TABLES:
        op.drop_table(table)
