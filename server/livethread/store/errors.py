"""Why a database can't be used at start: the path, what is wrong with it and what to do."""

from __future__ import annotations

from pathlib import Path


class StartError(Exception):
    """The program can't start on this data; shown to the operator as it is."""

    def __init__(self, path: Path | str, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.path = path
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}\n{self.remedy}"
