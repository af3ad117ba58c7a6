"""How Alembic reaches the records: the same engine that the controller uses, all or nothing."""

from alembic import context

from controller.records import assessment, cluster, exchange  # noqa: F401 - their tables join the metadata
from controller.records.session import open_records
from controller.records.tables import Base

engine = open_records(context.config.attributes["url"], patience=60)
lite = engine.dialect.name == "sqlite"
with engine.connect() as connection:
    if lite:
        # SQLite changes a table by making it anew and dropping the old one, which rows of other
        # tables point to. Inside a transaction this switch does nothing, so it is set before.
        connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
    if lite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()):
        raise RuntimeError(f"rows point nowhere after the migration: {broken[:5]}")
    connection.commit()
engine.dispose()
