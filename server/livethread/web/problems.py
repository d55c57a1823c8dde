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
from livethread.web.layout import document, page
from livethread.web.markup import element

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

    def __init__(self, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        super().__init__(to_json(problem), problem["status"], headers)
        self.problem = problem

    def as_page(self) -> Response:
        """The same for people."""
        title, status = self.problem["title"], self.problem["status"]
        response = page(
            document(
                title,
                element("p", str(status), class_="kicker"),
                element("h1", title),
                element("p", self.problem["detail"]),
                element("p", element("a", "To the start", href="/")),
            )
        )
        response.status_code = status
        for name, value in self.headers.items():
            if name not in ("content-length", "content-type"):
                response.headers[name] = value
        response.headers["Vary"] = "Accept"
        return response


def problem(error: LivethreadError | frames.Error) -> ProblemResponse:
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
) -> ProblemResponse:
    value = {
        "type": f"/docs#{code}",
        "title": title,
        "status": status.value,
        "detail": detail,
        "code": code,
    }
    value |= {name: given for name, given in more.items() if given is not None}
    all_headers = {"Cache-Control": "no-store", **(headers or {})}
    return ProblemResponse(value, all_headers)


# ── handlers, as FastAPI wants them ─────────────────────────────────────────────────────────────


async def on_error(_: Request, error: LivethreadError) -> ProblemResponse:
    return problem(error)


async def on_refused(_: Request, error: Refused) -> ProblemResponse:
    return problem(error.error)


async def on_body_left(_: Request, error: BodyLeft) -> ProblemResponse:
    response = problem(error.error)
    response.headers["Connection"] = "close"
    return response


async def on_cursor_lost(_: Request, error: CursorLost) -> ProblemResponse:
    return _document(
        RESET,
        HTTPStatus.GONE,
        "That cursor can't be continued.",
        "Read the room's comments again and go on from the cursor given here.",
        cursor=str(error.cursor),
    )


async def on_invalid(_: Request, error: RequestValidationError) -> ProblemResponse:
    """A path, query or header of the wrong form: the first fault, without repeating the input."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:])
    message = str(first["msg"]).removeprefix("Value error, ")
    status = STATUS[ErrorCode.BAD_FRAME]
    title = "This address does not have the form it needs."
    return _document(ErrorCode.BAD_FRAME, status, title, f"{field}: {message}", field=field)


async def on_http(_: Request, error: HTTPException) -> ProblemResponse:
    """What the framework itself refuses: no such page, no such method."""
    status = HTTPStatus(error.status_code)
    code = _CODES.get(status, ErrorCode.BAD_FRAME)
    detail = f"{status.description}." if error.detail == status.phrase else error.detail
    return _document(code, status, status.phrase, detail, error.headers)


async def on_failure(_: Request, __: Exception) -> ProblemResponse:
    """Whatever else: no detail leaves the server. ``shell.py`` logs it."""
    return problem(Internal())


Handler = Callable[[Request, Any], Coroutine[Any, Any, Response]]


def _shown(handler: Callable[..., Coroutine[Any, Any, ProblemResponse]]) -> Handler:
    async def show(request: Request, error: Any) -> Response:
        return shown_to(request, await handler(request, error))

    return show


def shown_to(request: Request, found: ProblemResponse) -> Response:
    """The problem as a page for whoever opened one; the API answers programs."""
    is_page = not request.url.path.startswith("/api/")
    return found.as_page() if is_page and accepts_html(request) else found


def accepts_html(request: Request) -> bool:
    """Whether HTML is asked for by name, as every browser does when it opens a page."""
    return "text/html" in request.headers.get("accept", "").lower()


_PROBLEMS: dict[type[Exception], Callable[..., Coroutine[Any, Any, ProblemResponse]]] = {
    LivethreadError: on_error,
    Refused: on_refused,
    BodyLeft: on_body_left,
    CursorLost: on_cursor_lost,
    RequestValidationError: on_invalid,
    HTTPException: on_http,
    Exception: on_failure,
}
HANDLERS: dict[int | type[Exception], Handler] = {
    kind: _shown(handler) for kind, handler in _PROBLEMS.items()
}
