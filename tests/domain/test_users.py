"""Goal: a user id names one person, to the machine and to the eye."""

import pytest

from pixr.domain.errors import Malformed
from pixr.domain.users import check_user_id


@pytest.mark.parametrize("user_id", ["a", "a" * 128, "ünïcode-用户", "a/../b", "x y", "auth0|1"])
def test_a_user_id_is_taken_exactly_as_given(user_id: str) -> None:
    assert check_user_id(user_id) == user_id


@pytest.mark.parametrize(
    "user_id", ["", "a" * 129, "a\x00", "a\nb", "\x7f", "\x9f", "\ud800", None, 7, ["alice"]]
)
def test_a_user_id_that_cannot_be_told_apart_is_refused(user_id: object) -> None:
    with pytest.raises(Malformed, match="sub"):
        check_user_id(user_id)
