from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from alembic import command
from sqlalchemy import Connection, create_engine, inspect

from livethread.ranking import score_of
from livethread.store.errors import StartError
from livethread.store.migrate import alembic_config, drift, upgrade
from livethread.store.schema import metadata

upgrade_to = command.upgrade


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///{tmp_path / 'livethread.db'}")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_the_migrated_database_is_the_schema(connection: Connection) -> None:
    upgrade(connection, "here")
    assert drift(connection) == []
    found = {name for name in inspect(connection).get_table_names() if not name.startswith("words")}
    assert {*metadata.tables, "alembic_version"} == found


def test_a_missing_index_is_noticed(connection: Connection) -> None:
    upgrade(connection, "here")
    connection.exec_driver_sql("DROP INDEX ix_comments_roots")
    assert drift(connection)


def test_upgrading_again_changes_nothing(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(connection, "here")
    before = connection.exec_driver_sql("PRAGMA schema_version").scalar()
    connection.exec_driver_sql("INSERT INTO installation VALUES ('seed', 's')")
    connection.commit()

    def unexpected(*_: object) -> None:
        raise AssertionError("nothing is to be run")

    monkeypatch.setattr(command, "upgrade", unexpected)
    upgrade(connection, "here")
    assert connection.exec_driver_sql("PRAGMA schema_version").scalar() == before
    assert connection.exec_driver_sql("SELECT value FROM installation").scalar() == "s"


def test_a_newer_versions_database_is_left_alone(connection: Connection) -> None:
    upgrade(connection, "here")
    connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    with pytest.raises(StartError, match=r"newer Livethread .*9999") as refused:
        upgrade(connection, "here")
    assert refused.value.path == "here"
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    assert found == "9999"


def test_the_index_of_words_goes_and_comes(connection: Connection) -> None:
    upgrade(connection, "here")
    command.downgrade(alembic_config(connection), "0012")
    connection.commit()
    assert "words" not in inspect(connection).get_table_names()
    upgrade(connection, "here")
    assert drift(connection) == []
    triggers = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    assert [name for (name,) in triggers] == ["comments_words"], "comments was built anew?"


def test_a_room_that_was_as_any_says_nothing_and_another_what_it_said(
    connection: Connection,
) -> None:
    upgrade(connection, "here")
    command.downgrade(alembic_config(connection), "0014")
    columns = "name, epoch, seq, state, slow_mode_s, premoderate, comments, config_seq"
    row = f"INSERT INTO rooms ({columns})"
    said = {"a": ("open", 0), "b": ("closed", 9), "c": ("read_only", 0)}
    for name, rules in said.items():
        connection.exec_driver_sql(f"{row} VALUES (?, 'e', 1, ?, ?, 0, 0, 1)", (name, *rules))
    connection.commit()
    query = "SELECT name, state, slow_mode_s FROM rooms"
    upgrade_to(alembic_config(connection), "head")
    now = connection.exec_driver_sql(query).fetchall()
    assert now == [("a", None, None), ("b", "closed", 9), ("c", "read_only", None)]
    command.downgrade(alembic_config(connection), "0014")
    found = connection.exec_driver_sql(query).fetchall()
    assert {name: rules for name, *rules in found} == {n: [*rules] for n, rules in said.items()}


def test_reactions_of_the_first_schema_are_ranked(connection: Connection) -> None:
    with patch.object(command, "upgrade", lambda config, _: upgrade_to(config, "0001")):
        upgrade(connection, "here")
    connection.exec_driver_sql(
        "INSERT INTO rooms VALUES (1, 'a', 'k3', 3, NULL, 'open', 0, false, 3, 0)"
    )
    for id, likes in ((1, 0), (2, 1), (3, 10)):
        reactions = {"like": likes} if likes else None
        values = (id, id, id, id, f"nonce-{id}", reactions and json.dumps(reactions), likes)
        connection.exec_driver_sql(
            "INSERT INTO comments (room_id, id, seq, root, row_id, author_id, author_name, nonce,"
            " fingerprint, body, created_ms, state, was_public, pinned, reactions, score)"
            " VALUES (1, ?, ?, ?, ?, 'g:1', 'Mara', ?, '', '', 0, 'visible', true, false, ?, ?)",
            values,
        )
    connection.commit()
    upgrade(connection, "here")
    assert drift(connection) == []
    rows = connection.exec_driver_sql("SELECT reacted_seq, score FROM comments ORDER BY id")
    expected = [score_of({"like": likes}, frozenset()) for likes in (0, 1, 10)]
    for (reacted, score), wanted in zip(rows, expected, strict=True):
        assert reacted is None
        assert abs(score - wanted) <= 1
