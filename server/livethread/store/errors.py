"""Why data can't be used: the path, what is wrong with it and what to do."""

from __future__ import annotations

from pathlib import Path


class DataError(Exception):
    """Something about files that the operator has to mend; shown as it is."""

    def __init__(self, path: Path | str, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.path = path
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}\n{self.remedy}"


class StartError(DataError):
    """The program can't start on this data."""
