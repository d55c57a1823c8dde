"""From a command to the wish it makes of the Store, and the scope it needs."""

from __future__ import annotations

import hashlib
from typing import cast, get_args

from livethread.auth.identity import Scope
from livethread.model import (
    Action,
    CommentId,
    ConfigureRoom,
    DeleteComment,
    EditComment,
    ModerateComment,
    PersonAction,
    PostComment,
    ReportComment,
    RestrictPerson,
    SetReaction,
    Wish,
)
from livethread.protocol import commands
from livethread.protocol.errors import BadFrame, Rejected, TooLarge
from livethread.rules import SessionRules
from livethread.views import milliseconds


def wish_of(command: commands.InRoom, rules: SessionRules) -> tuple[Scope, Wish]:
    """What a writing command asks for. Raises ``TooLarge`` and ``Rejected``."""
    match command:
        case commands.Post(body=body, parent=parent, website=trap):
            _check_body(body, rules)
            to = None if parent is None else CommentId(parent)
            return "post", PostComment(body, rules.render(body), to, trap=trap)
        case commands.Edit(comment=id, body=body):
            _check_body(body, rules)
            window_s = rules.limits.edit_window_s
            return "post", EditComment(CommentId(id), body, rules.render(body), window_s)
        case commands.Delete(comment=id):
            return "post", DeleteComment(CommentId(id))
        case commands.React(comment=id, reaction=reaction, on=on):
            if reaction not in rules.reactions:
                raise Rejected("That reaction isn't offered here.", field="reaction")
            return "post", SetReaction(CommentId(id), reaction, on, rules.negative_reactions)
        case commands.Report(comment=id, reason=reason, text=text):
            return "post", ReportComment(CommentId(id), reason, text)
        case commands.Moderate():
            return "moderate", _decision(command)
        case commands.Configure():
            return "moderate", ConfigureRoom(
                command.state,
                command.slow_mode_s,
                command.premoderate,
                command.title,
                command.max_depth,
                command.edit_window_s,
                command.reason,
            )
    raise BadFrame


def _decision(command: commands.Moderate) -> Wish:
    id = None if command.comment is None else CommentId(command.comment)
    if command.action in get_args(PersonAction):
        until_ms = milliseconds(command.until)
        action = cast(PersonAction, command.action)
        return RestrictPerson(command.author, id, action, command.reason, until_ms)
    assert id is not None
    return ModerateComment(id, cast(Action, command.action), command.reason, command.seq)


def fingerprint(command: commands.InRoom) -> str:
    """Tells whether a nonce was used for the same content before: 128 bits, as hex."""
    content = command.model_dump_json(exclude={"ref", "nonce", "room"})
    return hashlib.blake2s(content.encode(), digest_size=16).hexdigest()


def _check_body(body: str, rules: SessionRules) -> None:
    most = rules.limits.body_chars
    if len(body) > most:
        raise TooLarge(f"A comment has at most {most} characters.", field="body")
