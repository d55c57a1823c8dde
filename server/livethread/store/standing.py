"""Reads what operators said of sites, and keeps the people whom issuers vouch for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, delete, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from livethread.model import BotToken, Role, RoomName
from livethread.protocol.errors import Unauthorized
from livethread.protocol.lookalikes import skeleton
from livethread.site import (
    Ban,
    Endpoint,
    Issuer,
    Link,
    Person,
    Provider,
    Restriction,
    Site,
    Standing,
)
from livethread.store.person import ERASED_KEY
from livethread.store.schema import (
    bans,
    bots,
    erased,
    filters,
    installation,
    issuers,
    links,
    people,
    providers,
    restrictions,
    roles,
    sites,
)

VERSION_KEY = "standing"
"""Its row counts the changes; whoever changes any of these tables adds one in the transaction."""


_KEPT = frozenset({"site", "id", "issuer", "subject", "since_ms"})
RISE = f"""
INSERT INTO installation (key, value) VALUES ('{VERSION_KEY}', '1')
ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(installation.value AS INTEGER) + 1 AS TEXT)
"""


async def read_version(connection: AsyncConnection) -> int:
    return await _read_number(connection, VERSION_KEY)


async def _read_number(connection: AsyncConnection, key: str) -> int:
    query = select(installation.c.value).where(installation.c.key == key)
    return int((await connection.execute(query)).scalar() or 0)


async def read_standing(connection: AsyncConnection) -> Standing:
    """All of it; the caller's transaction makes it one moment's."""
    believed: dict[str, list[Issuer]] = {}
    for row in await connection.execute(select(issuers).order_by(issuers.c.name)):
        keys = tuple(json.dumps(key) for key in json.loads(row.keys))
        issuer = Issuer(row.name, row.audience, row.algorithm, keys, row.jwks_url)
        believed.setdefault(row.site, []).append(issuer)
    found = {row.key: _site(row) for row in await connection.execute(select(sites))}
    offered: dict[str, list[Provider]] = {}
    for row in await connection.execute(select(providers).order_by(providers.c.key)):
        offered.setdefault(row.site, []).append(Provider(*row[1:]))
    for key in believed.keys() | offered.keys():
        site = found.get(key) or Site(key)
        found[key] = replace(
            site,
            issuers=tuple(believed.get(key, ())),
            providers=tuple(offered.get(key, ())),
        )
    given = await connection.execute(select(roles))
    banned = await connection.execute(select(bans))
    restricted: dict[tuple[str, str], tuple[Restriction, ...]] = {}
    for row in await connection.execute(select(restrictions)):
        room = RoomName(row.room) if row.room else None
        restriction = Restriction(row.kind, room, row.until_ms)
        place = row.site, row.person
        restricted[place] = (*restricted.get(place, ()), restriction)
    filtered = await connection.execute(select(filters))
    c = people.c
    above = select(c.site, c.id, c.role).where(c.role != Role.READER.value)
    spoken = await connection.execute(above)
    return Standing(
        version=await read_version(connection),
        sites=found,
        roles={(row.site, row.person): Role(row.role) for row in given},
        bans={(row.site, row.person): Ban(*row) for row in banned},
        bots={bot.id: bot for bot in await read_bots(connection)},
        restrictions=restricted,
        filters={row.room: row.filters for row in filtered},
        erasures=await _read_number(connection, ERASED_KEY),
        erased={row.mark: row.at_s for row in await connection.execute(select(erased))},
        spoken={(row.site, row.id): Role(row.role) for row in spoken},
    )


def _site(row: Row[Any]) -> Site:
    hook = Endpoint(row.hook_url, row.hook_secret) if row.hook_url else None
    return Site(row.key, row.name, tuple(row.origins.split()), row.guests, hook=hook)


async def read_bots(connection: AsyncConnection, id: str | None = None) -> list[BotToken]:
    query = select(bots).order_by(bots.c.name)
    rows = await connection.execute(query if id is None else query.where(bots.c.id == id))
    return [
        BotToken(
            id=row.id,
            name=row.name,
            digest=row.digest,
            scopes=frozenset(row.scopes.split()),
            rooms=row.rooms,
            created_ms=row.created_ms,
            is_revoked=row.is_revoked,
            site=row.site,
        )
        for row in rows
    ]


async def read_person(
    connection: AsyncConnection, site: str, issuer: str, subject: str
) -> Person | None:
    c = people.c
    query = select(
        c.site, c.id, c.issuer, c.subject, c.name, c.avatar, c.role, c.issued_s, c.since_ms
    )
    query = query.where(c.site == site, c.issuer == issuer, c.subject == subject)
    row = (await connection.execute(query)).first()
    return None if row is None else Person(*row[:6], Role(row.role), *row[7:])


async def is_name_of_a_person(
    connection: AsyncConnection, site: str, name: str, but_for: str | None
) -> bool:
    """Whether someone else registered has that name, or one that looks like it."""
    c = people.c
    query = select(func.count()).where(c.site == site, c.skeleton == skeleton(name))
    if but_for is not None:
        query = query.where(c.id != but_for)
    return bool((await connection.execute(query)).scalar())


async def read_link(connection: AsyncConnection, digest: str) -> Link | None:
    c = links.c
    query = select(c.digest, c.site, c.email, c.expires_ms).where(c.digest == digest)
    row = (await connection.execute(query)).first()
    return None if row is None else Link(*row)


async def write_link(connection: AsyncConnection, link: Link) -> None:
    row = {"digest": link.digest, "site": link.site, "email": link.email, "name": ""}
    await connection.execute(insert(links).values(**row, expires_ms=link.expires_ms))


async def take_link(connection: AsyncConnection, digest: str) -> bool:
    return (await connection.execute(delete(links).where(links.c.digest == digest))).rowcount > 0


async def forget_links(connection: AsyncConnection, now_ms: int) -> None:
    await connection.execute(delete(links).where(links.c.expires_ms <= now_ms))


async def write_person(connection: AsyncConnection, person: Person, mark: str) -> Person:
    """Keep what was said last; returns that. Another role than before is news to every server.

    Raises ``Unauthorized`` if who has that mark was erased since.
    """
    query = select(erased.c.at_s).where(erased.c.mark == mark)
    erased_s = (await connection.execute(query)).scalar()
    if erased_s is not None and person.issued_s <= erased_s:
        raise Unauthorized("This sign-in is not valid here any more.")
    who = person.site, person.issuer, person.subject
    before = await read_person(connection, *who)
    row = {
        "site": person.site,
        "id": person.id,
        "issuer": person.issuer,
        "subject": person.subject,
        "name": person.name,
        "skeleton": skeleton(person.name),
        "avatar": person.avatar,
        "role": person.role.value,
        "issued_s": person.issued_s,
        "since_ms": person.since_ms,
    }
    added = insert(people).values(row)
    newer = added.on_conflict_do_update(
        index_elements=["site", "issuer", "subject"],
        set_={name: added.excluded[name] for name in row if name not in _KEPT},
        where=added.excluded.issued_s > people.c.issued_s,
    )
    await connection.execute(newer)
    kept = await read_person(connection, *who) or person
    if kept.role is not (Role.READER if before is None else before.role):
        await connection.exec_driver_sql(RISE)
    return kept
