"""Refusals and failures as problem documents (RFC 9457); the only place that knows a status.

``code`` is the websocket's: a client needs one table of errors for both. One code is HTTP's own,
``reset``, the name of the frame that says the same: the cursor can't be continued.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from livethread.protocol import frames
from livethread.protocol.cursor import Cursor
from livethread.protocol.errors import ErrorCode, Internal, LivethreadError, error_for

RESET = "reset"

STATUS: Mapping[ErrorCode, HTTPStatus] = MappingProxyType(
    {
        ErrorCode.BAD_JSON: HTTPStatus.BAD_REQUEST,
        ErrorCode.BAD_FRAME: HTTPStatus.UNPROCESSABLE_ENTITY,
        ErrorCode.UNKNOWN_TYPE: HTTPStatus.BAD_REQUEST,
        ErrorCode.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        ErrorCode.UNAUTHORIZED: HTTPStatus.UNAUTHORIZED,
        ErrorCode.TOKEN_EXPIRED: HTTPStatus.UNAUTHORIZED,
        ErrorCode.FORBIDDEN: HTTPStatus.FORBIDDEN,
        ErrorCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
        ErrorCode.CONFLICT: HTTPStatus.CONFLICT,
        ErrorCode.CLOSED: HTTPStatus.FORBIDDEN,
        ErrorCode.HELD_OFF: HTTPStatus.TOO_MANY_REQUESTS,
        ErrorCode.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
        ErrorCode.BANNED: HTTPStatus.FORBIDDEN,
        ErrorCode.REJECTED: HTTPStatus.UNPROCESSABLE_ENTITY,
        ErrorCode.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
        ErrorCode.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    }
)

_CODES = {HTTPStatus.NOT_FOUND: ErrorCode.NOT_FOUND, HTTPStatus.FORBIDDEN: ErrorCode.FORBIDDEN}


class Refused(Exception):
    """A session answered a request's command with an ``error`` frame."""

    def __init__(self, error: frames.Error) -> None:
        super().__init__(error.code)
        self.error = error


class BodyLeft(Exception):
    """A request's body was not read to its end: the connection can't be used again."""

    def __init__(self, error: LivethreadError) -> None:
        super().__init__(error.message)
        self.error = error


class CursorLost(Exception):
    """The client's cursor is of another history, or ahead of this one; ``cursor`` is the head's."""

    def __init__(self, cursor: Cursor) -> None:
        super().__init__(str(cursor))
        self.cursor = cursor


class ProblemResponse(Response):
    media_type = "application/problem+json"


def problem(error: LivethreadError | frames.Error) -> Response:
    """The document of an error, with ``Retry-After`` and ``WWW-Authenticate`` where they apply."""
    status = STATUS[error.code]
    headers = {}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after_ms is not None:
        headers["Retry-After"] = str(-(-error.retry_after_ms // 1000))
    return _document(
        error.code.value,
        status,
        error_for(error.code).sentence,
        error.message,
        headers,
        retry_after_ms=error.retry_after_ms,
        field=error.field,
    )


def _document(
    code: str,
    status: HTTPStatus,
    title: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    value = {
        "type": f"/docs#{code}",
        "title": title,
        "status": status.value,
        "detail": detail,
        "code": code,
    }
    value |= {name: given for name, given in more.items() if given is not None}
    all_headers = {"Cache-Control": "no-store", **(headers or {})}
    return ProblemResponse(to_json(value), status, all_headers)


# ── handlers, as FastAPI wants them ─────────────────────────────────────────────────────────────


async def on_error(_: Request, error: LivethreadError) -> Response:
    return problem(error)


async def on_refused(_: Request, error: Refused) -> Response:
    return problem(error.error)


async def on_body_left(_: Request, error: BodyLeft) -> Response:
    response = problem(error.error)
    response.headers["Connection"] = "close"
    return response


async def on_cursor_lost(_: Request, error: CursorLost) -> Response:
    return _document(
        RESET,
        HTTPStatus.GONE,
        "That cursor can't be continued.",
        "Read the room's comments again and go on from the cursor given here.",
        cursor=str(error.cursor),
    )


async def on_invalid(_: Request, error: RequestValidationError) -> Response:
    """A path, query or header of the wrong form: the first fault, without repeating the input."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:])
    message = str(first["msg"]).removeprefix("Value error, ")
    status = STATUS[ErrorCode.BAD_FRAME]
    title = "The request does not have the form it needs."
    return _document(ErrorCode.BAD_FRAME, status, title, f"{field}: {message}", field=field)


async def on_http(_: Request, error: HTTPException) -> Response:
    """What the framework itself refuses: no such page, no such method."""
    status = HTTPStatus(error.status_code)
    code = _CODES.get(status, ErrorCode.BAD_FRAME)
    return _document(code, status, status.phrase, f"{status.description}.", error.headers)


async def on_failure(_: Request, __: Exception) -> Response:
    """Whatever else: no detail leaves the server. ``shell.py`` logs it."""
    return problem(Internal())


HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    LivethreadError: on_error,
    Refused: on_refused,
    BodyLeft: on_body_left,
    CursorLost: on_cursor_lost,
    RequestValidationError: on_invalid,
    HTTPException: on_http,
    Exception: on_failure,
}
