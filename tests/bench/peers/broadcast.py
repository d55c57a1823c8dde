"""What Livethread is measured against: rooms on ``websockets.broadcast``, and nothing else.

uvloop, no keepalive, no compression unless the argument is ``deflate``: as quick as the library
goes. The first message is ``join ROOM`` or ``post``; a poster's next ones are ``ROOM PAYLOAD``, and
the room gets the payload.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

_DEFLATE = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True,  # otherwise each connection keeps a compressor
    server_max_window_bits=12,  # as the library chooses by itself
    client_max_window_bits=12,
    compress_settings={"memLevel": 5},
)


async def main() -> None:
    """Serve on a free port, said on standard output, until SIGTERM."""
    rooms: dict[bytes, set[ServerConnection]] = {}

    async def handle(connection: ServerConnection) -> None:
        first = await connection.recv(decode=False)
        command, _, room = first.partition(b" ")
        if command == b"join":
            readers = rooms.setdefault(room, set())
            readers.add(connection)
            name = room.decode()
            await connection.send(f'{{"type":"joined","room":{{"name":"{name}"}},"cursor":"x.0"}}')
            await connection.wait_closed()
            readers.discard(connection)
            return
        async for message in connection:
            name, _, payload = str(message).partition(" ")
            broadcast(rooms.get(name.encode(), ()), payload)

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with serve(
        handle,
        "127.0.0.1",
        0,
        compression=None,
        extensions=[_DEFLATE] if "deflate" in sys.argv else None,
        ping_interval=None,
        open_timeout=None,  # whoever finds the kernel's queue full at first comes late
        close_timeout=1,
        backlog=4096,
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        print(f"listens on http://127.0.0.1:{port}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    uvloop.run(main())
