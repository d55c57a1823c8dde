"""The HTTP side: the protocol for what can't hold a websocket, pages without JavaScript, files.

``app.py`` composes it. A request passes ``shell.py`` (headers of every answer, failures) and
``gate.py`` (Origin, CORS, rate), then meets an endpoint. An endpoint speaks through
``exchange.py``, a ``Session`` for the length of one request: the rules are the websocket's.
"""
