"""Every setting: name, default and one line of help; docs and ``--help`` are made of this.

A value comes from, in this order: a command-line flag, the environment (``LIVETHREAD_PORT``), the
TOML file (``port = 8080``), the default.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from livethread.site import clean_origin
from livethread.webhook import check_url, key_of_secret

CONFIG_FILE = Path("livethread.toml")

_NOT_SHOWN = (
    "secret",
    "smtp_url",
    "mail_from",
    "hook_url",
    "hook_secret",
    "database_url",
    "host",
    "trusted_proxies",
    "metrics_networks",
)


class Settings(BaseSettings):
    """The whole configuration of one server process. ``0`` lifts a rate or a connection bound."""

    model_config = SettingsConfigDict(
        env_prefix="LIVETHREAD_", extra="forbid", frozen=True, validate_default=True
    )

    # where
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 for any free one.")
    public_url: str = Field(
        "", description="The server's own address as readers see it, if a proxy stands before it."
    )
    data_dir: Path = Field(Path("var"), description="Directory for the database and the secret.")
    database_url: str = Field(
        "", description="sqlite:///PATH; empty means livethread.db in the data directory."
    )
    tls_cert: Path | None = Field(None, description="PEM file with the certificate chain.")
    tls_key: Path | None = Field(None, description="PEM file with the certificate's private key.")
    secret: str = Field(
        "",
        description="Key that signs guest tokens, 32 bytes or more; empty means one is kept in the "
        "data directory.",
    )
    static_dir: Path | None = Field(None, description="Browser files, if not the built-in ones.")

    # who
    origins: list[str] = Field(
        default_factory=list,
        description="Sites that may embed the comments, such as https://news.example; the "
        "server's own origin always may.",
    )
    trusted_proxies: list[str] = Field(
        default_factory=list,
        description="Addresses or networks whose X-Forwarded-For is believed.",
    )
    metrics_networks: list[str] = Field(
        ["127.0.0.0/8", "::1/128"],
        description="Addresses or networks that may read /metrics.",
    )
    guests: bool = Field(True, description="Whether readers may comment under a name they give.")
    guest_token_days: int = Field(365, ge=1, description="How long a guest stays the same person.")
    reader_token_days: int = Field(
        30, ge=1, description="How long a reader who signed in here stays signed in."
    )
    smtp_url: str = Field(
        "",
        description="Mail server that sends sign-in links, smtp://USER:PASSWORD@HOST:587 or "
        "smtps://…; empty means that nobody signs in by mail.",
    )
    mail_from: str = Field("", description="Sender of its mail, such as comments@news.example.")
    hook_url: str = Field(
        "",
        description="Address that is asked about comments which wait for a judgement (the filter "
        "`judge_s`), on sites without a hook of their own; empty means none is.",
    )
    hook_secret: str = Field(
        "", description="Key that signs what it is asked: `whsec_` and 24 bytes or more in base64."
    )
    reserved_names: list[str] = Field(
        default_factory=list, description="Names that no guest may take, nor anything like them."
    )
    reactions: list[str] = Field(["like"], description="Reactions that readers may give.")
    negative_reactions: list[str] = Field(
        default_factory=list,
        description="Those of them that count against a comment in the order `best`, from the next"
        " reaction to it on.",
    )

    # what a comment may be
    max_body_chars: int = Field(5_000, ge=1, le=20_000, description="Characters in a comment.")
    edit_window_s: int = Field(900, ge=0, description="How long an author may edit a comment.")
    page_roots: int = Field(20, ge=1, le=100, description="Threads in the first page.")
    page_replies: int = Field(20, ge=1, le=100, description="Replies shown below each of them.")
    page_bytes: int = Field(
        262_144,
        ge=1_024,
        description="About the largest page of comments: it ends earlier, after one at least.",
    )

    # frames and connections
    max_frame_bytes: int = Field(16_384, ge=1_024, description="Largest frame from a client.")
    max_fragments: int = Field(64, ge=1, description="Pieces a client may cut one frame into.")
    max_connections: int = Field(20_000, ge=1, description="Sockets in this process.")
    max_connections_per_address: int = Field(500, ge=0, description="Sockets from one address.")
    max_connections_per_identity: int = Field(
        20, ge=0, description="Sockets of one guest, reader or bot."
    )
    max_subscriptions: int = Field(64, ge=1, description="Rooms followed over one socket.")
    max_in_flight: int = Field(256, ge=1, description="Unanswered commands of one socket.")
    request_deadline_s: float = Field(
        8, gt=0, description="Time for an HTTP request, a websocket's first one too, to arrive."
    )
    hello_deadline_s: float = Field(5, gt=0, description="Time until the first frame must come.")
    heartbeat_s: float = Field(25, gt=0, description="Interval of the server's heartbeat.")
    silence_s: float = Field(60, gt=0, description="A client silent for so long is closed.")
    stall_s: float = Field(
        15, gt=0, description="A client that takes no bytes for so long is closed."
    )
    write_buffer_bytes: int = Field(
        65_536,
        ge=4_096,
        description="Unsent bytes after which a socket is skipped until it drains.",
    )
    compression: bool = Field(True, description="Offer permessage-deflate, shared by all readers.")
    compress_min_bytes: int = Field(512, ge=0, description="Smaller frames are sent as they are.")
    drain_s: float = Field(10, ge=0, description="Longest orderly shutdown.")
    reconnect_window_ms: tuple[int, int] = Field(
        (500, 5_000), description="Clients come back within this window after a restart."
    )

    # rates, per second and at once
    command_rate: float = Field(20, ge=0, description="Commands a second of one socket.")
    command_burst: int = Field(100, ge=1, description="Commands at once of one socket.")
    flood_commands: int = Field(
        500, ge=1, description="Refused commands in a row after which a socket is closed."
    )
    post_rate: float = Field(0.2, ge=0, description="Writes a second of one identity.")
    post_burst: int = Field(10, ge=1, description="Writes at once of one identity.")
    address_post_rate: float = Field(1, ge=0, description="Writes a second from one address.")
    address_post_burst: int = Field(30, ge=1, description="Writes at once from one address.")
    bot_post_rate: float = Field(10, ge=0, description="Writes a second of one bot.")
    bot_post_burst: int = Field(50, ge=1, description="Writes at once of one bot.")
    guest_rate: float = Field(0.05, ge=0, description="New guests a second from one address.")
    guest_burst: int = Field(20, ge=1, description="New guests at once from one address.")
    mail_rate: float = Field(
        0.02, ge=0, description="Sign-in links a second asked for from one address."
    )
    mail_burst: int = Field(10, ge=1, description="Sign-in links at once from one address.")
    mailbox_rate: float = Field(0.002, ge=0, description="Sign-in links a second to one mailbox.")
    mailbox_burst: int = Field(3, ge=1, description="Sign-in links at once to one mailbox.")
    http_rate: float = Field(50, ge=0, description="API requests a second from one address.")
    http_burst: int = Field(200, ge=1, description="API requests at once from one address.")

    # feeds
    resume_changes: int = Field(
        2_000, ge=1, description="Changes a client may be behind and still be caught up."
    )
    resume_bytes: int = Field(524_288, ge=1_024, description="The same in bytes, when joining.")
    ring_entries: int = Field(1_024, ge=16, description="Recent changes kept in memory, a room.")
    ring_bytes: int = Field(262_144, ge=4_096, description="The same in bytes.")
    snapshots_bytes: int = Field(
        33_554_432,
        ge=0,
        description="First pages kept in memory for those who join, of all rooms together.",
    )
    changes_frame_bytes: int = Field(65_536, ge=4_096, description="Changes in one frame, bytes.")
    replay_changes: int = Field(200, ge=10, description="Changes read from the database at once.")
    slice_sinks: int = Field(256, ge=16, description="Sockets written to before others get a turn.")
    room_idle_s: float = Field(60, gt=0, description="A room nobody follows leaves memory then.")
    presence_s: float = Field(5, ge=0, description="Interval of reader counts; 0 for none.")
    long_poll_s: float = Field(25, gt=0, description="Longest wait of a long poll.")

    # commits
    commit_batch: int = Field(256, ge=1, description="Writes in one transaction.")
    commit_queue: int = Field(2_000, ge=1, description="Writes waiting; more are refused.")
    commit_company_ms: float = Field(
        2, ge=0, description="Longest wait for company of a write on a busy server."
    )
    busy_timeout_s: float = Field(5, ge=0, description="Longest wait for a locked database.")
    readers: int = Field(4, ge=1, le=64, description="Connections that read the database.")
    startup_check_mb: int = Field(
        256, ge=0, description="Databases up to this size are checked for damage at start."
    )

    # logs
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe event that is logged."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="auto: for people on a terminal, JSON lines elsewhere."
    )

    @field_validator("database_url")
    @classmethod
    def _only_sqlite(cls, value: str) -> str:
        if value and not value.startswith("sqlite:///"):
            raise ValueError("only sqlite:///PATH works in this version")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_mail_server(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("smtp", "smtps") or not parts.hostname):
            raise ValueError("it is not like smtp://user:password@mail.example:587")
        return value

    @model_validator(mode="after")
    def _mail_has_a_sender(self) -> Settings:
        if self.smtp_url and not (self.mail_from and self.public_url):
            raise ValueError("smtp_url needs mail_from, and public_url for the links in the mail")
        return self

    @model_validator(mode="after")
    def _hook_has_a_secret(self) -> Settings:
        if self.hook_url:
            for name, check in (("hook_url", check_url), ("hook_secret", key_of_secret)):
                try:
                    check(getattr(self, name))
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from error
        return self

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, value: list[str]) -> list[str]:
        return [clean_origin(origin) for origin in value]

    @field_validator("trusted_proxies", "metrics_networks")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        for network in value:
            ipaddress.ip_network(network, strict=False)  # its ValueError names it
        return value

    @property
    def database_path(self) -> Path:
        if self.database_url:
            return Path(self.database_url.removeprefix("sqlite:///"))
        return self.data_dir / "livethread.db"

    def shown(self) -> dict[str, Any]:
        """The database, and what differs from the defaults, without secrets and addresses."""
        changed = self.model_dump(mode="json", exclude_defaults=True, exclude=set(_NOT_SHOWN))
        return {"database": str(self.database_path), "settings": changed}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings

    @classmethod
    def load(cls, flags: dict[str, Any] | None = None, file: Path | None = None) -> Settings:
        """Settings from flags, environment and file. Raises ``ValueError`` naming what is wrong."""
        path = file or (CONFIG_FILE if CONFIG_FILE.is_file() else None)
        if path is not None and not path.is_file():
            raise ValueError(f"{path}: there is no such file")

        class WithFile(cls):  # type: ignore[valid-type, misc]
            @classmethod
            def settings_customise_sources(
                cls, settings_cls: type[BaseSettings], *args: Any, **sources: Any
            ) -> tuple[PydanticBaseSettingsSource, ...]:
                toml = TomlConfigSettingsSource(settings_cls, path)
                return sources["init_settings"], sources["env_settings"], toml

        kind: type[Settings] = WithFile if path is not None else cls
        return kind(**(flags or {}))
