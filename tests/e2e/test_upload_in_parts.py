"""Goal: through the real gateway and the real bucket, parts become a file that is planned."""

from typing import Any

import httpx

from tests.e2e.conftest import World
from tests.e2e.test_thread import wait


def test_parts_become_a_file_that_is_judged_like_any_other(world: World) -> None:
    body = b"no video" * (1024**2 + 1)
    grant = world.post("/uploads", {"file_name": "film.mp4", "bytes": len(body)}).json()
    place = f"/uploads/{grant['upload_id']}"
    named: list[dict[str, Any]] = []
    for part in grant["parts"]:
        start = (part["number"] - 1) * grant["part_bytes"]
        put = httpx.put(part["url"], content=body[start : start + part["bytes"]], timeout=30)
        put.raise_for_status()
        named.append({"number": part["number"], "etag": put.headers["etag"]})
    assert len(named) == 2
    assert world.get(f"{place}/parts").json()["items"][1]["etag"] is not None
    refused = world.post(f"{place}/complete", {"parts": named[:1]})
    assert (refused.status_code, refused.json()["code"]) == (409, "upload-conflict")
    assert world.post(f"{place}/complete", {"parts": named}).status_code == 200
    shown = wait(lambda: _ended(world, place))
    assert shown["state"] == "rejected"
    assert shown["job_state"] == "REJECTED"
    ended = world.http.delete(place, headers=world.token("alice"))
    assert ended.status_code == 409
    assert world.get(place, sub="mallory").status_code == 404


def _ended(world: World, place: str) -> Any:
    shown = world.get(place).json()
    return shown if shown["state"] != "expected" else None
