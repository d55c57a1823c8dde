"""Every setting as a flag, made from ``Settings``: its description, default and variable."""

from __future__ import annotations

import os
import types
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import click
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import SettingsError

from livethread.settings import CONFIG_FILE, Settings

F = TypeVar("F", bound=Callable[..., Any])

ENV_PREFIX = "LIVETHREAD_"
CLIENT_VARIABLES = ("LIVETHREAD_SERVER", "LIVETHREAD_TOKEN")
"""What commands and bots that talk to a server read."""


def settings_flags(names: Iterable[str] | None = None) -> Callable[[F], F]:
    """Give a command ``--config`` and a flag for each of these settings, or for all."""
    chosen = list(Settings.model_fields) if names is None else list(names)

    def add(command: F) -> F:
        for name in reversed(chosen):
            command = _flag(name, Settings.model_fields[name])(command)
        return click.option(
            "--config",
            type=click.Path(path_type=Path, dir_okay=False),
            help=f"TOML file with settings.  [default: {CONFIG_FILE}, if there is one]",
        )(command)

    return add


def load_settings(config: Path | None, flags: dict[str, Any]) -> Settings:
    """The settings of flags, environment and file; a clear ``UsageError`` otherwise."""
    given = {name: value for name, value in flags.items() if value not in (None, ())}
    given = {name: list(v) if isinstance(v, tuple) else v for name, v in given.items()}
    try:
        return Settings.load(given, config)
    except ValidationError as error:
        raise click.UsageError("\n".join(_problem(one, given) for one in error.errors())) from error
    except SettingsError as error:
        name = str(error).partition('field "')[2].partition('"')[0]
        variable = f"{ENV_PREFIX}{name.upper()}"
        text = f'{variable}: write a list as JSON, such as ["one", "two"].'
        raise click.UsageError(text) from error
    except OSError as error:
        raise click.UsageError(f"{error.filename}: {error.strerror}.") from error
    except ValueError as error:  # no such file, or no TOML
        where = "" if config is None or str(config) in str(error) else f"{config}: "
        raise click.UsageError(f"{where}{error}.") from error


def unknown_variables() -> Iterator[tuple[str, str | None]]:
    """Variables that look like settings and are none, each with the nearest that there is."""
    for variable in sorted(os.environ):
        upper = variable.upper()  # their case does not matter
        name = upper.removeprefix(ENV_PREFIX).lower()
        is_meant = upper.startswith(ENV_PREFIX) and upper not in CLIENT_VARIABLES
        if is_meant and name not in Settings.model_fields:
            near = nearest(name, Settings.model_fields)
            yield variable, near and ENV_PREFIX + near.upper()


def nearest(name: str, known: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(name, list(known), n=1)), None)


def flag_name(name: str) -> str:
    return "--" + name.replace("_", "-")


def _flag(name: str, field: FieldInfo) -> Callable[[F], F]:
    kind = _without_none(field.annotation)
    flag = flag_name(name)
    options: dict[str, Any] = {"default": None, "help": _help(name, field)}
    if kind is bool:
        flag = f"{flag}/--no-{flag[2:]}"
    elif get_origin(kind) is list:
        options |= {"multiple": True, "type": str, "metavar": "TEXT"}
    elif get_origin(kind) is tuple:
        options |= {"nargs": len(get_args(kind)), "type": get_args(kind)[0]}
    elif get_origin(kind) is Literal:
        options["type"] = click.Choice(get_args(kind))
    elif kind is Path:
        options["type"] = click.Path()
    else:
        options["type"] = kind
    return click.option(flag, name, **options)


def _help(name: str, field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    if isinstance(default, list | tuple):
        shown = " ".join(map(str, default)) or "none"
    elif isinstance(default, bool):
        shown = "yes" if default else "no"
    else:
        shown = "none" if default in (None, "") else str(default)
    repeat = " May be repeated." if get_origin(field.annotation) is list else ""
    return f"{field.description}{repeat}  [{ENV_PREFIX}{name.upper()}; default: {shown}]"


def _without_none(annotation: Any) -> Any:
    """The type of a setting that may be absent."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next(one for one in get_args(annotation) if one is not type(None))
    return annotation


def _problem(error: Any, given: dict[str, Any]) -> str:
    """One line: where the value came from, as far as that is known, and what is wrong."""
    name = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        near = nearest(name, Settings.model_fields)
        return f"{name}: there is no such setting" + (f"; is it {near}?" if near else ".")
    message = error["msg"].removeprefix("Value error, ").rstrip(".")
    if not name:  # of several together: the message names them
        return f"{message}."
    where = flag_name(name) if name in given else f"{name} ({ENV_PREFIX}{name.upper()} or the file)"
    return f"{where}: {message}."
