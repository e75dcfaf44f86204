"""Goal: an array written as a text is the list that was given, whatever stands in it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixr.adapters.postgres import Database, arrays

ODD = ['"', "\\", '","', "{}", "NULL", "null", "", " ", "a,b", "\n", "é", "\\N", "'", "{1,2}"]
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def read_back(db: Database, written: str, kind: str) -> object:
    row = db.execute(f"SELECT %s::{kind}[] AS found", (written,)).fetchone()
    assert row is not None
    return row["found"]


@pytest.mark.parametrize("values", [[], [""], ["a"], ["a", "b"], ODD])
def test_texts_are_what_was_given(db: Database, values: list[str]) -> None:
    assert read_back(db, arrays.texts(values), "text") == values


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(text | st.sampled_from(ODD)))
def test_any_texts_are_what_was_given(db: Database, values: list[str]) -> None:
    assert read_back(db, arrays.texts(values), "text") == values


@pytest.mark.parametrize("values", [[], [0], [-(2**63), 2**63 - 1]])
def test_numbers_are_what_was_given(db: Database, values: list[int]) -> None:
    assert read_back(db, arrays.numbers(values), "bigint") == values
