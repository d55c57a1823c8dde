"""Brings a database to this version's schema, one transaction a step."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from livethread.store.errors import StartError
from livethread.store.schema import metadata
from livethread.store.words import is_described


def alembic_config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection, where: str) -> None:
    """Run what is missing. Raises ``StartError`` if the database is of a newer version."""
    config = alembic_config(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    current = MigrationContext.configure(connection).get_current_heads()
    connection.rollback()  # end the reading, so that each step begins and commits its own
    unknown = [revision for revision in current if revision not in known]
    if unknown:
        raise StartError(
            where,
            f"the database was written by a newer Livethread (schema {unknown[0]}).",
            "Install that version again, or restore the backup made before the upgrade.",
        )
    if set(current) != set(ScriptDirectory.from_config(config).get_heads()):
        command.upgrade(config, "head")


def drift(connection: Connection) -> list[object]:
    """Differences between the migrated database and ``store.schema``; empty when in step."""
    options = {"include_name": is_described}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))
