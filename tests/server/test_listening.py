from __future__ import annotations

import errno
import os
import socket

import pytest

from livethread.listening import problem_of, remedy_for, url_of


@pytest.mark.parametrize(
    ("address", "is_tls", "url"),
    [
        ("127.0.0.1", False, "http://127.0.0.1:8080"),
        ("192.0.2.1", True, "https://192.0.2.1:8080"),
        ("2001:db8::1", False, "http://[2001:db8::1]:8080"),
        ("0.0.0.0", False, "http://127.0.0.1:8080"),
        ("::", False, "http://[::1]:8080"),
    ],
)
def test_the_address_told_is_one_that_can_be_opened(address: str, is_tls: bool, url: str) -> None:
    assert url_of(address, 8080, is_tls=is_tls) == url


@pytest.mark.parametrize(
    ("error", "problem", "remedy"),
    [
        (OSError(errno.EADDRINUSE, "x"), os.strerror(errno.EADDRINUSE), "--port"),
        (OSError(errno.EADDRNOTAVAIL, "x"), os.strerror(errno.EADDRNOTAVAIL), "--host"),
        (OSError(errno.EACCES, "x"), os.strerror(errno.EACCES), "--port"),
        (socket.gaierror(socket.EAI_NONAME, "No such name"), "No such name", "--host"),
    ],
)
def test_the_remedy_is_for_what_is_wrong(error: OSError, problem: str, remedy: str) -> None:
    assert problem_of(error) == problem
    assert remedy in remedy_for(error)
    assert ("--port" in remedy_for(error)) != ("--host" in remedy_for(error))
