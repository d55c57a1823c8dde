"""The tables, described once for every database. Migrations create them; queries are built on them.

Keys start with the room. Times are integer milliseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

rooms = Table(
    "rooms",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("epoch", String(16), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("title", Text),
    Column("premoderate", Boolean, nullable=False),
    Column("comments", Integer, nullable=False),
    Column("config_seq", BigInteger, nullable=False),
    Column("max_depth", Integer),
    Column("edit_window_s", Integer),
    Column("state", String(16)),
    Column("slow_mode_s", Integer),
)

comments = Table(
    "comments",
    metadata,
    Column("row_id", Integer, primary_key=True),
    Column("room_id", Integer, ForeignKey("rooms.id"), nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("parent", BigInteger),
    Column("root", BigInteger, nullable=False),
    Column("author_id", Text, nullable=False),
    Column("author_name", Text, nullable=False),
    Column("author_avatar", Text),
    Column("author_badge", String(16)),
    Column("nonce", String(64), nullable=False),
    Column("fingerprint", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("rich", Text),
    Column("created_ms", BigInteger, nullable=False),
    Column("edited_ms", BigInteger),
    Column("state", String(16), nullable=False),
    Column("was_public", Boolean, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("reactions", Text),
    Column("score", Integer, nullable=False),
    Column("depth", Integer, nullable=False, server_default="0"),
    Column("hold", Text),
    Column("featured", Boolean, nullable=False, server_default="0"),
    Column("locked", Boolean, nullable=False, server_default="0"),
    Column("reports", Integer, nullable=False, server_default="0"),
    Column("due_ms", BigInteger),
    Column("reacted_seq", BigInteger),
    UniqueConstraint("room_id", "seq", name="uq_comments_room_seq"),
    UniqueConstraint("room_id", "id", name="uq_comments_room_id"),
    UniqueConstraint("room_id", "author_id", "nonce", name="uq_comments_nonce"),
    Index(
        "ix_comments_roots",
        "room_id",
        "id",
        sqlite_where=text("parent IS NULL"),
        postgresql_where=text("parent IS NULL"),
    ),
    Index(
        "ix_comments_best",
        "room_id",
        "score",
        "id",
        sqlite_where=text("parent IS NULL"),
        postgresql_where=text("parent IS NULL"),
    ),
    Index(
        "uq_comments_room_reacted_seq",
        "room_id",
        "reacted_seq",
        unique=True,
        sqlite_where=text("reacted_seq IS NOT NULL"),
        postgresql_where=text("reacted_seq IS NOT NULL"),
    ),
    Index(
        "ix_comments_thread",
        "room_id",
        "root",
        "id",
        sqlite_where=text("parent IS NOT NULL"),
        postgresql_where=text("parent IS NOT NULL"),
    ),
    Index("ix_comments_author", "author_id"),
    Index(
        "ix_comments_due",
        "due_ms",
        sqlite_where=text("due_ms IS NOT NULL"),
        postgresql_where=text("due_ms IS NOT NULL"),
    ),
    Index(
        "ix_comments_held",
        "row_id",
        sqlite_where=text("state = 'held'"),
        postgresql_where=text("state = 'held'"),
    ),
    Index(
        "ix_comments_reported",
        "row_id",
        sqlite_where=text("reports > 0"),
        postgresql_where=text("reports > 0"),
    ),
)

answers = Table(
    "answers",
    metadata,
    Column("room_id", Integer, ForeignKey("rooms.id"), primary_key=True),
    Column("author_id", Text, primary_key=True),
    Column("nonce", String(64), primary_key=True),
    Column("fingerprint", String(32), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("comment_id", BigInteger),
    comment="how the nonces of edits, deletions and staff's writes were answered",
)

reactions = Table(
    "reactions",
    metadata,
    Column("room_id", Integer, ForeignKey("rooms.id"), primary_key=True),
    Column("comment_id", BigInteger, primary_key=True),
    Column("author_id", Text, primary_key=True),
    Column("reaction", String(16), primary_key=True),
    Index("ix_reactions_author", "room_id", "author_id", "comment_id"),
)

reports = Table(
    "reports",
    metadata,
    Column("room_id", Integer, ForeignKey("rooms.id"), primary_key=True),
    Column("comment_id", BigInteger, primary_key=True),
    Column("author_id", Text, primary_key=True),
    Column("reason", String(16), nullable=False),
    Column("text", Text),
    Column("created_ms", BigInteger, nullable=False),
)

removed = Table(
    "removed",
    metadata,
    Column("room_id", Integer, ForeignKey("rooms.id"), primary_key=True),
    Column("comment_id", BigInteger, primary_key=True),
    Column("comment", Text, nullable=False, comment="JSON: what its row lost"),
    Column("removed_ms", BigInteger, nullable=False),
    comment="what a moderator rejected and may bring back; no reader's query comes here",
)

acts = Table(
    "acts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("room", Text, nullable=False),
    Column("comment_id", BigInteger),
    Column("person", Text),
    Column("by_id", Text, nullable=False),
    Column("by_name", Text, nullable=False),
    Column("action", String(16), nullable=False),
    Column("reason", Text),
    Column("detail", Text, comment="JSON: what changed, from what to what"),
    Column("at_ms", BigInteger, nullable=False),
    Index("ix_acts_comment", "room", "comment_id"),
    Index("ix_acts_person", "person"),
    comment="the audit log: rows are added, never changed",
)

bots = Table(
    "bots",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("digest", String(64), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("rooms", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("is_revoked", Boolean, nullable=False),
    Column("site", String(32), nullable=False, server_default="default"),
)

sites = Table(
    "sites",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("origins", Text, nullable=False, comment="separated by spaces"),
    Column("guests", Boolean),
    Column("created_ms", BigInteger, nullable=False),
    Column("hook_url", Text),
    Column("hook_secret", Text),
)

issuers = Table(
    "issuers",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("audience", Text, nullable=False),
    Column("algorithm", String(16), nullable=False),
    Column("keys", Text, nullable=False, comment="JSON: a list of JWKs, the newest last"),
    Column("jwks_url", Text),
)

providers = Table(
    "providers",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("key", String(32), primary_key=True),
    Column("label", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("client_secret", Text, nullable=False),
    Column("algorithm", String(16), nullable=False),
    Column("kind", String(16), nullable=False, server_default="openid"),
    comment="where readers sign in by OpenID Connect",
)

people = Table(
    "people",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("skeleton", Text, nullable=False),
    Column("avatar", Text),
    Column("role", String(16), nullable=False),
    Column("issued_s", BigInteger, nullable=False),
    Column("since_ms", BigInteger),
    Index("uq_people_subject", "site", "issuer", "subject", unique=True),
    Index("ix_people_skeleton", "site", "skeleton"),
    comment="readers whom an issuer vouched for, as it did last",
)

roles = Table(
    "roles",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("person", Text, primary_key=True),
    Column("role", String(16), nullable=False),
    comment="roles given here, whatever a token says",
)

bans = Table(
    "bans",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("person", Text, primary_key=True),
    Column("until_ms", BigInteger),
    Column("reason", Text, nullable=False),
    Column("banned_by", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)

restrictions = Table(
    "restrictions",
    metadata,
    Column("site", String(32), primary_key=True),
    Column("person", Text, primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("room", Text, primary_key=True, comment="empty: the whole site"),
    Column("until_ms", BigInteger),
    comment="who may not write in a room, or isn't seen by others",
)

filters = Table(
    "filters",
    metadata,
    Column("room", Text, primary_key=True, comment="a room's key; its site's with an empty name"),
    Column("filters", Text, nullable=False, comment="JSON: moderation.filters.Filters"),
)

links = Table(
    "links",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("site", String(32), nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Index("ix_links_expires", "expires_ms"),
    comment="sign-in links that were sent and not used",
)

erased = Table(
    "erased",
    metadata,
    Column("mark", String(43), primary_key=True, comment="auth.signing.Signer.mark"),
    Column("at_s", BigInteger, nullable=False),
    comment="whose tokens from before then are refused; keyed hashes, which name nobody",
)

installation = Table(
    "installation",
    metadata,
    Column("key", String(16), primary_key=True),
    Column("value", Text, nullable=False),
    comment="what is drawn once for this database: the seed of the rooms' first epochs",
)

COMMENT_COLUMNS = (
    comments.c.id,
    comments.c.seq,
    comments.c.parent,
    comments.c.root,
    comments.c.author_id,
    comments.c.author_name,
    comments.c.author_avatar,
    comments.c.author_badge,
    comments.c.body,
    comments.c.rich,
    comments.c.created_ms,
    comments.c.edited_ms,
    comments.c.state,
    comments.c.was_public,
    comments.c.pinned,
    comments.c.reactions,
    comments.c.depth,
    comments.c.hold,
    comments.c.featured,
    comments.c.locked,
    comments.c.reports,
    comments.c.due_ms,
    comments.c.reacted_seq,
    comments.c.score,
)
"""A comment's columns in the order that ``store.rows.comment_of`` takes them."""

ROOM_COLUMNS = (
    rooms.c.name,
    rooms.c.epoch,
    rooms.c.seq,
    rooms.c.title,
    rooms.c.premoderate,
    rooms.c.comments,
    rooms.c.config_seq,
    rooms.c.state,
    rooms.c.slow_mode_s,
    rooms.c.max_depth,
    rooms.c.edit_window_s,
)
"""A room's columns in the order that ``store.rows.room_of`` takes them."""
