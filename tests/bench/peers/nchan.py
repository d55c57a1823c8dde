"""Nchan: publish and subscribe in nginx, with its message buffer on, for those who come late."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.peers import install
from tests.bench.servers import Server, reserved_port, running

_CONFIGURATION = """\
load_module {module};
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {directory}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 16000; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    nchan_shared_memory_size 256M;
    nchan_message_buffer_length 1000;
    nchan_message_timeout 1h;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location ~ ^/live/(.+)$ {{
            nchan_subscriber websocket;
            nchan_subscriber_first_message newest;
            nchan_channel_id $1;
        }}
        location ~ ^/replay/(.+)$ {{
            nchan_subscriber websocket;
            nchan_subscriber_first_message oldest;
            nchan_channel_id $1;
        }}
        location ~ ^/post/(.+)$ {{
            nchan_publisher websocket;
            nchan_channel_id $1;
        }}
    }}
}}
"""


@contextmanager
def serving(directory: Path, core: int | None) -> Iterator[Server]:
    """One worker on the core; the master process only waits."""
    directory.mkdir(parents=True, exist_ok=True)
    with reserved_port() as port:
        path = directory / "nginx.conf"
        path.write_text(
            _CONFIGURATION.format(module=install.NCHAN_MODULE, directory=directory, port=port)
        )
        command: list[str | Path] = [install.nginx(), "-p", directory, "-c", path]
        with running(command, directory, core, port=port) as server:
            yield server
