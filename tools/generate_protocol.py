"""Writes docs/protocol.md and its JSON Schema from the models; a test fails when one is stale."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from livethread.protocol import frames, rich
from livethread.protocol.commands import COMMANDS, GuestName
from livethread.protocol.errors import CloseCode, ErrorCode, error_for
from livethread.protocol.frames import FRAMES

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "protocol.md"
SCHEMA = ROOT / "static" / "protocol.schema.json"

PARTS: tuple[type[BaseModel], ...] = (
    GuestName,
    frames.User,
    frames.Limits,
    frames.Room,
    frames.Comment,
    frames.Author,
    frames.Change,
    frames.ReactionCounts,
)
BLOCKS: tuple[type[rich.Token], ...] = (
    rich.Paragraph,
    rich.Preformatted,
    rich.Quote,
    rich.BulletList,
    rich.OrderedList,
)
INLINES: tuple[type[rich.Token], ...] = (
    rich.Emphasis,
    rich.Strong,
    rich.Deleted,
    rich.Code,
    rich.Link,
    rich.Break,
)
TOKENS: tuple[type[rich.Token], ...] = (*BLOCKS, rich.Item, *INLINES)

PATTERNS = {
    r"^[A-Za-z0-9_-]{8,64}$": "8 to 64 of `A–Z a–z 0–9 _ -`",
    r"^[A-Za-z0-9._-]+$": "of `A–Z a–z 0–9 . _ -`",
    r"^[A-Za-z0-9+#._-]{1,32}$": "1 to 32 of `A–Z a–z 0–9 + # . _ -`",
    r"^[a-z0-9_]+$": "of `a–z 0–9 _`",
    r"^[\x20-\x7e]{1,64}$": "1 to 64 of printable ASCII",
    r"^[\x21-\x7e]+$": "of printable ASCII without spaces",
    r"^[^\x00-\x1f\x7f-\x9f]*$": "without control characters",
    r"^(?:https?://|mailto:)[^\s\\]+$": "an `http:`, `https:` or `mailto:` address",
}
"""The patterns of the models in words."""

HEAD = """\
# The protocol, version 1

Made from the program by `tools/generate_protocol.py`; don't edit it by hand. Another program can
read the same as JSON Schema: `static/protocol.schema.json`, served at
`/static/protocol.schema.json`. What can't hold a websocket has [the same over HTTP](http.md).

A client follows *rooms* (one an article) over one websocket. It gets a room's comments once, then
every change, in order; and it always knows its place, so that a lost connection costs nothing but
what happened meanwhile.

## An exchange

A new guest follows a room, comments, and gives a reaction. `→` is the client.

```
→ {"type": "hello", "version": 1, "guest": {"name": "Mara"}, "client": "example/1.0"}
→ {"type": "join", "room": "news/bridge", "ref": "1"}
← {"type": "welcome", "session": "a8ffe8dbe585",
   "user": {"id": "g:33677d109142819d", "name": "Mara", "role": "guest"},
   "guest_token": "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJsaXZl.BrlnOwAzJwl5gUol",
   "expires": "2027-11-22T16:40:10.000Z", "heartbeat_s": 25.0,
   "limits": {"body_chars": 5000, "name_chars": 40, "frame_bytes": 16384, "subscriptions": 64,
              "edit_window_s": 900}}
← {"type": "joined", "ref": "1",
   "room": {"name": "news/bridge", "state": "open", "slow_mode_s": 0, "premoderate": false,
            "comments": 1, "seq": 1},
   "cursor": "4a9f5c7d.1", "mode": "snapshot", "order": "oldest",
   "comments": [{"id": 1, "author": {"id": "r:2207", "name": "Jo"}, "body": "Open at noon?",
                 "created": "2026-11-22T16:39:58.020Z", "state": "visible", "seq": 1}]}
→ {"type": "post", "room": "news/bridge", "ref": "2", "nonce": "Zk3vQ0fWc1aT8xYp", "parent": 1,
   "body": "At *last*!"}
← {"type": "ack", "ref": "2", "room": "news/bridge", "seq": 2,
   "comment": {"id": 2, "parent": 1, "author": {"id": "g:33677d109142819d", "name": "Mara"},
               "body": "At *last*!",
               "rich": [{"t": "p", "c": ["At ", {"t": "em", "c": ["last"]}, "!"]}],
               "created": "2026-11-22T16:40:10.415Z", "state": "visible", "seq": 2}}
← {"type": "changes", "room": "news/bridge", "from": 1, "to": 2, "comments": 2, "changes": [
   {"seq": 2,
    "comment": {"id": 2, "parent": 1, "author": {"id": "g:33677d109142819d", "name": "Mara"},
                "body": "At *last*!",
                "rich": [{"t": "p", "c": ["At ", {"t": "em", "c": ["last"]}, "!"]}],
                "created": "2026-11-22T16:40:10.415Z", "state": "visible", "seq": 2}}]}
→ {"type": "react", "room": "news/bridge", "ref": "3", "comment": 1, "reaction": "like",
   "on": true}
← {"type": "ack", "ref": "3", "room": "news/bridge", "seq": 3,
   "comment": {"id": 1, "author": {"id": "r:2207", "name": "Jo"}, "body": "Open at noon?",
               "created": "2026-11-22T16:39:58.020Z", "reactions": {"like": 1},
               "state": "visible", "replies": 1, "seq": 3}}
← {"type": "heartbeat", "t": 1795365635000}
→ {"type": "ping"}
← {"type": "pong"}
→ {"type": "post", "room": "news/bridge", "ref": "4", "nonce": "pQ7sL2mNd9eRw4Ub", "body": "!"}
← {"type": "error", "ref": "4", "code": "rate_limited",
   "message": "That was a lot at once. Wait a moment.", "retryable": true,
   "retry_after_ms": 4200}
```

Had the connection been lost here, the client would come back with its guest token and its cursor,
and get what it missed:

```
→ {"type": "hello", "version": 1,
   "token": "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJsaXZl.BrlnOwAzJwl5gUol"}
→ {"type": "join", "room": "news/bridge", "ref": "1", "since": "4a9f5c7d.2"}
← {"type": "joined", "ref": "1",
   "room": {"name": "news/bridge", "state": "open", "slow_mode_s": 0, "premoderate": false,
            "comments": 2, "seq": 3},
   "cursor": "4a9f5c7d.2", "mode": "resume"}
← {"type": "changes", "room": "news/bridge", "from": 2, "to": 3, "comments": 2, "changes": [
   {"seq": 3, "reactions": {"comment": 1, "counts": {"like": 1}}}]}
```

## Rules for clients

Numbers are the defaults; [settings](settings.md) can change the server's.

**Connecting.** A websocket at `/ws`; the subprotocol `livethread.v1` may be named, but needn't be.
Each text frame is one JSON object with a `type`; binary frames close the connection. A browser's
origin must be one the server knows, else the handshake ends with 403; without an `Origin` header
only bots may speak. Where a server has several sites, the origin or a bot's token says which; else
`/ws?site=KEY` does. 503 means that the server is full or about to stop: come back as after a close.
Absent fields are left out, never sent as null. Ignore types and fields you don't know: later
versions add some.

**Hello** comes first, within 5 s. Say who you are with a `token` (a reader's JWT, a bot's token, a
guest token), or ask for a new guest by name, or neither to read only. Don't wait for `welcome`:
other commands may follow at once. Keep a `guest_token` and come back with it. Before `expires`,
send `renew` with a new token; the session goes on.

**Rooms and cursors.** `join` is answered by `joined`, with the room and a `cursor`, even when it is
empty. In a `snapshot`, throw away what you have of the room and show `comments`; `next` and `more`
are tokens for `page`, good for that room and order only; a page may be shorter than asked for, so
go on while there are such. A comment that isn't loaded, but linked to, comes with what it hangs on
in answer to a `page` with `comment`. Of the reactions, `reacted` says which are the reader's own.
After that, changes come in order of their seq. The cursor is a string `EPOCH.SEQ`; store it whole,
and with each accepted `changes` put its `to` in place of the SEQ. A change carries the whole
comment as it now is; one of its reactions alone has their `counts`, all of them, for the comment
that you have or don't need: then put them and the change's seq into it. A page or an ack may be
newer than your cursor: of two versions of a comment, keep that with the higher `seq`. How many
comments everyone can see is told, not to be counted, for you don't hold them all: `comments` in
`joined` is of the room's `seq`, in `changes` it is of `to`; keep that of the higher one.

**The gap rule.** Compare `from` of each `changes` with the SEQ of your own cursor:

- equal: accept, and move the cursor to `to`;
- lower: drop the frame; you have it already;
- higher: something is missing. Drop the frame and `join` again with your cursor.

Between the two, seqs may be skipped: what only staff may see isn't sent to others, and what changed
again isn't sent twice. A hundred likes in a moment are one change; who comes back gets each comment
that changed once, and the reactions since then once.

**Orders.** Roots come `oldest` first, `newest` first, or `best` first; replies in order of posting.
`best` ranks by the lower bound of Wilson's score interval (95 %) for the share of a comment's
reactions that don't count against it; the site says which do (`negative_reactions`). One like of
one is less certain than nine of ten: 1 of 1 scores 0.21, 10 of 10 0.72, 90 of 100 0.83. Where no
reaction counts against, that is n / (n + 3.84): it ranks by their number. The newer of two equals
comes first. A token is a place among the scores, so each page is right when it is read, whatever
has changed; but a comment whose score changes from one page to the next may come twice, and one
that rose above the place is not on the later pages: the feed tells of its counts, and `page` with
`comment` brings it. `oldest` and `newest` give every comment once.

**Coming back to a room.** `join` with `since` goes on from that cursor (`mode` `resume`) if it is
of the same history and at most 2,000 changes or 512 KB behind; otherwise you get a snapshot, never
half a history. A `reset` ends following a room: join again without `since`. `since: "0"` sends a
bot whose token has the scope `replay` the whole feed.

**Acks and nonces.** Every command but `hello` and `ping` may carry a `ref`, which comes back in its
answer. An `ack` means that the effect is on disk. Make a `nonce` at random for each write (128
bits) and keep it until an answer has come: after a lost connection send the same write with the
same nonce, as often as needed. It has one effect, and the same answer with `duplicate`. Your own
comment comes in the feed, too, before or after the ack: match them by id.

**Heartbeat.** The server is never silent for much longer than `heartbeat_s` (25 s). A client that
hears nothing for 40 s takes the connection for dead. The server closes a client that is silent for
60 s: answer each `heartbeat` with a `ping`.

**Reconnecting.** Wait `random(0, min(30 s, 0.5 s × 2^n))` before attempt n = 0, 1, 2, …, so that a
restarted server isn't met by everybody in the same instant. Set n to 0 after 30 s of health. Don't
wait when the page becomes visible or the network returns. If a `notice` had `reconnect_after_ms`,
wait a random time between its two numbers, whatever happens. [Close codes](#close-codes) from 4500
on say not to come back as you are.

**Limits.** 20 commands a second (100 at once) of one connection, 0.2 writes a second (10 at once)
of one reader, 1 (30) of one address, 10 (50) of one bot; 64 rooms and 256 unanswered commands. What
is too much is answered with `rate_limited` or `too_large` and does no harm; a client that goes on
all the same is closed with 4506. In slow mode, comments come back as `held_off`. Wait for
`retry_after_ms`.

**Texts** are Unicode, counted in code points (JavaScript's `length` counts otherwise). Bodies are
Markdown, kept as typed: NFC, surrounding white space trimmed, line ends as newlines, without
overrides of direction and piled-up marks. Control characters are refused, as is a text in which
nothing can be seen. Names are one line of at most 40 without invisible characters. A room's name is
a path such as `news/2026/bridge-opens`: NFC, no white space, no `\\`, `?` or `#`, no empty, `.` or
`..` segment, and it doesn't end in `changes`, `comments`, `events` or `reactions`. Never show what
you get as HTML. Times are RFC 3339, UTC, with milliseconds.
"""

COMMANDS_HEAD = """
## Commands

From the client. `?` marks what may be left out; each also has its `type`.
"""

FRAMES_HEAD = """
## Frames

From the server. `?` marks what may be absent; each also has its `type`.
"""

PARTS_HEAD = """
## Parts of frames
"""

RICH_HEAD = """
## The token tree

`rich` is a body's Markdown as the server understood it: a list of blocks. Without it, a body is
plain paragraphs. `t` says what a token is, `c` holds what is in it. Blocks are
{blocks};
within a line there are strings and
{inlines}.
A line break in a string is a line break of the text. At most {depth} tokens are inside one another.
Make elements of your own from it, and give links `rel="nofollow ugc noopener noreferrer"`.

| `t` | fields | what it is |
|---|---|---|
"""

ERRORS_HEAD = """
## Error codes

Of `error` frames and of problem documents over HTTP. What is not retryable fails again unless
something else changes. Take a code you don't know for `internal`.

| code | meaning | retryable |
|---|---|---|
"""

CLOSES_HEAD = """
## Close codes

Come back to your rooms with your cursors, after the delay for reconnecting. From 4500 to 4999 you
are told not to: change what was refused first. A code you don't know, or none (1006), means to come
back.

| code | name | meaning | come back |
|---|---|---|---|
"""


# ── the schema ──


def schema() -> dict[str, Any]:
    """All commands and frames as JSON Schema 2020-12."""
    found, whole = models_json_schema(
        [(model, "validation") for model in (*COMMANDS.values(), *FRAMES.values())],
        ref_template="#/$defs/{model}",
    )
    refs = {model: ref["$ref"] for (model, _), ref in found.items()}
    defs = {name: _tidied(part) for name, part in whole["$defs"].items()}
    for ref in refs.values():
        part = defs[ref.rpartition("/")[2]]
        part["required"] = ["type", *part.get("required", [])]
    defs["commands"] = _one_of(refs, COMMANDS, "What a client may send.")
    defs["frames"] = _one_of(refs, FRAMES, "What a server sends.")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Livethread wire protocol, version 1",
        "description": "Ignore types and fields that are not listed: later versions add some.",
        "anyOf": [{"$ref": "#/$defs/commands"}, {"$ref": "#/$defs/frames"}],
        "$defs": defs,
    }


def schema_text() -> str:
    """The whole schema file; keys in the order of the models, definitions in that of names."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _one_of(
    refs: Mapping[Any, str], models: Mapping[str, type[BaseModel]], description: str
) -> dict[str, Any]:
    mapping = {name: refs[model] for name, model in models.items()}
    return {
        "description": description,
        "discriminator": {"propertyName": "type", "mapping": mapping},
        "oneOf": [{"$ref": ref} for ref in mapping.values()],
    }


def _tidied(part: dict[str, Any]) -> dict[str, Any]:
    """Without the titles and defaults that only repeat the names of fields and types."""
    part = dict(part)
    del part["title"]
    if "description" in part:
        part["description"] = _plain(part["description"])
    properties: dict[str, dict[str, Any]] = {}
    for name, field in part.get("properties", {}).items():
        is_needless = name == "type" or field.get("default", 0) is None
        dropped = {"title", "default"} if is_needless else {"title"}
        properties[name] = {key: value for key, value in field.items() if key not in dropped}
    if properties:
        part["properties"] = properties
    return part


# ── the page ──


def page() -> str:
    """The whole page."""
    defs = schema()["$defs"]
    blocks, inlines = (", ".join(f"`{_tag(m)}`" for m in group) for group in (BLOCKS, INLINES))
    return "".join(
        [
            HEAD,
            COMMANDS_HEAD,
            *(_section(f"`{name}`", model, defs) for name, model in COMMANDS.items()),
            FRAMES_HEAD,
            *(_section(f"`{name}`", model, defs) for name, model in FRAMES.items()),
            PARTS_HEAD,
            *(_section(model.__name__, model, defs) for model in PARTS),
            RICH_HEAD.format(blocks=blocks, inlines=inlines, depth=rich.MAX_DEPTH),
            *(_token_row(model, defs) for model in TOKENS),
            ERRORS_HEAD,
            *map(_error_row, ErrorCode),
            CLOSES_HEAD,
            *map(_close_row, CloseCode),
        ]
    )


def example() -> list[tuple[str, dict[str, Any]]]:
    """The frames shown in the page, each with its arrow: ``→`` is the client."""
    shown = "".join(re.findall(r"^```\n(.*?)^```$", HEAD, re.MULTILINE | re.DOTALL))
    parts = re.split(r"^([→←]) ", shown, flags=re.MULTILINE)[1:]
    return [(arrow, json.loads(text)) for arrow, text in zip(parts[::2], parts[1::2], strict=True)]


def words(field: Mapping[str, Any]) -> str:
    """A field's type and limits in words."""
    match field:
        case {"anyOf": [kind, {"type": "null"}]}:
            return words(kind)
        case {"$ref": ref}:
            return _link(ref.rpartition("/")[2])
        case {"const": value}:
            return f"`{value}`"
        case {"enum": values}:
            return ", ".join(f"`{value}`" for value in values)
        case {"prefixItems": items}:
            return f"list of {len(items)}: {words(items[0])}"
        case {"type": "array", "items": {"$ref": ref}}:
            return f"list of {_link(ref.rpartition('/')[2])}"
        case {"type": "array", "items": {"type": str(kind)}}:
            return f"list of {kind}s"
        case {"type": "array", "items": {"anyOf": [{"type": "string"}, _]}}:
            return "list of strings and [tokens](#the-token-tree) of a line"
        case {"type": "array", "items": {"oneOf": _}}:
            return "list of [blocks](#the-token-tree)"
        case {"additionalProperties": {"type": kind}}:
            return f"object: string to {kind}"
        case {"patternProperties": kinds}:
            return "object: name to " + " or ".join(words(value) for value in kinds.values())
        case {"type": "string", "format": "date-time"}:
            return "time, RFC 3339 with its zone"
        case {"type": "string"}:
            return ", ".join(["string", *_string_limits(field)])
        case {"type": "integer" | "number" as kind}:
            return f"{kind}{_range(field)}"
        case {"type": "boolean"}:
            return "true or false"
    raise ValueError(f"no words for {field}")


def _string_limits(field: Mapping[str, Any]) -> Iterable[str]:
    low, high = field.get("minLength", 0), field.get("maxLength")
    if high is not None:
        yield f"{low} to {high:,} characters" if low else f"at most {high:,} characters"
    if "pattern" in field:
        pattern = field["pattern"]
        yield PATTERNS.get(pattern) or f"matching `{pattern}`".replace("|", r"\|")


def _range(field: Mapping[str, Any]) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    if low is None:
        return ""
    if high is None or high >= 2**31:
        return f", {low} or more"
    return f", {low} to {high:,}"


def _link(name: str) -> str:
    if name == "ErrorCode":
        return "[error code](#error-codes)"
    if name == "Item":
        return "`li`"
    return f"[{name}](#{name.lower()})"


def _section(title: str, model: type[BaseModel], defs: Mapping[str, Any]) -> str:
    part = defs[model.__name__]
    fields = {key: field for key, field in part["properties"].items() if key != "type"}
    rows = "".join(
        f"| `{name}`{_mark(part, name)} | {words(field)} | {_plain(field['description'])} |\n"
        for name, field in fields.items()
    )
    table = f"\n| field | type | what it is |\n|---|---|---|\n{rows}" if rows else ""
    return f"\n### {title}\n\n{_plain(model.__doc__ or '')}\n{table}"


def _token_row(model: type[rich.Token], defs: Mapping[str, Any]) -> str:
    part = defs[model.__name__]
    fields = (
        f"`{name}`{_mark(part, name)}: {words(field)}"
        for name, field in part["properties"].items()
        if name != "t"
    )
    return f"| `{_tag(model)}` | {'; '.join(fields) or 'none'} | {_plain(model.__doc__ or '')} |\n"


def _tag(model: type[rich.Token]) -> str:
    (tag,) = get_args(model.model_fields["t"].annotation)
    return str(tag)


def _error_row(code: ErrorCode) -> str:
    kind = error_for(code)
    return f"| `{code}` | {_plain(kind.__doc__ or '')} | {'yes' if kind.retryable else 'no'} |\n"


def _close_row(code: CloseCode) -> str:
    name = code.name.lower().replace("_", " ")
    return f"| `{code}` | {name} | {code.meaning} | {'no' if code.is_final else 'yes'} |\n"


def _mark(part: Mapping[str, Any], name: str) -> str:
    return "" if name in part.get("required", ()) else "?"


def _plain(text: str) -> str:
    """A docstring or description as one line of Markdown."""
    return " ".join(text.replace("``", "`").split())


if __name__ == "__main__":
    SCHEMA.write_text(schema_text())
    PAGE.write_text(page())
