"""Signing in: pages in a window that the comments open, on the server's own origin.

The last page hands the token to the page that opened the window, by ``postMessage`` to the exact
origin it was opened for; a page of another origin that opens these gets nothing. No cookie is set.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Query, Request
from pydantic_core import to_json
from starlette.responses import Response

from livethread.auth.links import MailLinks
from livethread.auth.sign_in import SignIn
from livethread.auth.sites import Call
from livethread.gateway import Gateway
from livethread.protocol.errors import Forbidden, LivethreadError, NotFound, Rejected, Unauthorized
from livethread.protocol.text import MAX_NAME_CHARS, clean_name
from livethread.site import DEFAULT, Person, Site
from livethread.web.caller import Address, AnyGateway, CalledSite, WholeBody, call_of
from livethread.web.layout import document
from livethread.web.markup import Html, element
from livethread.web.problems import STATUS
from livethread.web.rooms import answer

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # a form's Origin would be null without any
    "Cross-Origin-Opener-Policy": "unsafe-none",  # or the opener couldn't be told
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; require-trusted-types-for 'script'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'",
}

router = APIRouter(include_in_schema=False)


@router.get("/api/v1/sign-in")
async def ways(gateway: AnyGateway, site: CalledSite) -> Response:
    """How readers can sign in here; none means that there is no such window."""
    found = _sign_in(gateway).ways(gateway.services.directory.site(site or DEFAULT))
    return answer(to_json({"ways": found}), Cache_Control="private, max-age=60")


@router.get("/sign-in")
async def start(
    request: Request,
    gateway: AnyGateway,
    origin: Annotated[str, Query(max_length=300)],
    site: Annotated[str | None, Query(max_length=32)] = None,
) -> Response:
    """The window that a page of ``origin`` opens."""
    try:
        opened_by = _site(request, gateway, origin, site)
    except LivethreadError as error:
        return _refused(error)
    ways = _sign_in(gateway).ways(opened_by)
    if not ways:
        return _refused(NotFound("Nobody can sign in here."))
    return _page(*_choices(opened_by, origin, has_mail="mail" in ways))


@router.get("/sign-in/with/{key}")
async def go(
    key: str,
    request: Request,
    gateway: AnyGateway,
    origin: Annotated[str, Query(max_length=300)],
    site: Annotated[str | None, Query(max_length=32)] = None,
) -> Response:
    """Sends the reader to a provider."""
    try:
        opened_by = _site(request, gateway, origin, site)
        openid = _sign_in(gateway).openid
        url = await openid.start(opened_by, key, origin, _back_url(request, gateway))
    except LivethreadError as error:
        return _refused(error)
    return Response(None, HTTPStatus.SEE_OTHER, {**HEADERS, "Location": url})


@router.get("/sign-in/back")
async def come_back(
    request: Request,
    gateway: AnyGateway,
    state: Annotated[str, Query(max_length=2_000)] = "",
    code: Annotated[str, Query(max_length=2_000)] = "",
) -> Response:
    """Where a provider sends the reader. Who is new, and called as another is, chooses a name."""
    sign_in = _sign_in(gateway)
    try:
        if not code:
            raise Unauthorized("You are not signed in. Close this window and try again.")
        proof, origin = await sign_in.openid.finish(state, code, _back_url(request, gateway))
        name = await sign_in.registrar.name_of(proof)
        try:
            await sign_in.registrar.check(proof, _name(name))
        except Rejected as error:
            sealed = sign_in.seal(proof, origin)
            message = error.message if name else None
            return _page(*_name_form("/sign-in/name", sealed, name, message))
        person, token = await sign_in.registrar.register(proof, name)
    except LivethreadError as error:
        return _refused(error)
    return _signed_in(person, token, origin)


@router.post("/sign-in/name")
async def choose_name(request: Request, gateway: AnyGateway, body: WholeBody) -> Response:
    """Signs in who came back from a provider, under another name than it gave."""
    given, sign_in = _fields(body), _sign_in(gateway)
    sealed, name = given.get("token", ""), given.get("name", "")
    try:
        _require_own_page(request, gateway)
        proof, origin = sign_in.unseal(sealed)
        try:
            name = _name(name)
            await sign_in.registrar.check(proof, name)
        except Rejected as error:
            form = _name_form("/sign-in/name", sealed, name, error.message)
            return _page(*form, status=HTTPStatus.BAD_REQUEST)
        person, token = await sign_in.registrar.register(proof, name)
    except LivethreadError as error:
        return _refused(error)
    return _signed_in(person, token, origin)


@router.post("/sign-in/mail")
async def ask_for_link(
    request: Request, gateway: AnyGateway, address: Address, body: WholeBody
) -> Response:
    """Mails a link; the answer is the same whether anybody has that address."""
    given = _fields(body)
    origin = given.get("origin", "")
    try:
        _require_own_page(request, gateway)
        site = _site(request, gateway, origin, given.get("site"))
        links = _links(gateway)
        url = f"{gateway.settings.public_url.rstrip('/')}/sign-in/link?token="
        try:
            await links.ask(site, given.get("email", ""), address, url)
        except Rejected as error:
            form = _choices(site, origin, error.message, has_mail=True)
            return _page(*form, status=HTTPStatus.BAD_REQUEST)
    except LivethreadError as error:
        return _refused(error)
    return _page(
        element("h1", "Look into your mail"),
        element(
            "p", "We have sent you a link. Open it in this browser, and keep this window open."
        ),
        element("p", "Nothing came? It may be among the spam, or the address has a mistake."),
        element("div", id="sign-in", data_site=site.key, data_origin=origin),
    )


@router.get("/sign-in/link")
async def open_link(gateway: AnyGateway, token: Annotated[str, Query(max_length=100)]) -> Response:
    """What the mail leads to. It uses nothing up: programs that look into mails come here, too."""
    try:
        name = await _links(gateway).name_behind(token)
    except LivethreadError as error:
        return _refused(error)
    return _page(*_name_form("/sign-in/link", token, name))


@router.post("/sign-in/link")
async def use_link(request: Request, gateway: AnyGateway, body: WholeBody) -> Response:
    """Signs in; the page tells the window that waits in the same browser."""
    given = _fields(body)
    secret, name = given.get("token", ""), given.get("name", "")
    try:
        _require_own_page(request, gateway)
        try:
            person, token = await _links(gateway).use(secret, _name(name))
        except Rejected as error:
            form = _name_form("/sign-in/link", secret, name, error.message)
            return _page(*form, status=HTTPStatus.BAD_REQUEST)
    except LivethreadError as error:
        return _refused(error)
    return _signed_in(person, token)


def _site(request: Request, gateway: Gateway, origin: str, key: str | None) -> Site:
    """The site of the page that opened the window. Raises ``Forbidden``."""
    call = call_of(request.scope)
    found = gateway.services.directory.sites.of(
        Call([origin], call.hosts, call.is_tls, key or None)
    )
    if found is None:
        raise Forbidden("This page may not use this server.")
    return found


def _require_own_page(request: Request, gateway: Gateway) -> None:
    """Raises ``Forbidden`` for a form of somebody else's."""
    if not gateway.services.directory.sites.is_own(call_of(request.scope)):
        raise Forbidden("This form is not ours.")


def _back_url(request: Request, gateway: Gateway) -> str:
    base = gateway.settings.public_url or str(request.base_url)
    return f"{base.rstrip('/')}/sign-in/back"


def _sign_in(gateway: Gateway) -> SignIn:
    found = gateway.services.sign_in
    assert found is not None, "a server has one"
    return found


def _links(gateway: Gateway) -> MailLinks:
    links = _sign_in(gateway).links
    if links is None:
        raise NotFound("Nobody can sign in here by mail.")
    return links


def _fields(body: bytes) -> dict[str, str]:
    """A form's fields (application/x-www-form-urlencoded)."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20))
    except ValueError as error:
        raise Rejected("This form can't be read.") from error


def _name(text: str) -> str:
    try:
        return clean_name(text)
    except ValueError as error:
        raise Rejected(str(error), field="name") from error


def _choices(
    site: Site, origin: str, error: str | None = None, *, has_mail: bool
) -> tuple[Html | None, ...]:
    query = urlencode({"site": site.key, "origin": origin})
    return (
        element("p", site.name or "Comments", class_="kicker"),
        element("h1", "Sign in"),
        _error(error),
        *(
            element(
                "p",
                element(
                    "a",
                    f"Continue with {provider.label}",
                    class_="button",
                    href=f"/sign-in/with/{provider.key}?{query}",
                ),
            )
            for provider in site.providers
        ),
        _mail_form(site, origin) if has_mail else None,
    )


def _mail_form(site: Site, origin: str) -> Html:
    address = element(
        "input",
        id="email",
        name="email",
        type="email",
        autocomplete="email",
        maxlength=254,
        required=True,
    )
    return element(
        "form",
        element("input", type="hidden", name="site", value=site.key),
        element("input", type="hidden", name="origin", value=origin),
        element("label", "Mail address", for_="email"),
        address,
        element("button", "Send me a link", type="submit"),
        element("p", "No password. Your address is shown to nobody.", class_="note"),
        method="post",
        action="/sign-in/mail",
    )


def _name_form(
    action: str, token: str, name: str, error: str | None = None
) -> tuple[Html | None, ...]:
    field = element(
        "input",
        id="name",
        name="name",
        value=name,
        autocomplete="nickname",
        maxlength=MAX_NAME_CHARS,
        required=True,
    )
    return (
        element("h1", "Sign in"),
        _error(error),
        element(
            "form",
            element("input", type="hidden", name="token", value=token),
            element("label", "Name shown beside your comments", for_="name"),
            field,
            element("button", "Sign in", type="submit"),
            method="post",
            action=action,
        ),
    )


def _signed_in(person: Person, token: str, origin: str | None = None) -> Response:
    """The last page. ``origin`` is the opener's; without one a window waits that knows it."""
    return _page(
        element("h1", "You are signed in"),
        element("p", "You can close this page and go back to the comments."),
        element("div", id="sign-in", data_site=person.site, data_origin=origin, data_token=token),
    )


def _error(message: str | None) -> Html | None:
    return None if message is None else element("p", message, class_="error", role="alert")


def _page(*content: Html | None, status: int = HTTPStatus.OK) -> Response:
    script = element("script", type="module", src="/static/sign-in.js")
    body = document("Sign in", *content, head=script)
    return Response(body, status, HEADERS, media_type="text/html")


def _refused(error: LivethreadError) -> Response:
    said = _error(error.message)
    return _page(element("h1", "That didn't work"), said, status=STATUS[error.code])
