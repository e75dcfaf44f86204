"""Goal: anybody can see what a content is and what better would cost, and never what is not so."""

import pytest

from tests.functions.api.studio import publish
from tests.house import House, forget


def test_a_content_is_shown_to_anybody_without_its_creators_id(house: House) -> None:
    publish(house)
    house.db.execute("UPDATE contents SET sound_key = 'media/s'")
    answer = house.get("/content/clip", sub=None)
    assert answer.status == 200
    body = answer.body
    assert (body["content_id"], body["state"], body["best_quality"]) == ("clip", "live", "480p")
    assert body["source"]["height_px"] == 1080
    (rendition,) = body["renditions"]
    assert (rendition["quality"], rendition["playlist_key"]) == ("480p", "media/p")
    assert body["analysis"] == {"key": "analysis/x", "sha256": "ab" * 32, "version": 1}
    assert body["manifest_key"] == "media/clip/master.m3u8"
    assert body["dash_manifest_key"] == "media/clip/manifest.mpd"
    assert (body["sound_key"], body["source"]["detail"]) == ("media/s", None)
    assert body["live_investments"] == []
    assert "carol" not in str(body)


def test_a_content_from_before_dash_has_no_dash_manifest(house: House) -> None:
    publish(house)
    body = house.get("/content/clip").body
    assert (body["source"]["has_audio"], body["sound_key"]) == (True, None)
    assert (body["manifest_key"], body["dash_manifest_key"]) == ("media/clip/master.m3u8", None)


@pytest.mark.parametrize("path", ["/content/none", "/content/none/upgrades", "/content/%2e%2e"])
def test_an_unknown_content_is_not_found(house: House, path: str) -> None:
    assert house.get(path, sub=None).problem == (404, "not-found")


def test_every_rung_of_the_ladder_is_priced_or_says_why_not(house: House) -> None:
    publish(house)
    body = house.get("/content/clip/upgrades", sub=None).body
    offers = {offer["quality"]: offer for offer in body["upgrades"]}
    assert [quality for quality, offer in offers.items() if offer["gain"]] == ["720p", "1080p"]
    assert offers["480p"]["state"] == "present"
    assert "there already" in offers["480p"]["reason"]
    assert "1080 px" in offers["2160p"]["reason"]
    full = offers["1080p"]
    lines = full["quote"]["lines"]
    assert sum(line["lamports"] for line in lines) == int(full["price"]["lamports"])
    assert full["funded"]["lamports"] == "0"
    assert full["open"] == full["price"]


def test_a_film_is_priced_by_what_is_there_of_it(house: House) -> None:
    publish(house)
    house.db.execute("UPDATE contents SET source_bytes = 10^9")

    def lines() -> dict[str, dict[str, str]]:
        offers = house.get("/content/clip/upgrades", sub=None).body["upgrades"]
        quote = next(offer["quote"] for offer in offers if offer["quality"] == "1080p")
        return {line["code"]: line for line in quote["lines"]}

    house.db.execute("UPDATE renditions SET bytes = 2_000_000")
    before = lines()
    house.db.execute("UPDATE renditions SET bytes = 4_000_000")
    after = lines()
    kept_gb, kept_before_gb = (float(one["storage"]["quantity"]) for one in (after, before))
    assert kept_gb == pytest.approx(2 * kept_before_gb, rel=0.001)
    assert "by what is there of this film" in after["storage"]["unit"]
    assert after["encode"] == before["encode"]
    house.db.execute("""UPDATE upgrade_jobs SET actual = '{"vcpu_ms": 60000}'""")
    slower = lines()
    house.db.execute("""UPDATE upgrade_jobs SET actual = '{"vcpu_ms": 90000}'""")
    slowest = lines()
    for code in ("encode", "read", "search"):
        more, less = (float(one[code]["quantity"]) for one in (slowest, slower))
        assert more == pytest.approx(1.5 * less, rel=0.001)
    assert slowest["storage"]["quantity"] == after["storage"]["quantity"]


def test_a_rung_that_would_show_nothing_new_costs_nothing(house: House) -> None:
    """A source that was blown up: it is twice 1080 lines, and 1440 of them hold nothing."""
    publish(house, short_px=2160, detail={720: 3_890, 1080: 4_249, 1440: 4_250})
    offers = {
        offer["quality"]: offer for offer in house.get("/content/clip/upgrades").body["upgrades"]
    }
    assert [quality for quality, offer in offers.items() if offer["gain"]] == [
        "720p",
        "1080p",
        "2160p",  # was not measured
    ]
    hollow = offers["1440p"]
    assert hollow["reason"].startswith("no visible gain: ")
    assert "42.50 dB" in hollow["reason"]
    assert (hollow["state"], hollow["price"], hollow["quote"]) == ("none", None, None)
    source = house.get("/content/clip").body["source"]
    assert source["detail"] == {"720": 3_890, "1080": 4_249, "1440": 4_250}


def test_before_anything_is_published_there_is_no_manifest(house: House) -> None:
    house.post("/uploads", {"file_name": "a.mp4", "content_id": "clip"})
    body = house.get("/content/clip", sub=None).body
    assert (body["manifest_key"], body["dash_manifest_key"]) == (None, None)


def test_a_rung_that_a_job_makes_is_not_offered(house: House) -> None:
    publish(house)
    offer, *_ = house.get("/content/clip/upgrades").body["upgrades"]
    assert offer["state"] == "present"
    house.db.execute("DELETE FROM renditions")
    house.db.execute(
        "UPDATE upgrade_jobs SET state = 'ENCODING', chunks_done = 0, closed_at = NULL"
    )
    offer, *_ = house.get("/content/clip/upgrades").body["upgrades"]
    assert (offer["quality"], offer["gain"], offer["state"]) == ("480p", False, "making")
    assert "being made" in offer["reason"]
    assert offer["price"] is None


def test_what_was_made_meanwhile_takes_no_more_money(house: House) -> None:
    """Somebody has put money into a rung that another job published since."""
    publish(house)
    house.db.execute(
        "INSERT INTO fundings (content_id, rung, price_lamports, quote, funded_lamports, opened_at)"
        " VALUES ('clip', 480, 3000000, '{}', 1000000, now())"
    )
    offer, *_ = house.get("/content/clip/upgrades").body["upgrades"]
    assert (offer["gain"], offer["state"], offer["open"]["lamports"]) == (False, "present", "0")
    assert (offer["price"]["lamports"], offer["funded"]["lamports"]) == ("3000000", "1000000")


def test_a_content_without_a_source_offers_nothing(house: House) -> None:
    house.post("/uploads", {"file_name": "a.mp4", "content_id": "clip"})
    body = house.get("/content/clip/upgrades", sub=None).body
    assert not any(offer["gain"] for offer in body["upgrades"])
    assert "no source" in body["upgrades"][0]["reason"]


@pytest.mark.parametrize("as_of", [None, "2020-01-01T00:00:00Z"])
def test_without_a_fresh_price_of_sol_nothing_is_quoted(
    house: House, monkeypatch: pytest.MonkeyPatch, as_of: str | None
) -> None:
    publish(house)
    if as_of is None:
        monkeypatch.delenv("SOL_USD")
    else:
        monkeypatch.setenv("SOL_USD_AS_OF", as_of)
    forget()
    answer = house.get("/content/clip/upgrades", sub=None)
    assert answer.problem == (503, "quote-unavailable")
    assert "SOL_USD" in answer.body["detail"]
    # What needs no price is answered.
    assert house.get("/content/clip", sub=None).status == 200
