"""Goal: every figure comes from the record, and health says whether money can move."""

from importlib.resources import files

import pytest

from tests.functions.api.studio import publish
from tests.house import House, forget


def settle(house: House) -> None:
    """Two finalized batches and a failed one, as the settler leaves them."""
    for number, (state, payees, lamports, fee) in enumerate(
        [("FINALIZED", 16, 1_000, 6_000), ("FINALIZED", 4, 500, 5_000), ("FAILED", 2, 77, 5_000)]
    ):
        house.db.execute(
            "INSERT INTO batches (id, kind, state, receipt_address, merkle_root, payees, lamports,"
            " treasury_reserved_lamports, planned_at, closed_at)"
            " VALUES (gen_random_uuid(), 'earnings', %s, %s, sha256(''), %s, %s, 0, now(), now())",
            (state, f"{number:x<40}", payees, lamports),
        )
        house.db.execute(
            "INSERT INTO transactions (signature, batch_id, attempt, state, raw, blockhash,"
            " blockhash_slot, last_valid_block_height, fee_lamports_max, fee_lamports, slot, error,"
            " signed_at, closed_at)"
            " SELECT %s, id, 1, %s, '', 'x', 1, 1, 9000, %s, 5, %s, now() - interval '4 s', now()"
            " FROM batches WHERE receipt_address = %s",
            (
                f"{number:s<64}",
                "LANDED" if state == "FINALIZED" else "FAILED",
                fee,
                None if state == "FINALIZED" else "poison",
                f"{number:x<40}",
            ),
        )


def test_nothing_has_no_rate_and_no_average(house: House) -> None:
    body = house.get("/stats").body
    assert body["now"]["wallets"] == 0
    assert body["now"]["views_waiting"] == 0
    for window in ("hour", "day"):
        assert body[window]["processed"]["lamports"] == "0"
        for rate in (
            "batch_success_rate",
            "average_transaction_seconds",
            "fee_per_payee",
            "fee_saving_share",
            "upgrade_cost_error_percent",
        ):
            assert body[window][rate] is None
    assert (len(body["hour_series"]), len(body["day_series"])) == (60, 96)


def test_figures_add_up(house: House) -> None:
    house.user("alice")
    settle(house)
    house.db.execute(
        "INSERT INTO drains VALUES (gen_random_uuid(), 10, 9, 7, 140000, now() - interval '2 h')"
    )
    body = house.get("/stats").body
    hour, day = body["hour"], body["day"]
    assert hour["processed"]["lamports"] == "1500"
    assert hour["payees"] == 20
    assert hour["batch_success_rate"] == 0.6667
    assert 3.9 < hour["average_transaction_seconds"] < 60
    assert hour["fees"]["lamports"] == "16000"
    assert hour["fee_per_payee"]["lamports"] == "800"
    assert hour["fee_saving_share"] == 0.84
    assert hour["wallets_created"] == body["now"]["wallets"] == 1
    assert hour["views"] == 0
    assert (day["views"], day["views_new"], day["views_qualified"]) == (10, 9, 7)
    assert day["accrued"]["lamports"] == "140000"
    for name in ("hour", "day"):
        series = body[f"{name}_series"]
        assert sum(int(point["processed"]["lamports"]) for point in series) == 1500
        assert sum(point["views"] for point in series) == body[name]["views_new"]
        assert sum(point["wallets_created"] for point in series) == 1


def test_upgrades_are_counted_with_the_error_at_the_median(house: House) -> None:
    publish(house, rungs=(480, 720, 1080))
    for rung, usd in ((480, "0.1"), (720, "0.2"), (1080, "0.05")):
        house.db.execute(
            "UPDATE upgrade_jobs SET estimate = %s, actual = %s WHERE rung = %s",
            (f'{{"usd": "{usd}"}}', '{"usd": "0.125"}', rung),
        )
    house.db.execute(
        "INSERT INTO upgrade_jobs (id, content_id, kind, rung, source_key, state, reason,"
        " created_at, moved_at, closed_at) VALUES (gen_random_uuid(), 'clip', 'funded', 1440, 'x',"
        " 'FAILED', 'no', now(), now(), now() - interval '2 hours')"
    )
    body = house.get("/stats").body
    told = ("upgrades_published", "upgrades_failed", "upgrade_cost_error_percent")
    assert [body["hour"][name] for name in told] == [3, 0, -20.0]
    assert [body["day"][name] for name in told] == [3, 1, -20.0]


def test_figures_need_their_scope(house: House) -> None:
    assert house.get("/stats", scope="wallet:read").problem == (403, "forbidden")


def test_figures_do_without_the_stream(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    forget()
    assert house.get("/stats").body["now"]["views_waiting"] is None


def test_health_names_each_part_with_its_latency(house: House) -> None:
    answer = house.get("/health", sub=None)
    assert answer.status == 200
    assert answer.body["status"] == "ok"
    assert set(answer.body["parts"]) == {"database", "chain", "stream"}
    assert all(part["ok"] and part["latency_ms"] >= 0 for part in answer.body["parts"].values())


@pytest.mark.parametrize(
    ("part", "place", "status"),
    [
        ("database", ("DATABASE_URL", "postgresql://x:secret@127.0.0.1:1/x"), 503),
        ("chain", ("SOLANA_RPC_URL", "http://127.0.0.1:1"), 503),
        ("stream", ("REDIS_URL", "redis://:secret@127.0.0.1:1/0"), 200),
    ],
)
def test_health_says_what_is_away_and_whether_money_can_move(
    house: House, monkeypatch: pytest.MonkeyPatch, part: str, place: tuple[str, str], status: int
) -> None:
    monkeypatch.setenv(*place)
    forget()
    answer = house.get("/health", sub=None)
    assert answer.status == status
    assert answer.body["status"] == ("degraded" if status == 200 else "down")
    assert [name for name, found in answer.body["parts"].items() if not found["ok"]] == [part]
    assert "secret" not in str(answer.body)


def earn(house: House, user_id: str, kind: str, *, views: int, lamports: int, paid: bool) -> None:
    """An accrual, paid or not, as drain and settler leave it."""
    house.user(user_id)
    house.db.execute(
        "WITH d AS (INSERT INTO drains VALUES (gen_random_uuid(), 1, 1, 1, 1, now()) RETURNING id),"
        " b AS (INSERT INTO batches (id, kind, state, receipt_address, merkle_root, payees,"
        "   lamports, treasury_reserved_lamports, planned_at, closed_at)"
        "   SELECT id, 'earnings', 'FINALIZED', replace(id::text, '-', ''), sha256(''), 1, 1, 0,"
        "   now(), now() FROM d WHERE %(paid)s RETURNING id),"
        " p AS (INSERT INTO payouts (id, kind, user_id, debit_account, credit_account, destination,"
        "   lamports, state, batch_id, created_at, paid_at)"
        "   SELECT id, %(kind)s, %(user)s, 'world', 'world', replace(id::text, '-', ''),"
        "   %(lamports)s, 'PAID', id, now(), now() FROM b RETURNING id)"
        " INSERT INTO pending_earnings SELECT d.id, 'clip', %(user)s, %(kind)s, %(views)s,"
        "   %(lamports)s, p.id, now() FROM d LEFT JOIN p ON true",
        {"kind": kind, "user": user_id, "views": views, "lamports": lamports, "paid": paid},
    )


def test_earnings_split_into_pending_and_paid(house: House) -> None:
    publish(house, creator_id="alice")
    house.db.execute(
        "INSERT INTO content_epochs VALUES ('clip', 1, 500, 2000, 1000, 50, 0, false, now(), 8, 7),"
        " ('clip', 2, 500, 2000, 500, 25, 100, true, now(), 4, 3)"
    )
    earn(house, "alice", "earnings", views=7, lamports=950, paid=True)
    earn(house, "alice", "earnings", views=3, lamports=375, paid=False)
    answer = house.get("/earnings").body
    (mine,) = answer["items"]
    assert (mine["content_id"], mine["is_creator"]) == ("clip", True)
    assert (mine["views"], mine["qualified_views"]) == (12, 10)
    assert {
        name: mine[name]["lamports"]
        for name in ("gross", "platform_fee", "investors_part", "own_part", "pending", "paid")
    } == {
        "gross": "1500",
        "platform_fee": "75",
        "investors_part": "100",
        "own_part": "1325",
        "pending": "375",
        "paid": "950",
    }
    assert house.get("/balance").body["paid_total"]["lamports"] == "950"
    assert house.get("/earnings", sub="bob").body == {"items": [], "next_cursor": None}


def test_earnings_are_paged(house: House) -> None:
    for number in range(3):
        publish(house, f"clip{number}", creator_id="alice")
    first = house.get("/earnings?limit=2").body
    rest = house.get(f"/earnings?limit=2&cursor={first['next_cursor']}").body
    seen = [item["content_id"] for item in first["items"] + rest["items"]]
    assert seen == ["clip2", "clip1", "clip0"]
    assert rest["next_cursor"] is None


def test_the_document_and_its_page_are_served(house: House) -> None:
    answer = house.get("/openapi.json", sub=None)
    assert answer.status == 200
    written = files("functions.api").joinpath("openapi.json").read_text(encoding="utf-8")
    assert "/api/defi/withdraw" in answer.body["paths"]
    assert "/api/defi/withdraw" in written
    page = house.get("/docs", sub=None)
    assert page.status == 200
    assert "/api/defi/withdraw" in page.body
    assert page.headers["Content-Type"].startswith("text/html")


def test_an_unknown_route_is_answered_by_this_function(house: House) -> None:
    assert house.get("/nothing/here", sub=None).problem == (404, "not-found")
