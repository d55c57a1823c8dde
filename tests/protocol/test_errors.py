from __future__ import annotations

import pytest

from livethread.protocol.errors import CloseCode, ErrorCode, Internal, LivethreadError, error_for


def kinds() -> list[type[LivethreadError]]:
    return LivethreadError.__subclasses__()


def test_every_code_has_one_class_and_a_sentence_of_its_own() -> None:
    assert sorted(kind.code for kind in kinds()) == sorted(ErrorCode)
    for kind in kinds():
        error = kind()
        assert error.message == kind.sentence
        assert str(error) == f"{kind.code}: {kind.sentence}"
        assert error_for(kind.code) is kind


def test_an_unknown_code_is_internal() -> None:
    assert error_for("of a later version") is Internal


@pytest.mark.parametrize("code", list(CloseCode))
def test_close_codes_say_by_their_number_whether_to_come_back(code: CloseCode) -> None:
    assert code.is_final == (code >= 4500)
    assert code < 2000 or 4000 <= code < 5000
