"""A small conversion that MediaConvert takes, for tests to change."""

from dataclasses import replace
from fractions import Fraction
from typing import Any
from uuid import UUID

from pixr.domain.mediaconvert import Conversion
from pixr.domain.renditions import Size

SMALL = Size(width_px=160, height_px=120)


def conversion(**changed: Any) -> Conversion:
    """Steady, progressive and SDR, unless it is changed."""
    plain = Conversion(
        job_id=UUID("01930000-0000-7000-8000-000000000001"),
        stage="local",
        source_uri="s3://bucket/originals/clip",
        destination_uri="s3://bucket/chunks/converted",
        source_size=SMALL,
        size=SMALL,
        rung=240,
        gop_frames=12,
        frame_rate=Fraction(12),
        is_steady=True,
        hdr=None,
        is_interlaced=False,
        role_arn="arn:aws:iam::111111111111:role/converter",
        queue_arn="arn:aws:mediaconvert:us-east-1:111111111111:queues/Default",
    )
    return replace(plain, **changed)
