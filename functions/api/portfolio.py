"""What a user's contents and investments have brought, and how far their upgrades are."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from functions.api.answers import (
    CostView,
    EarningPage,
    EarningView,
    InvestmentPage,
    InvestmentView,
    QualityView,
    UpgradeJobView,
)
from functions.values import Amount, Cursor, next_cursor
from pixr.adapters.postgres import Database, Row, investments, wallets
from pixr.domain.errors import NotFound
from pixr.domain.investments import progress_percent


def list_investments(
    db: Database, user_id: str, *, limit: int, cursor: Cursor | None
) -> InvestmentPage:
    """Return a page of the user's investments, newest first."""
    before = None if cursor is None else (cursor.at, cursor.uuid)
    rows = investments.list_of_user(db, user_id, limit=limit + 1, before=before)
    page = rows[:limit]
    return InvestmentPage(
        items=[_investment(row) for row in page],
        next_cursor=next_cursor(rows, page, at="created_at", key="id"),
    )


def list_earnings(db: Database, user_id: str, *, limit: int, cursor: Cursor | None) -> EarningPage:
    """Return a page of the contents that the user made or invested in, newest first."""
    before = None if cursor is None else (cursor.at, cursor.key)
    rows = wallets.list_earnings(db, user_id, limit=limit + 1, before=before)
    page = rows[:limit]
    return EarningPage(
        items=[_earning(row) for row in page],
        next_cursor=next_cursor(rows, page, at="created_at", key="content_id"),
    )


def show_job(db: Database, user_id: str, job_id: UUID) -> UpgradeJobView:
    """Return an upgrade job to its content's creator or one of its investors.

    Raises:
        NotFound: There is none by that id, or it is none of the user's business.
    """
    row = wallets.get_job(db, job_id, user_id=user_id)
    if row is None:
        raise NotFound("there is no upgrade of yours by that id")
    before, after = row["analysis_before"], row["analysis_after"]
    return UpgradeJobView(
        job_id=str(row["id"]),
        content_id=row["content_id"],
        kind=row["kind"],
        quality=None if row["rung"] is None else f"{row['rung']}p",
        state=row["state"],
        progress_percent=progress_percent(
            row["state"], frames_done=row["frames_done"], frames_total=row["frames_total"]
        ),
        frames_done=row["frames_done"],
        frames_total=row["frames_total"],
        chunks_done=row["chunks_done"],
        chunks_total=row["chunks_total"],
        cpu_ms=row["cpu_ms"],
        way=row["way"],
        way_reason=row["way_reason"],
        vmaf=_vmaf(row["tuning"]),
        sameness=row["sameness"],
        estimate=_cost(row["estimate"]),
        actual=_cost(row["actual"]),
        analysis_preserved=None if before is None or after is None else before == after,
        reason=row["reason"],
        created_at=row["created_at"],
        closed_at=row["closed_at"],
    )


def _vmaf(tuning: Mapping[str, Any] | None) -> QualityView | None:
    if tuning is None:
        return None
    crf, tried = tuning.get("crf"), tuning.get("tried", {})
    found = tuning.get("found", tried.get(str(crf)))
    return QualityView(target=tuning.get("target"), found=found, crf=crf, tried=tried)


def _cost(document: Mapping[str, Any] | None) -> CostView | None:
    return None if document is None else CostView.model_validate(document)


def _investment(row: Row) -> InvestmentView:
    has_job = row["job_id"] is not None
    return InvestmentView(
        investment_id=str(row["id"]),
        state=row["state"],
        content_id=row["content_id"],
        quality=f"{row['rung']}p",
        amount=Amount.of(row["lamports"]),
        returned=Amount.of(row["returned_lamports"]),
        return_cap=None
        if row["return_cap_lamports"] is None
        else Amount.of(row["return_cap_lamports"]),
        price=Amount.of(row["price_lamports"]),
        funded=Amount.of(row["funded_lamports"]),
        job_id=str(row["job_id"]) if has_job else None,
        progress_percent=progress_percent(
            row["job_state"], frames_done=row["frames_done"], frames_total=row["frames_total"]
        )
        if has_job
        else None,
        created_at=row["created_at"],
        live_at=row["live_at"],
    )


def _earning(row: Row) -> EarningView:
    return EarningView(
        content_id=row["content_id"],
        is_creator=row["is_creator"],
        views=row["views"],
        qualified_views=row["views_qualified"],
        gross=Amount.of(row["gross_lamports"]),
        platform_fee=Amount.of(row["platform_lamports"]),
        investors_part=Amount.of(row["investor_lamports"]),
        own_part=Amount.of(row["own_lamports"]),
        pending=Amount.of(row["own_lamports"] - row["paid_lamports"]),
        paid=Amount.of(row["paid_lamports"]),
    )
