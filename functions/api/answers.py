"""What the api function takes and gives, field by field."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, WithJsonSchema

from functions.second_factor import TotpCode
from functions.values import Amount, AmountRequest, Moment, Request
from pixr.domain import uploads
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
    """Of a file that goes in one PUT; nothing depends on it."""
    bytes: Annotated[int, Field(strict=True, ge=1, le=uploads.BYTES_MAX)] | None = None
    """Exactly the size of a file that goes in parts."""


class PartView(BaseModel):
    """One part of a large file: one PUT of ``bytes`` bytes to ``url``."""

    number: int
    url: str
    bytes: int
    etag: str | None
    """Of what was put already; null: nothing."""


class UploadView(BaseModel):
    """Where to put the file before ``expires_at``: one PUT to ``url``, or to each of ``parts``.

    Parts beyond the first are listed behind ``next_cursor``, and completing joins them.
    """

    upload_id: str
    content_id: str
    key: str
    method: str = "PUT"
    url: str | None
    """Null when the file goes in parts."""
    bytes: int | None
    part_bytes: int | None
    parts_total: int | None
    parts: list[PartView]
    next_cursor: str | None
    expires_at: Moment


class PartPage(BaseModel):
    """Parts in order, with URLs that hold until ``expires_at``."""

    items: list[PartView]
    next_cursor: str | None
    expires_at: Moment


class PartRequest(Request):
    """A part that was put, and the ETag that S3 answered."""

    number: Annotated[int, Field(strict=True, ge=1, le=uploads.PARTS_MAX)]
    etag: Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[!-~]+$")]


class CompleteRequest(Request):
    """Every part of the file, in any order."""

    parts: Annotated[list[PartRequest], Field(min_length=1, max_length=uploads.PARTS_MAX)]


class UploadProgress(BaseModel):
    """What became of an upload, and how far the job is that its file caused."""

    upload_id: str
    content_id: str
    key: str
    state: str
    """expected, accepted or rejected."""
    reason: str | None
    bytes: int | None
    parts_total: int | None
    job_id: str | None
    """Null until the file has arrived."""
    job_state: str | None
    progress_percent: int | None
    created_at: Moment


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
    detail: dict[str, int] | None
    """Quality → how well the source survives the next lower one, in hundredths of a decibel
    (PSNR-Y): much means that the quality shows nothing new. Null: not measured."""


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
    version: int
    """Counts up when its time codes were moved along with a source that begins elsewhere."""


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
    """HLS."""
    dash_manifest_key: str | None
    """Null as well where each rendition has a sound of its own, from before there was DASH."""
    sound_key: str | None
    """The one sound of all renditions; null: there is none, or each has its own."""
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


class CostView(BaseModel):
    """What an upgrade takes: processor time, millions of pixels made, bytes kept, dollars."""

    vcpu_ms: int
    megapixels: int
    bytes: int
    usd: str


class QualityView(BaseModel):
    """The quality that was searched for, on the scale of VMAF, and what was found."""

    target: float | None
    found: float | None
    """Null: it was not looked at yet."""
    crf: int | None
    tried: dict[str, float]
    """CRF → what samples of the film scored with it."""


class UpgradeJobView(BaseModel):
    """How far an upgrade is, how it is made, and what came of it."""

    job_id: str
    content_id: str
    kind: str
    """base, funded or source."""
    quality: str | None
    state: str
    """QUEUED, TUNING, ENCODING, CONVERTING, ASSEMBLING, PUBLISHED, REJECTED or FAILED."""
    progress_percent: int | None
    frames_done: int
    frames_total: int | None
    chunks_done: int
    chunks_total: int | None
    cpu_ms: int
    way: str
    """chunks or mediaconvert."""
    way_reason: str | None
    """Why it does not go the usual way."""
    vmaf: QualityView | None
    sameness: dict[str, Any] | None
    """The verdict and figures of comparing its source with the one before."""
    estimate: CostView | None
    actual: CostView | None
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
