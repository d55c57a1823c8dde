"""A real OpenID Connect provider, from a package, made to insist on PKCE.

Authlib, which it is made of, checks the code verifier (RFC 7636); the package leaves that out.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from authlib.oauth2.rfc7636 import CodeChallenge

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of Authlib, that a part of it has moved
    import oidc_provider_mock
    from authlib.integrations import flask_oauth2
    from oidc_provider_mock import _app


class Kept(CodeChallenge):  # type: ignore[misc]
    """Knows the challenge of a code; the package's codes have no place for it."""

    def __init__(self) -> None:
        super().__init__(required=True)
        self._challenges: dict[str, str] = {}

    def __call__(self, grant: Any) -> None:
        super().__call__(grant)
        save = grant.save_authorization_code

        def save_with_challenge(code: str, request: Any) -> Any:
            self._challenges[code] = request.payload.data["code_challenge"]
            return save(code, request)

        grant.save_authorization_code = save_with_challenge

    def get_authorization_code_challenge(self, authorization_code: Any) -> str:
        return self._challenges[authorization_code.code]

    def get_authorization_code_challenge_method(self, authorization_code: Any) -> str:
        return "S256"


@contextmanager
def a_provider(monkeypatch: pytest.MonkeyPatch, **users: dict[str, str]) -> Iterator[str]:
    """Its address; ``users`` are claims by subject."""
    register = flask_oauth2.AuthorizationServer.register_grant
    kept = Kept()

    def register_with_pkce(server: Any, grant: Any, extensions: Any = None) -> None:
        if grant is _app.AuthorizationCodeGrant:
            extensions = [*(extensions or ()), kept]
        register(server, grant, extensions)

    monkeypatch.setattr(flask_oauth2.AuthorizationServer, "register_grant", register_with_pkce)
    known = [oidc_provider_mock.User(sub=sub, claims=claims) for sub, claims in users.items()]
    with (
        warnings.catch_warnings(),
        oidc_provider_mock.run_server_in_thread(require_nonce=True, user_claims=known) as server,
    ):
        warnings.simplefilter("ignore")
        yield f"http://localhost:{server.server_port}"
