"""What the api function takes and gives, field by field."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, WithJsonSchema

from functions.second_factor import TotpCode
from functions.values import Amount, AmountRequest, Moment, Request
from pixr.domain.investments import parse_quality
from pixr.domain.views import CONTENT_ID_PATTERN

ContentId = Annotated[str, StringConstraints(pattern=CONTENT_ID_PATTERN)]

UPLOAD_BYTES_MAX = 5 * 1024**3
"""What S3 takes in one PUT."""


class ViewsAccepted(BaseModel):
    """The events are on the stream; each will earn once, however often it is sent."""

    accepted: int
    duplicates_possible: bool = True


class UploadRequest(Request):
    """A new content, or another try for one of the caller's own."""

    file_name: Annotated[
        str,
        StringConstraints(min_length=1, max_length=255, pattern=r"^[^/\\\x00-\x1f\x7f]+$"),
    ]
    content_id: ContentId | None = None
    size_bytes: Annotated[int, Field(strict=True, ge=1, le=UPLOAD_BYTES_MAX)] | None = None


class UploadView(BaseModel):
    """Where to put the file: one PUT to ``url`` before ``expires_at``."""

    upload_id: str
    content_id: str
    key: str
    method: str = "PUT"
    url: str
    expires_at: Moment


class RenditionView(BaseModel):
    """One quality that viewers can watch."""

    quality: str
    width_px: int
    height_px: int
    duration_ms: int
    bytes: int
    bits_per_s: int
    playlist_key: str
    published_at: Moment


class SourceView(BaseModel):
    """The accepted original."""

    width_px: int
    height_px: int
    duration_ms: int
    frames: int
    bytes: int
    has_audio: bool


class UploadState(BaseModel):
    """What became of the newest upload: expected, accepted, or rejected with the reason."""

    upload_id: str
    state: str
    reason: str | None
    created_at: Moment


class AnalysisView(BaseModel):
    """Where the analysis lies and what it hashes to; another service writes it."""

    key: str
    sha256: str


class LiveInvestmentView(BaseModel):
    """What was invested in one rung and earns."""

    quality: str
    investments: int
    invested: Amount
    returned: Amount


class ContentView(BaseModel):
    """One content as anybody may see it."""

    content_id: str
    state: str
    best_quality: str | None
    source: SourceView | None
    upload: UploadState | None
    renditions: list[RenditionView]
    manifest_key: str | None
    analysis: AnalysisView | None
    live_investments: list[LiveInvestmentView]
    created_at: Moment


class UpgradeOffer(BaseModel):
    """One rung: what it would cost, how far it is funded, or why it is not offered."""

    quality: str
    gain: bool
    state: str
    """none, open, making, funded, live, failed or present."""
    reason: str | None
    """Why there is nothing to gain."""
    price: Amount | None
    funded: Amount | None
    open: Amount | None
    quote: dict[str, Any] | None
    """Every line of the price; fixed by the first investor."""
    job_id: str | None


class UpgradesView(BaseModel):
    """What could be better about a content."""

    content_id: str
    upgrades: list[UpgradeOffer]


class InvestRequest(AmountRequest):
    """How much, and in which quality of which content."""

    content_id: ContentId
    quality: Annotated[
        Any,
        WithJsonSchema(
            {
                "description": "1080p, or 1080",
                "anyOf": [
                    {"type": "string", "pattern": "^(480|720|1080|1440|2160)p?$"},
                    {"type": "integer", "enum": [480, 720, 1080, 1440, 2160]},
                ],
            }
        ),
    ]
    totp_code: TotpCode | None = None
    """What the authenticator shows; needed above a small sum a day."""

    @property
    def rung(self) -> int:
        """The short side that is asked for.

        Raises:
            Malformed: It is none of the ladder.
        """
        return parse_quality(self.quality)


class InvestmentAccepted(BaseModel):
    """The investment is reserved and on its way to escrow."""

    investment_id: str
    state: str
    content_id: str
    quality: str
    amount: Amount
    price: Amount
    funded: Amount
    open: Amount
    created_at: Moment


class InvestmentView(BaseModel):
    """An investment and what came of it."""

    investment_id: str
    state: str
    content_id: str
    quality: str
    amount: Amount
    returned: Amount
    return_cap: Amount | None
    price: Amount
    funded: Amount
    job_id: str | None
    progress_percent: int | None
    created_at: Moment
    live_at: Moment | None


class InvestmentPage(BaseModel):
    """Newest first."""

    items: list[InvestmentView]
    next_cursor: str | None


class UpgradeJobView(BaseModel):
    """How far an upgrade is."""

    job_id: str
    content_id: str
    quality: str | None
    state: str
    progress_percent: int | None
    chunks_done: int
    chunks_total: int | None
    cpu_ms: int
    analysis_preserved: bool | None
    """Whether the hashes before and after are equal; null until both were read."""
    reason: str | None
    created_at: Moment
    closed_at: Moment | None


class EarningView(BaseModel):
    """One content's views and money, and the caller's own part of it."""

    content_id: str
    is_creator: bool
    views: int
    qualified_views: int
    gross: Amount
    platform_fee: Amount
    investors_part: Amount
    own_part: Amount
    pending: Amount
    paid: Amount


class EarningPage(BaseModel):
    """Newest content first."""

    items: list[EarningView]
    next_cursor: str | None
