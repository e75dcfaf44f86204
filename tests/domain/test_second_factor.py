"""Goal: guessing does not pay, and a recovery code is read however a person writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.domain.second_factor import (
    FAILURES_MAX,
    FAILURES_PER_DAY_MAX,
    LOCK,
    LONG_LOCK,
    RECOVERY_CODE_BYTES,
    lock_after,
    read_recovery_code,
    recovery_digest,
    write_recovery_code,
)

CHANCES = st.binary(min_size=RECOVERY_CODE_BYTES, max_size=RECOVERY_CODE_BYTES)


def test_the_fifth_wrong_code_locks_and_the_twentieth_of_a_day_locks_longer() -> None:
    assert lock_after(failures=FAILURES_MAX - 1, failures_per_day=FAILURES_PER_DAY_MAX - 1) is None
    assert lock_after(failures=FAILURES_MAX, failures_per_day=FAILURES_MAX) == LOCK
    assert lock_after(failures=1, failures_per_day=FAILURES_PER_DAY_MAX) == LONG_LOCK


@given(CHANCES)
def test_a_recovery_code_is_read_as_it_was_written(chance: bytes) -> None:
    code = write_recovery_code(chance)
    plain = read_recovery_code(code)
    assert plain is not None
    for spelled in (code.lower(), code.replace("-", " "), code.replace("-", "")):
        assert read_recovery_code(spelled) == plain


@given(CHANCES, CHANCES)
def test_other_chances_are_other_codes_with_other_digests(one: bytes, two: bytes) -> None:
    codes = [read_recovery_code(write_recovery_code(chance)) for chance in (one, two)]
    digests = {recovery_digest(code) for code in codes if code is not None}
    assert len(digests) == len(set(codes)) == len({one, two})


@pytest.mark.parametrize(
    "text", ["", "AAAA", "A" * 15, "A" * 17, "A" * 15 + "1", "Ä" * 16, "０" * 16]
)
def test_what_is_no_recovery_code_is_none(text: str) -> None:
    assert read_recovery_code(text) is None
