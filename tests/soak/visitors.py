"""Those who come once: readers, guests, the rude and the broken, and those who speak HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tests.soak.site import Site
from tests.system.peer import CLOSE, PING, Ended, Peer, closing, command, frame, upgrade

ROOMS = tuple(f"churn/{number}" for number in range(4))


async def look_around(site: Site) -> None:
    """Join, page, leave, join what nobody else reads, say goodbye."""
    peer = await site.enter(client="soak/1")
    with closing(peer):
        for room in (*site.random.sample(ROOMS, 2), f"once/{site.visits}"):
            await peer.say(type="join", room=room)
            await peer.hear("joined")
        await peer.say(type="page", room=ROOMS[0], limit=5, order="newest")
        await peer.hear("page", "error")
        await peer.say(type="leave", room=ROOMS[0])
        await peer.hear("left")
        await peer.send(frame(b"still there?", PING) + frame(b"\x03\xe8bye", CLOSE))
        await peer.ended()


async def write_as_guest(site: Site) -> None:
    """All that one can do to a comment; gone with a RST."""
    peer = await site.enter(guest={"name": f"Guest {site.visits}"})
    room, nonce = site.random.choice(ROOMS), f"visit-{site.visits:08}"
    with closing(peer):
        await peer.say(type="post", room=room, nonce=nonce, body="- *so*\n- it goes")
        own = {"room": room, "comment": (await peer.hear("ack"))["comment"]["id"]}
        await peer.say(type="edit", **own, nonce=nonce + "-e", body="> it went")
        await peer.say(type="react", **own, reaction="like", on=True)
        await peer.say(type="report", **own, reason="spam")
        await peer.say(type="delete", **own, nonce=nonce + "-d")
        for _ in range(4):
            await peer.hear("ack", "error")
        peer.reset()


async def renew(site: Site) -> None:
    """One connection, three identities, a room followed all the time; gone with a FIN."""
    peer = await site.enter()
    with closing(peer):
        await peer.say(type="join", room=ROOMS[1])
        for wish in ({"guest": {"name": f"Again {site.visits}"}}, {"token": site.token}):
            await peer.say(type="renew", **wish)
            await peer.hear("welcome")


async def leave_amid_answers(site: Site) -> None:
    """Ask for much and be gone before the answers are made."""
    peer = await site.enter(token=site.token)
    with closing(peer):
        asked = [command(type="join", room=room, since="0") for room in ROOMS]
        asked += [command(type="page", room=room, limit=100) for room in ROOMS]
        post = {"type": "post", "room": ROOMS[2], "body": "not waited for"}
        await peer.send(b"".join(asked) + command(**post, nonce=f"gone-{site.visits:08}"))
        peer.reset()


async def say_nothing(site: Site) -> None:
    """No hello: the server ends it."""
    peer = await Peer.open(site.port, source=site.source())
    with closing(peer):
        await peer.ended()


async def break_off(site: Site) -> None:
    """Half a request, or half a frame; gone with a FIN."""
    peer = await Peer.dial(site.port, source=site.source())
    with closing(peer):
        if site.random.random() < 0.5:
            await peer.send(upgrade(site.port)[:-7])
        else:
            await peer.upgrade(site.port)
            await peer.send(command(type="hello", version=1) + frame(b"x" * 10_000)[:700])


async def break_rules(site: Site) -> None:
    """Bad JSON, an unknown type, bad UTF-8: the server ends it."""
    peer = await site.enter()
    with closing(peer):
        await peer.send(frame(b"{") + command(type="what") + frame(b"\xff"))
        await peer.ended()


async def read_over_http(site: Site) -> None:
    """A page, a feed, what there isn't, and a long poll that is given up."""
    room = site.random.choice(ROOMS)
    for path in (f"/api/v1/rooms/{room}/comments", f"/feeds/{room}", "/none"):
        await _get(site, path, whole=True)
    await _get(site, f"/api/v1/rooms/{room}/changes?wait=20", whole=False)


async def follow_events(site: Site) -> None:
    """Server-sent events, for a moment."""
    await _get(site, f"/api/v1/rooms/{site.random.choice(site.rooms)}/events", whole=False)


async def post_over_http(site: Site) -> None:
    body = json.dumps({"body": "by HTTP"})
    fields = {
        "Authorization": f"Bearer {site.token}",
        "Idempotency-Key": f"http-{site.visits:08}",
        "Content-Type": "application/json",
    }
    await _get(
        site, f"/api/v1/rooms/{ROOMS[3]}/comments", whole=True, method="POST", body=body, **fields
    )


VISITS: tuple[Callable[[Site], Awaitable[None]], ...] = (
    look_around,
    write_as_guest,
    renew,
    leave_amid_answers,
    say_nothing,
    break_off,
    break_rules,
    read_over_http,
    follow_events,
    post_over_http,
)


async def visit(site: Site, kind: Callable[[Site], Awaitable[None]]) -> None:
    """One visit. Only a typed refusal or an end that was asked for may come of it."""
    site.visits += 1
    try:
        async with asyncio.timeout(60):
            await kind(site)
    except (OSError, Ended, AssertionError, KeyError) as error:
        site.accuse(f"{kind.__name__}: {error!r}")


async def _get(
    site: Site, path: str, *, whole: bool, method: str = "GET", body: str = "", **fields: str
) -> None:
    """One request of its own connection; read to the end, or given up after the first bytes."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", site.port, local_addr=(site.source(), 0)
    )
    given = {"Host": "127.0.0.1", "Connection": "close", "Content-Length": len(body)} | fields
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    try:
        writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n{body}".encode())
        if whole:
            answer = await reader.read()
            status = int(answer.split(b" ", 2)[1])
            if status >= 500:
                site.accuse(f"{method} {path}: {status}")
        else:
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.read(100), 0.5)
    finally:
        writer.close()
