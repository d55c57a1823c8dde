"""What the commands that talk to a server share: their options, and how they end."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

import click

from livethread.protocol.errors import LivethreadError

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_SERVER = "http://127.0.0.1:8080"


def server_option(command: F) -> F:
    return click.option(
        "--server",
        envvar="LIVETHREAD_SERVER",
        default=DEFAULT_SERVER,
        show_default=True,
        show_envvar=True,
        metavar="URL",
        help="Address of the server.",
    )(command)


def token_option(command: F) -> F:
    return click.option(
        "--token",
        envvar="LIVETHREAD_TOKEN",
        show_envvar=True,
        help="A bot's, reader's or guest's token. (Other users of this machine can see a flag's "
        "value; they can't see a variable's.)",
    )(command)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end. Errors become one line and exit code 1; SIGINT and SIGTERM 130 and 143."""
    received: list[int] = []

    async def interruptible() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def end(number: int) -> None:
            received.append(number)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, end, number)
        await work

    try:
        asyncio.run(interruptible())
    except asyncio.CancelledError:
        sys.exit(128 + (received[0] if received else signal.SIGINT))
    except BaseExceptionGroup as group:
        _end(group.exceptions[0])
    except (LivethreadError, ValueError) as error:
        _end(error)


def _end(error: BaseException) -> NoReturn:
    if isinstance(error, LivethreadError):
        raise click.ClickException(error.message) from error
    if isinstance(error, ValueError):
        raise click.ClickException(str(error)) from error
    raise error
