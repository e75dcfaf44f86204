"""What a content is, and what could be better about it at which price."""

from datetime import datetime
from pathlib import PurePosixPath
from typing import Final

from functions.api.answers import (
    AnalysisView,
    ContentView,
    LiveInvestmentView,
    RenditionView,
    SourceView,
    UpgradeOffer,
    UpgradesView,
    UploadState,
)
from functions.values import Amount
from pixr.adapters.postgres import Database, Row, contents, investments, renditions, upgrades
from pixr.domain.errors import BeingMade, NoGain, NotFound
from pixr.domain.investments import check_gain
from pixr.domain.quotes import SolPrice, Source, quote
from pixr.domain.renditions import LADDER, Size

DASH_NAME: Final = "manifest.mpd"
"""Of the DASH manifest, beside the HLS one; both show the same files."""


def get_content(db: Database, content_id: str) -> Row:
    """Return the content's row.

    Raises:
        NotFound: There is none by that id.
    """
    row = contents.get(db, content_id)
    if row is None:
        raise NotFound("there is no content by that id")
    return row


def show_content(db: Database, content_id: str) -> ContentView:
    """Return everything that anybody may know about a content.

    Raises:
        NotFound: There is none by that id.
    """
    row = get_content(db, content_id)
    # As it was made before there was DASH: each rendition with a sound of its own.
    is_early = row["has_audio"] and row["sound_key"] is None
    return ContentView(
        content_id=content_id,
        state=row["state"],
        best_quality=None if row["best_rung"] is None else f"{row['best_rung']}p",
        source=None
        if row["source_key"] is None
        else SourceView(
            width_px=row["width_px"],
            height_px=row["height_px"],
            duration_ms=row["duration_ms"],
            frames=row["frames"],
            bytes=row["source_bytes"],
            has_audio=row["has_audio"],
            detail=row["detail"],
        ),
        upload=_upload(contents.latest_upload(db, content_id)),
        renditions=[
            RenditionView(quality=f"{item['rung']}p", **_without_ids(item))
            for item in contents.list_renditions(db, content_id)
        ],
        manifest_key=row["manifest_key"],
        dash_manifest_key=None if is_early else _beside(row["manifest_key"], DASH_NAME),
        sound_key=row["sound_key"],
        analysis=None
        if row["analysis_key"] is None
        else AnalysisView(
            key=row["analysis_key"],
            sha256=row["analysis_sha256"],
            version=row["analysis_version"],
        ),
        live_investments=[
            LiveInvestmentView(
                quality=f"{item['rung']}p",
                investments=item["investments"],
                invested=Amount.of(item["lamports"]),
                returned=Amount.of(item["returned_lamports"]),
            )
            for item in investments.list_live(db, content_id)
        ],
        created_at=row["created_at"],
    )


def _beside(key: str | None, name: str) -> str | None:
    return None if key is None else str(PurePosixPath(key).with_name(name))


def _upload(row: Row | None) -> UploadState | None:
    if row is None:
        return None
    return UploadState(
        upload_id=str(row["upload_id"]),
        state=row["state"],
        reason=row["reason"],
        created_at=row["created_at"],
    )


def show_upgrades(
    db: Database, content_id: str, *, sol: SolPrice | None, now: datetime
) -> UpgradesView:
    """Return every rung of the ladder: its price and funding, or why it is not offered.

    Raises:
        NotFound: There is no content by that id.
        QuoteUnavailable: A rung would have to be priced and the price of SOL is missing or old.
    """
    row = get_content(db, content_id)
    present = {item["rung"] for item in contents.list_renditions(db, content_id)}
    making = upgrades.list_making(db, content_id)
    fundings = {item["rung"]: item for item in investments.list_fundings(db, content_id)}
    source = priced_source(db, row)
    return UpgradesView(
        content_id=content_id,
        upgrades=[
            _offer(
                row,
                rung,
                source=source,
                present=present,
                making=making,
                funding=fundings.get(rung),
                sol=sol,
                now=now,
            )
            for rung in LADDER
        ],
    )


def priced_source(db: Database, row: Row) -> Source | None:
    """What prices of a content depend on, or None while it has no accepted source."""
    size = source_size(row)
    if size is None:
        return None
    source = Source(
        size=size,
        frames=row["frames"],
        duration_ms=row["duration_ms"],
        size_bytes=row["source_bytes"],
    )
    return renditions.weighed(db, row["content_id"], source, source_key=row["source_key"])


def source_size(row: Row) -> Size | None:
    """The picture of the accepted source, or None while there is none."""
    if row["source_key"] is None:
        return None
    return Size(width_px=row["width_px"], height_px=row["height_px"])


def _offer(
    row: Row,
    rung: int,
    *,
    source: Source | None,
    present: set[int],
    making: set[int],
    funding: Row | None,
    sol: SolPrice | None,
    now: datetime,
) -> UpgradeOffer:
    if funding is not None and funding["state"] != "OPEN":
        state = funding["state"].lower()
        return _funded(funding, state=state, reason=f"the upgrade is {state} already")
    try:
        check_gain(
            rung, source=source_size(row), detail=row["detail"], present=present, making=making
        )
    except (NoGain, BeingMade) as error:
        state = "present" if rung in present else "making" if rung in making else "none"
        if funding is not None:
            return _funded(funding, state=state, reason=str(error))
        return UpgradeOffer(
            quality=f"{rung}p",
            gain=False,
            state=state,
            reason=str(error),
            price=None,
            funded=None,
            open=None,
            quote=None,
            job_id=None,
        )
    if funding is not None:
        return _funded(funding, state="open", reason=None)
    assert source is not None, "without one there is no gain"
    priced = quote(source, rung, sol=sol, now=now)
    return UpgradeOffer(
        quality=f"{rung}p",
        gain=True,
        state="open",
        reason=None,
        price=Amount.of(priced.lamports),
        funded=Amount.of(0),
        open=Amount.of(priced.lamports),
        quote=priced.document(),
        job_id=None,
    )


def _funded(funding: Row, *, state: str, reason: str | None) -> UpgradeOffer:
    """A rung that somebody has put money into; it takes more unless there is a ``reason``."""
    price_lamports, funded_lamports = funding["price_lamports"], funding["funded_lamports"]
    return UpgradeOffer(
        quality=f"{funding['rung']}p",
        gain=reason is None,
        state=state,
        reason=reason,
        price=Amount.of(price_lamports),
        funded=Amount.of(funded_lamports),
        open=Amount.of(price_lamports - funded_lamports if reason is None else 0),
        quote=funding["quote"],
        job_id=None if funding["job_id"] is None else str(funding["job_id"]),
    )


def _without_ids(rendition: Row) -> Row:
    hidden = ("content_id", "job_id", "rung", "frames")
    return {name: value for name, value in rendition.items() if name not in hidden}
