"""The command line: one module a command, imported when it is called.

``livethread --help`` and ``livethread post`` load neither FastAPI nor SQLAlchemy: 0.1 s, not 1 s.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


class Lazy(NamedTuple):
    """Where a command is, and its line in ``--help`` (a test holds the two together)."""

    module: str
    help: str


class LazyGroup(click.Group):
    """A group whose commands are imported when they are needed."""

    def __init__(self, lazy: Mapping[str, Lazy], **attributes: object) -> None:
        super().__init__(**attributes)  # type: ignore[arg-type]
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return None
        command: click.Command = getattr(import_module(self.lazy[cmd_name].module), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in self.lazy.items()])


COMMANDS = {
    "serve": Lazy("livethread.cli.serve", "Run the server."),
    "post": Lazy("livethread.cli.post", "Post a comment."),
    "tail": Lazy("livethread.cli.tail", "Follow rooms live."),
    "replay": Lazy("livethread.cli.replay", "Write all comments of a room as JSON lines."),
    "site": Lazy("livethread.cli.site", "Add, list, change and remove sites."),
    "issuer": Lazy("livethread.cli.issuer", "Say whose tokens a site believes: single sign-on."),
    "provider": Lazy(
        "livethread.cli.provider", "Let readers sign in elsewhere, by OpenID Connect."
    ),
    "role": Lazy("livethread.cli.role", "Give readers roles, whatever their tokens say."),
    "ban": Lazy("livethread.cli.ban", "Ban people from a site, as moderators do there."),
    "admin": Lazy("livethread.cli.admin", "Sign in those who run the place."),
    "person": Lazy("livethread.cli.person", "Hand out or erase what is kept of a person."),
    "bot": Lazy("livethread.cli.bot", "Create, list, rotate and revoke bots."),
    "backup": Lazy(
        "livethread.cli.backup", "Copy the database to FILE, whether a server runs or not."
    ),
    "restore": Lazy(
        "livethread.cli.backup",
        "Put the backup FILE in the database's place, while no server runs.",
    ),
    "doctor": Lazy("livethread.cli.doctor", "Check whether a server can run well here."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="livethread", prog_name="livethread")
def main() -> None:
    """Livethread: a self-hosted server for live discussions."""
    for stream in (sys.stdout, sys.stderr):
        # What a terminal's encoding can't show is escaped; it must not end the program.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
