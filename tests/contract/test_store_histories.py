"""Random histories: a batch does what its writes would have done one by one, on every back-end."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, Literal, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livethread.model import (
    Audience,
    CommentId,
    Committed,
    Outcome,
    Page,
    PageRequest,
    RoomName,
    Write,
)
from livethread.protocol.errors import NotFound
from livethread.store.base import Store
from tests.contract.conftest import STORES
from tests.contract.making import (
    MARA,
    MOD,
    T0,
    TOM,
    configure,
    delete,
    edit,
    moderate,
    post,
    react,
    report,
)
from tests.contract.memory_store import MemoryStore

Order = Literal["newest", "oldest", "best"]
ROOMS = (RoomName("a"), RoomName("b"))

ids = st.integers(1, 6)
nonces = st.none() | st.sampled_from(["nonce-one", "nonce-two"])
how = st.fixed_dictionaries(
    {
        "room": st.sampled_from(ROOMS),
        "author": st.sampled_from([MARA, TOM, MOD]),
        "now": st.integers(0, 20).map(lambda s: T0 + s * 1000),
    }
)
by_staff = st.fixed_dictionaries({"room": st.sampled_from(ROOMS)})
words = st.sampled_from(["one", "two"])
maybe = st.none() | st.booleans()
writes: st.SearchStrategy[Write] = st.one_of(
    st.builds(lambda b, p, n, h: post(b, p, nonce=n, **h), words, st.none() | ids, nonces, how),
    st.builds(lambda i, b, n, h: edit(i, b, nonce=n, **h), ids, words, nonces, how),
    st.builds(lambda i, n, h: delete(i, nonce=n, **h), ids, nonces, how),
    st.builds(lambda i, r, on, h: react(i, r, on, **h), ids, words, st.booleans(), how),
    st.builds(lambda i, h: report(i, **h), ids, how),
    st.builds(
        lambda i, a, n, h: moderate(i, a, nonce=n, **h),
        ids,
        st.sampled_from(["approve", "reject", "hide", "restore", "pin", "unpin"]),
        nonces,
        by_staff,
    ),
    st.builds(
        lambda s, slow, p, t, h: configure(s, slow, p, t, **h),
        st.sampled_from([None, "open", "closed"]),
        st.sampled_from([None, 0, 5]),
        maybe,
        st.sampled_from([None, "", "T"]),
        by_staff,
    ),
)


def said(outcome: Outcome) -> Any:
    """An outcome without what differs between two databases."""
    if not isinstance(outcome, Committed):
        return type(outcome), outcome.field, outcome.retry_after_ms
    change = outcome.change and (outcome.change.seq, outcome.change.comment)
    return without_epoch(outcome.room), outcome.seq, outcome.comment, change, outcome.is_duplicate


def without_epoch(room: Any) -> Any:
    return replace(room, epoch="")


def without_seals(page: Page) -> tuple[str, dict[int, str]]:
    """The places in a page's tokens: their seals are of the room's epoch."""
    return (page.next or "")[4:], {root: token[4:] for root, token in page.more.items()}


async def everything(store: Store) -> Iterator[Any]:
    """All that can be read."""
    found: list[Any] = [await store.counts(ROOMS)]
    for room in ROOMS:
        found.append(without_epoch(await store.room(room)))
        found.extend([await store.held_by(room, author.id) for author in (MARA, TOM, MOD)])
        for since in (0, 3):
            for limit in (2, 100):
                part = await store.changes(room, since, limit=limit)
                found.append((part.from_seq, part.to_seq))
                found.extend((change.seq, change.comment) for change in part.changes)
        for audience in Audience:
            for order, max_bytes in product(get_args(Order), (1, 700, 10**6)):
                request = PageRequest(room, None, None, 2, order, 1, audience, max_bytes)
                while True:
                    page = await store.page(request)
                    found.append((page.comments, *without_seals(page)))
                    if page.next is None:
                        break
                    request = replace(request, after=page.next)
        for comment, max_bytes in product(range(1, 9), (1, 700, 10**6)):
            request = PageRequest(room, limit=2, replies=1, max_bytes=max_bytes)
            try:
                page = await store.page(replace(request, comment=CommentId(comment)))
            except NotFound as error:
                found.append(error.field)
            else:
                found.append((page.comments, *without_seals(page)))
    return iter(found)


async def compare(store: Store, batches: Sequence[Sequence[Write]]) -> None:
    model = MemoryStore()
    for batch in batches:
        expected = [(await model.commit([write]))[0] for write in batch]
        outcomes = await store.commit(batch)
        assert [said(outcome) for outcome in outcomes] == [said(one) for one in expected]
    assert list(await everything(store)) == list(await everything(model))


@pytest.mark.parametrize("factory", STORES.values(), ids=STORES.keys())
@settings(max_examples=60)
@given(batches=st.lists(st.lists(writes, min_size=1, max_size=10), max_size=6))
def test_a_batch_does_what_its_writes_do_one_by_one(
    factory: Any, batches: list[list[Write]]
) -> None:
    async def run() -> None:
        with tempfile.TemporaryDirectory() as directory:
            store = await factory(Path(directory)).open()
            try:
                await compare(store, batches)
            finally:
                await store.close()

    asyncio.run(run())
