"""Which ends are final, and by which error they are known."""

from __future__ import annotations

import errno
import ssl

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidMessage, InvalidStatus, InvalidURI
from websockets.frames import Close
from websockets.http11 import Response

from livethread.protocol.errors import CloseCode, TokenExpired, Unauthorized
from livethread_client.losses import loss_of_closing, loss_of_opening

URL = "http://a.example"


@pytest.mark.parametrize("code", [code for code in CloseCode if not code.is_final])
def test_the_server_says_come_back(code: CloseCode) -> None:
    assert not loss_of_closing(ConnectionClosedError(Close(code, ""), None), None).is_final


@pytest.mark.parametrize("code", [*(code for code in CloseCode if code.is_final), 4999])
def test_the_server_says_do_not(code: int) -> None:
    loss = loss_of_closing(ConnectionClosedError(Close(code, ""), None), None)
    assert loss.is_final
    assert loss.error.message


def test_a_connection_cut_is_taken_up_again() -> None:
    assert not loss_of_closing(ConnectionClosedError(None, None), None).is_final


def test_what_the_server_said_before_is_the_error() -> None:
    said = Unauthorized("This bot's token is not valid.")
    closed = ConnectionClosedError(Close(CloseCode.BAD_TOKEN, ""), None)
    assert loss_of_closing(closed, said).error is said


def test_an_expired_token_does_not_come_back_although_its_code_says_so() -> None:
    closed = ConnectionClosedError(Close(CloseCode.TOKEN_EXPIRED, ""), None)
    assert loss_of_closing(closed, TokenExpired()).is_final


def test_a_frame_over_the_client_s_own_bound_is_final() -> None:
    closed = ConnectionClosedError(None, Close(CloseCode.TOO_BIG, ""))
    assert loss_of_closing(closed, None).is_final


@pytest.mark.parametrize(
    ("status", "is_final", "code"),
    [
        (403, True, "forbidden"),
        (404, True, "not_found"),
        (200, True, "not_found"),
        (429, False, "unavailable"),
        (502, False, "unavailable"),
        (503, False, "unavailable"),
    ],
)
def test_refused_handshakes(status: int, is_final: bool, code: str) -> None:
    loss = loss_of_opening(URL, InvalidStatus(Response(status, "", Headers())))
    assert (loss.is_final, loss.error.code) == (is_final, code)


def test_a_server_that_is_away_is_waited_for() -> None:
    refused = OSError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1)")
    assert not loss_of_opening(URL, refused).is_final
    assert "refused" in str(loss_of_opening(URL, refused).error)
    assert not loss_of_opening(URL, TimeoutError()).is_final
    assert not loss_of_opening(URL, InvalidMessage("cut off")).is_final


def test_a_wrong_certificate_or_address_is_final() -> None:
    assert loss_of_opening(URL, ssl.SSLCertVerificationError()).is_final
    assert loss_of_opening(URL, InvalidURI(URL, "no")).is_final
