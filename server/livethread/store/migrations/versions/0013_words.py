"""An index of the words in comments, and its trigger; filled by the running server.

A step that builds ``comments`` anew has to make the trigger anew.
"""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

INDEX = """
CREATE VIRTUAL TABLE words USING fts5(
  text, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1'
)
"""
TRIGGER = """
CREATE TRIGGER comments_words AFTER UPDATE OF body, author_name ON comments
WHEN (old.body <> new.body OR old.author_name <> new.author_name)
  AND old.row_id <= (SELECT CAST(value AS INTEGER) FROM installation WHERE key = 'words')
BEGIN
  INSERT INTO words (words, rowid, text)
    VALUES ('delete', old.row_id, folded(old.body || char(10) || old.author_name));
  INSERT INTO words (rowid, text)
    VALUES (new.row_id, folded(new.body || char(10) || new.author_name));
  INSERT INTO installation (key, value) VALUES ('words_stale', '')
    ON CONFLICT (key) DO NOTHING;
END
"""


def upgrade() -> None:
    op.execute(INDEX)
    op.execute("INSERT INTO words (words, rank) VALUES ('automerge', 0)")
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER comments_words")
    op.execute("DROP TABLE words")
    op.execute("DELETE FROM installation WHERE key IN ('words', 'words_stale', 'words_tidying')")
