"""The Python client of a Livethread server, and what bots are made of.

* :func:`connect` and :class:`Live`: a connection that comes back
* :class:`Room`: follow (``changes``), read (``page``, ``history``) and write (``post``, …)
* :class:`Snapshot` and :class:`Change`: what ``changes`` brings
* :class:`Bot`: handlers of comments with a memory
* errors: ``livethread.protocol.errors``
"""

from livethread.protocol.errors import LivethreadError
from livethread.protocol.frames import Ack, Author, Change, Comment
from livethread_client.bot import Bot
from livethread_client.following import Snapshot
from livethread_client.live import Live, connect
from livethread_client.room import Room

__all__ = [
    "Ack",
    "Author",
    "Bot",
    "Change",
    "Comment",
    "Live",
    "LivethreadError",
    "Room",
    "Snapshot",
    "connect",
]
