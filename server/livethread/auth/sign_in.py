"""The ways to sign in here, for readers whose site has none of its own."""

from __future__ import annotations

from livethread.auth.links import MailLinks
from livethread.auth.openid import OpenId
from livethread.auth.registrar import Proof, Registrar
from livethread.auth.signing import Signer
from livethread.site import Site
from livethread.value import value

PROOF_S = 900


@value
class SignIn:
    """``links`` is None where no mail can be sent."""

    links: MailLinks | None
    openid: OpenId
    registrar: Registrar
    signer: Signer

    def ways(self, site: Site) -> list[str]:
        """What a site's readers may choose from: ``mail``, and the keys of its providers."""
        mail = [] if self.links is None else ["mail"]
        return mail + [provider.key for provider in site.providers]

    def seal(self, proof: Proof, origin: str) -> str:
        """A proof to come back with, once a name is chosen."""
        said = {
            "site": proof.site,
            "by": proof.issuer,
            "sub": proof.subject,
            "avatar": proof.avatar,
            "origin": origin,
        }
        return self.signer.seal("proof", said, PROOF_S)

    def unseal(self, sealed: str) -> tuple[Proof, str]:
        """The proof, and the origin of the page that is to be told.

        Raises ``Unauthorized`` and ``TokenExpired``.
        """
        said = self.signer.unseal("proof", sealed)
        proof = Proof(said["site"], said["by"], said["sub"], "", said["avatar"])
        return proof, said["origin"]

    async def close(self) -> None:
        """Let go of the mail that waits."""
        if self.links is not None:
            await self.links.close()
