"""Where something between reader and server blocks websockets: the same thread over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from tests.browser.reader import Reader, Tree
from tests.browser.wall import Events, walled
from tests.browser.writing import fill, room_of
from tests.serverprocess import ServerProcess

pytestmark = pytest.mark.browser

NewReader = Callable[..., Reader]


def behind(wall: str, new_reader: NewReader) -> tuple[Reader, list[str]]:
    """A reader who comes that way, and what the page asks for."""
    reader, asked = new_reader(), list[str]()
    reader.url = wall + urlsplit(reader.url).path
    reader.expect_outage()
    reader.page.on("request", lambda request: asked.append(request.url))
    return reader, asked


@pytest.mark.parametrize("events", ["pass", "refused", "swallowed"])
def test_a_reader_without_websockets_reads_writes_and_is_told(
    server: ServerProcess, url: str, new_reader: NewReader, events: Events
) -> None:
    fill(server.url, room_of(url), [("Before", None)])
    with walled(server.url, events) as wall:
        blocked, asked = behind(wall, new_reader)
        blocked.open().write("From behind a wall", name="Mara")
        other = new_reader().open()
        other.reply("From behind a wall", "I hear you", name="Jon")
        tree: Tree = [("Mara: From behind a wall", [("Jon: I hear you", [])]), ("Ines: Before", [])]
        blocked.sees(tree)
        other.sees(tree)
        blocked.page.close()
    paths = {url.partition("?")[0].rpartition("/")[2] for url in asked if "/api/" in url}
    assert ("changes" in paths) == (events != "pass")
    assert "comments" in paths
    assert not [url for url in asked if "token" in url], "a token never goes into an address"


def test_a_restarted_server_is_found_again_over_http(
    own_server: ServerProcess, url: str, new_reader: NewReader
) -> None:
    with walled(own_server.url) as wall:
        blocked, _ = behind(wall, new_reader)
        blocked.open().write("Before", name="Mara")
        blocked.sees([("Mara: Before", [])])
        own_server.kill()
        blocked.sees_state("reconnecting")
        own_server.start()
        fill(own_server.url, room_of(url), [("While away", None)])
        blocked.sees_state("live")
        blocked.sees([("Ines: While away", []), ("Mara: Before", [])])
        blocked.write("After")
        blocked.sees([("Mara: After", []), ("Ines: While away", []), ("Mara: Before", [])])
        blocked.page.close()
