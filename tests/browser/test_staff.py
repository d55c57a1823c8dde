"""Staff in the thread: what is held is decided in place, at once, and can be undone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from playwright.sync_api import WebSocket, expect

from tests.browser.rooms import Place
from tests.serverprocess import UNLIMITED, ServerProcess, serving
from tests.system.operator import say

pytestmark = pytest.mark.browser

ISSUER = "https://login.example"
PATIENCE_S = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """With an issuer whose word it takes for who is staff."""
    with serving(tmp_path_factory.mktemp("staff"), **UNLIMITED) as server:
        yield server


@pytest.fixture(scope="module")
def secret(server: ServerProcess) -> str:
    """What the server's issuer signs with."""
    return say(server, "issuer", "add", ISSUER, "--algorithm", "HS256")


@pytest.fixture(scope="module")
def token(server: ServerProcess, secret: str) -> str:
    """Ana's, a moderator."""
    return person(server, secret, "Ana")


def person(server: ServerProcess, secret: str, name: str, role: str = "moderator") -> str:
    """A token that the server takes."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": "livethread",
        "sub": name,
        "name": name,
        "role": role,
        "iat": now,
        "exp": now + 600,
    }
    made = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret))
    deadline = time.monotonic() + PATIENCE_S
    headers = {"Authorization": f"Bearer {made}", "Origin": server.url}
    while httpx.get(f"{server.url}/api/v1/me", headers=headers).status_code != 200:
        assert time.monotonic() < deadline
    return made


def premoderate(server: ServerProcess, place: Place, token: str) -> None:
    configure(server, place, token, premoderate=True)


def configure(server: ServerProcess, place: Place, token: str, **settings: object) -> None:
    headers = {"Authorization": f"Bearer {token}", "Origin": server.url}
    url = f"{server.url}/api/v1/rooms/{place.room}"
    httpx.patch(url, json=settings, headers=headers).raise_for_status()


def test_what_is_held_is_approved_in_place_and_that_is_undone(
    place: Place, token: str, server: ServerProcess
) -> None:
    premoderate(server, place, token)
    ana, sent = place.reader(attributes={"token": token}), list[str]()

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: sent.append(str(frame)))

    ana.page.on("websocket", listen)
    ana.open()
    mara, jon = place.reader().open(), place.reader().open()
    mara.write("May I?", name="Mara")
    expect(mara.comment("May I?")).to_contain_text("Only you can see this.")
    held = ana.comment("May I?")
    expect(held).to_contain_text("Held:")
    held.get_by_role("button", name="Approve").click()
    jon.sees([("Mara: May I?", [])])
    expect(ana.page.locator("live-thread [role=status]")).to_have_text("Done.")
    (approval,) = [json.loads(frame) for frame in sent if '"approve"' in frame]
    assert "seq" in approval  # what was read, not what may stand there since
    held.get_by_role("button", name="Undo").click()
    expect(held.get_by_role("button", name="Reject")).to_be_visible()
    expect(jon.comment("May I?")).to_have_count(0)
    held.get_by_role("button", name="Reject").click()
    expect(ana.page.locator("live-thread .gone")).to_have_count(1)
    ana.page.get_by_role("button", name="Undo").click()
    expect(ana.comment("May I?")).to_be_attached()


def test_what_another_decides_is_told_in_place(
    place: Place, token: str, server: ServerProcess, secret: str
) -> None:
    premoderate(server, place, token)
    bob = place.reader(attributes={"token": person(server, secret, "Bob")}).open()
    ana = place.reader(attributes={"token": token}).open()
    held = place.writer("Mara").post("May I?")
    for reader in (ana, bob):
        expect(reader.comment("May I?")).to_contain_text("Held:")
    ana.comment("May I?").get_by_role("button", name="Approve").click()
    expect(bob.comment("May I?")).to_contain_text("Approved by \u2068Ana\u2069.")
    expect(ana.comment("May I?")).not_to_contain_text("Approved by")
    expect(bob.page.locator(f"live-thread #comment-{held} .note button")).to_have_count(0)


def test_readers_have_none_of_the_tools_and_do_not_load_them(
    place: Place, token: str, server: ServerProcess
) -> None:
    place.writer().post("Hello")
    loaded: list[str] = []
    for given in ({}, {"token": token}):
        reader = place.reader(attributes=given)
        reader.page.on("request", lambda request: loaded.append(request.url))
        reader.open()
        expect(reader.comment("Hello")).to_be_attached()
        if given:
            reader.choose("Hello", "Hide")
            expect(reader.page.get_by_role("button", name="Undo")).to_be_visible()
        else:
            assert not any("staff.js" in url for url in loaded)


def test_an_account_and_a_guest_at_one_browser_don_t_see_each_other_s_drafts(
    place: Place, token: str
) -> None:
    reader = place.reader().open()
    text = reader.page.locator("live-thread textarea")
    text.fill("A guest's")
    become = "token => document.querySelector('live-thread').token = token"
    reader.page.evaluate(become, token)
    text.focus()
    expect(reader.page.locator("live-thread .who")).to_contain_text("Ana")
    expect(text).to_have_value("")
    text.fill("Ana's")
    reader.page.evaluate(become, "")
    expect(text).to_have_value("A guest's")
    reader.page.evaluate(become, token)
    expect(text).to_have_value("Ana's")


def test_who_speaks_from_now_on_sees_what_of_theirs_is_held(
    place: Place, token: str, server: ServerProcess, secret: str
) -> None:
    place.writer().post("Shown")
    premoderate(server, place, token)
    ben, cy = (person(server, secret, name, "reader") for name in ("Ben", "Cy"))
    elsewhere = place.reader(attributes={"token": ben}).open()
    elsewhere.write("Ben's, held")
    expect(elsewhere.comment("Ben's, held")).to_contain_text("Only you can see this.")
    reader = place.reader(attributes={"token": cy}).open()
    reader.sees([("Ines: Shown", [])])
    reader.page.evaluate("token => document.querySelector('live-thread').token = token", ben)
    expect(reader.comment("Ben's, held")).to_contain_text("Only you can see this.")
    reader.sees([("Ben: Ben's, held", []), ("Ines: Shown", [])])
    configure(server, place, token, premoderate=False)
    place.writer("Tom").post("Later")
    reader.sees([("Tom: Later", []), ("Ben: Ben's, held", []), ("Ines: Shown", [])])


def test_what_a_room_takes_is_offered_and_nothing_else(
    place: Place, token: str, server: ServerProcess
) -> None:
    ines = place.writer()
    ines.ask("react", comment=ines.post("Praised"), reaction="like", on=True)
    reader = place.reader().open()
    reader.write("Passed over", name="Mara")
    expect(reader.comment("Passed over")).to_be_visible()  # it has come before the room is closed
    like = {text: reader.comment(text).locator(".like") for text in ("Praised", "Passed over")}
    configure(server, place, token, state="closed")
    expect(reader.page.get_by_role("button", name="Reply to")).to_have_count(0)
    like["Praised"].click()
    expect(like["Praised"]).to_have_text("2")
    configure(server, place, token, state="read_only")
    expect(like["Praised"]).to_be_disabled()
    expect(like["Praised"]).to_have_text("2")
    expect(like["Passed over"]).to_be_hidden()
    configure(server, place, token, state="open")
    expect(like["Praised"]).to_be_enabled()
    expect(like["Passed over"]).to_be_visible()
