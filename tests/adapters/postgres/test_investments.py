"""Goal: the price is fixed once and never exceeded."""

from datetime import UTC, datetime

import pytest

from pixr.adapters.postgres import Database, contents, investments
from pixr.adapters.postgres.investments import Promised

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def clip(db: Database) -> Database:
    contents.create(db, "clip", "carol", NOW)
    return db


def open_at(db: Database, price: int) -> None:
    investments.open_funding(
        db, "clip", 1080, price_lamports=price, quote={"lines": [price]}, now=NOW
    )


def test_the_first_price_stays(clip: Database) -> None:
    assert investments.get_funding(clip, "clip", 1080) is None
    open_at(clip, 100)
    open_at(clip, 200)
    (funding,) = investments.list_fundings(clip, "clip")
    assert (funding["price_lamports"], funding["quote"]) == (100, {"lines": [100]})


def test_promises_end_at_the_price(clip: Database) -> None:
    open_at(clip, 100)
    assert investments.promise(clip, "clip", 1080, lamports=101) is None
    assert investments.promise(clip, "clip", 1080, lamports=60) == Promised(
        price_lamports=100, funded_lamports=60
    )
    assert investments.promise(clip, "clip", 1080, lamports=41) is None
    assert investments.promise(clip, "clip", 1080, lamports=40) is not None
    assert investments.promise(clip, "clip", 1080, lamports=1) is None
    assert investments.promise(clip, "clip", 720, lamports=1) is None
