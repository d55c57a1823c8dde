"""What holds a comment or refuses it: a site's filters, and what a room has otherwise."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import re2
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

MAX_PATTERN_SIZE = 1_000
"""Instructions of a pattern's program. The time it takes is some ns times that, a character."""

_OPTIONS = re2.Options()
_OPTIONS.case_sensitive = False
_OPTIONS.max_mem = 1 << 20
_OPTIONS.log_errors = False


def compiled(pattern: str) -> Any:
    """The pattern as RE2 has it: it takes linear time on any text. Raises ``ValueError``."""
    try:
        made = re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        raise ValueError("not a pattern that RE2 takes") from error
    if made.programsize > MAX_PATTERN_SIZE:
        raise ValueError("the pattern is too large")
    return made


def _checked(pattern: str) -> str:
    compiled(pattern)
    return pattern


def _as_in_links(host: str) -> str:
    return host.strip(".").encode("idna").decode()  # its UnicodeError is a ValueError


Term = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Host = Annotated[
    str,
    StringConstraints(to_lower=True, min_length=1, max_length=253, pattern=r"^[^\s/:@.][^\s/:@]*$"),
    AfterValidator(_as_in_links),
]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_checked)]
Terms = Annotated[tuple[Term, ...], Field(max_length=1_000)]
Hosts = Annotated[tuple[Host, ...], Field(max_length=1_000)]
Patterns = Annotated[tuple[Pattern, ...], Field(max_length=50)]


class Filters(BaseModel):
    """One site's or room's filters; what a room leaves out is as its site says.

    They are for readers and guests: staff, bots and trusted readers pass.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hold_all: bool | None = Field(None, description="every comment waits")
    hold_guests: bool | None = Field(None, description="every guest's comment waits")
    hold_first: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None, description="an author's comments wait until so many were shown"
    )
    hold_new_s: Annotated[int, Field(ge=0, le=31_536_000)] | None = Field(
        None,
        description="comments of who was first here less than that ago wait, in seconds",
    )
    max_links: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None, description="a comment with more links waits"
    )
    allow_hosts: Hosts | None = Field(
        None, description="a link elsewhere waits; subdomains are meant, too"
    )
    deny_hosts: Hosts | None = Field(None, description="a link there is refused")
    hold_words: Terms | None = Field(
        None, description="words and phrases; `spam*` is whatever begins so"
    )
    refuse_words: Terms | None = Field(None, description="the same, but refused at once")
    hold_patterns: Patterns | None = Field(
        None, description="regular expressions as RE2 takes them, without regard to case"
    )
    max_repeats: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description="the same text more often than that within ten minutes waits"
    )
    max_a_minute: Annotated[int, Field(ge=1, le=1_000)] | None = Field(
        None, description="more comments of one author in a minute wait"
    )
    judge_s: Annotated[int, Field(ge=0, le=86_400)] | None = Field(
        None, description="a comment that nothing else holds waits so long for a moderation bot"
    )
    judge_default: Literal["approve", "hold"] | None = Field(
        None, description="what is done when no judgement came: `approve` if absent"
    )
    hold_at_reports: Annotated[int, Field(ge=0, le=100)] | None = Field(
        None, description="so many readers' reports hold a comment; 0: none do"
    )

    def over(self, site: Filters) -> Filters:
        """These filters where they say something, else the site's."""
        return site.model_copy(update=self.model_dump(exclude_none=True))
