"""Who calls, from where, with what: the parts of a request that endpoints ask for."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import ValidationError
from starlette.datastructures import Headers, QueryParams
from starlette.types import Scope

from livethread.auth.limits import source_of
from livethread.auth.sites import Call
from livethread.gateway import Gateway
from livethread.protocol import commands
from livethread.protocol.codec import decode_object
from livethread.protocol.errors import BadFrame, TooLarge, Unauthorized
from livethread.session import VERSION
from livethread.web.exchange import Exchange
from livethread.web.problems import BodyLeft

BEARER = HTTPBearer(
    auto_error=False, scheme_name="token", description="A guest's or a bot's token."
)


def client_address(gateway: Gateway, scope: Scope) -> str:
    """The client's address, by the same policy as the websocket's."""
    peer = scope["client"][0] if scope.get("client") else ""
    forwarded = ", ".join(Headers(scope=scope).getlist("x-forwarded-for")) or None
    return gateway.services.proxies.client_address(peer, forwarded)


async def gateway_of(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


async def address_of(request: Request, gateway: AnyGateway) -> str:
    """What the caller is counted as."""
    return source_of(client_address(gateway, request.scope))


AnyGateway = Annotated[Gateway, Depends(gateway_of)]
Address = Annotated[str, Depends(address_of)]
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]


def call_of(scope: Scope) -> Call:
    """What a request says of where it comes from."""
    headers = Headers(scope=scope)
    named = QueryParams(scope["query_string"]).get("site") if scope["query_string"] else None
    is_tls = scope["scheme"] == "https"
    return Call(headers.getlist("origin"), headers.getlist("host"), is_tls, named)


async def site_of(
    request: Request,
    gateway: AnyGateway,
    site: Annotated[
        str | None, Query(description="the site's key, if neither Origin nor token name it")
    ] = None,
) -> str | None:
    """The key of the site that is called; None where nothing names one. Raises ``Forbidden``."""
    found = gateway.services.directory.sites.of(call_of(request.scope))
    return None if found is None else found.key


CalledSite = Annotated[str | None, Depends(site_of)]


async def visitor(gateway: AnyGateway, address: Address, site: CalledSite) -> Exchange:
    """Someone who opens a page: anonymous whatever they send, for a page is kept and shared."""
    exchange = Exchange(gateway, address, site, has_origin=True)
    await exchange.hello(_hello(None))
    return exchange


async def reader(
    gateway: AnyGateway, address: Address, site: CalledSite, credentials: Credentials
) -> Exchange:
    """Someone who reads. Browsers send no Origin when they read from their page's own host."""
    exchange = Exchange(gateway, address, site, has_origin=True)
    await exchange.hello(_hello(credentials))
    return exchange


async def speaker(
    request: Request,
    gateway: AnyGateway,
    address: Address,
    site: CalledSite,
    credentials: Credentials,
) -> Exchange:
    """Someone who changes something. The gate has checked the Origin; without one, bots only."""
    exchange = Exchange(gateway, address, site, has_origin="origin" in request.headers)
    await exchange.hello(_hello(credentials))
    return exchange


def _hello(credentials: HTTPAuthorizationCredentials | None) -> commands.Hello:
    token = None if credentials is None else credentials.credentials
    try:
        return commands.Hello(version=VERSION, token=token)
    except ValidationError as error:
        raise Unauthorized("This sign-in is not valid here.") from error


async def whole_body(request: Request, gateway: AnyGateway) -> bytes:
    """The body, bounded while it is read, in size and in time.

    Raises ``BodyLeft`` if it is too large or doesn't arrive in time.
    """
    most = gateway.settings.max_frame_bytes
    data = bytearray()
    try:
        async with asyncio.timeout(gateway.settings.hello_deadline_s):
            async for chunk in request.stream():
                data += chunk
                if len(data) > most:
                    raise BodyLeft(TooLarge(f"A request's body has at most {most} bytes."))
    except TimeoutError as error:
        raise BodyLeft(BadFrame("The body did not arrive in time.")) from error
    return bytes(data)


WholeBody = Annotated[bytes, Depends(whole_body)]


async def json_body(body: WholeBody) -> dict[str, Any]:
    """The body as a JSON object. Raises ``BadJson`` and ``BodyLeft``."""
    return decode_object(body, max_bytes=len(body))


Visitor = Annotated[Exchange, Depends(visitor)]
Reader = Annotated[Exchange, Depends(reader)]
Speaker = Annotated[Exchange, Depends(speaker)]
JsonBody = Annotated[dict[str, Any], Depends(json_body)]
