"""Decides on comments that wait, asked by the server over HTTP: what has a bad word is rejected.

    export LIVETHREAD_HOOK_SECRET=whsec_$(openssl rand -base64 32)
    livethread serve --hook-url http://127.0.0.1:9000/
    python examples/hook.py 9000 casino

Behind a web server it can stand on another machine; a signature that is wrong or older than five
minutes is refused.
"""

# ruff: noqa: INP001

from __future__ import annotations

import base64
import hmac
import json
import os
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ.get("LIVETHREAD_HOOK_SECRET", "")


def is_genuine(headers: Mapping[str, str], body: bytes, secret: str = SECRET) -> bool:
    """Whether the server said this, just now."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    mac = hmac.digest(key, f"{id}.{at}.".encode() + body, "sha256")
    given = headers.get("webhook-signature", "").removeprefix("v1,")
    is_new = at.isdigit() and abs(time.time() - int(at)) < 300
    return is_new and hmac.compare_digest(given, base64.b64encode(mac).decode())


class Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if not is_genuine(self.headers, body):
            self.send_error(401)
            return
        words = json.loads(body)["comment"]["body"].lower()
        bad = next((word for word in sys.argv[2:] if word in words), None)
        decision = {"action": "reject", "reason": f"has {bad!r}"} if bad else {"action": "approve"}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(decision).encode())


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Hook).serve_forever()
