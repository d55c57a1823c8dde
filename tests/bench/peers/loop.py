"""What one writes first: a set of sockets a room, and a loop that awaits a send to each of them.

Starlette under uvicorn as it comes, but for keepalive pings, which nothing here answers.
"""

from __future__ import annotations

import socket
from collections import defaultdict

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

rooms: defaultdict[str, set[WebSocket]] = defaultdict(set)


async def talk(websocket: WebSocket) -> None:
    """``join ROOM``, or ``post`` and then any number of ``ROOM PAYLOAD``."""
    await websocket.accept()
    command, _, room = (await websocket.receive_text()).partition(" ")
    try:
        if command == "join":
            rooms[room].add(websocket)
            await websocket.send_text(
                f'{{"type":"joined","room":{{"name":"{room}"}},"cursor":"x.0"}}'
            )
            await websocket.receive_text()
        async for message in websocket.iter_text():
            name, _, payload = message.partition(" ")
            for reader in list(rooms[name]):
                await reader.send_text(payload)
    except WebSocketDisconnect:
        pass
    finally:
        rooms[room].discard(websocket)


def main() -> None:
    """Serve on a free port, said on standard output, until SIGTERM."""
    config = uvicorn.Config(
        Starlette(routes=[WebSocketRoute("/ws", talk)]),
        log_level="error",
        access_log=False,
        ws_ping_interval=None,
        timeout_graceful_shutdown=1,
    )
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
        print(f"listens on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
