"""Alembic's entry: runs the migrations on the connection that ``store.migrate`` hands over."""

from __future__ import annotations

from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext

from livethread.store.schema import metadata
from livethread.store.words import is_described


def check_foreign_keys(ctx: MigrationContext, *_: Any, **__: Any) -> None:
    """At the end of each step, before its commit: SQLite doesn't while a step runs."""
    connection = ctx.connection
    assert connection is not None
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise RuntimeError(f"this step leaves a row of {broken[0]} without one of {broken[2]}")


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_name=is_described,
    render_as_batch=True,
    transaction_per_migration=True,
    on_version_apply=check_foreign_keys,
)
with context.begin_transaction():
    context.run_migrations()
