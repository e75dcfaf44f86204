"""Search the quality of a planned job on samples, freeze it, and ask for its chunks.

    {"job_id"} ─▶ three encodings of four seconds ─▶ the CRF, in one statement ─▶ chunk messages

The same film asked twice gives the same answer, and only the first is written down.
"""

import tempfile
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID

from functions.reprocess.comparing import Comparer
from functions.reprocess.messages import chunk_message
from functions.reprocess.moving import check_movable
from functions.reprocess.source import clear, opened
from pixr.adapters import queue
from pixr.adapters.ffmpeg import Ffmpeg, FfmpegFailed, FfmpegTimedOut
from pixr.adapters.objects import Bucket
from pixr.adapters.postgres import Database, Row, contents, upgrades
from pixr.domain.media import CRF_UNTUNED, Plan
from pixr.domain.sameness import Verdict
from pixr.domain.sources import Unusable
from pixr.domain.tuning import CRFS, choose, read_score, report_path, score_at, search_arguments

SEARCH_TIMEOUT_S: Final = 600
"""Four seconds of 2160p, three times, and VMAF of them: about 350 CPU seconds on four cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuner:
    """What the search needs of the world."""

    db: Database
    bucket: Bucket
    ffmpeg: Ffmpeg
    encode_queue_url: str
    now: datetime

    def tune(self, job_id: UUID) -> str:
        """Freeze the quality of a job and ask for its chunks; repeating it changes nothing.

        Returns:
            What happened, as an event for the log.
        """
        job = upgrades.get(self.db, job_id)
        if job is None:
            return "job.unknown"
        if job["state"] == "TUNING":
            try:
                self._search(job)
            except Unusable as unusable:
                state: Literal["REJECTED", "FAILED"] = (
                    "REJECTED" if job["kind"] == "source" else "FAILED"
                )
                if upgrades.close(self.db, job_id, state, str(unusable), now=self.now):
                    clear(self.bucket, job_id)
                return f"job.{state.lower()}"
        if send_open_chunks(self.db, self.encode_queue_url, job_id):
            return "job.tuned"
        return "job.repeated"

    def _search(self, job: Row) -> None:
        plan = Plan.read(job["settings"])
        with (
            tempfile.TemporaryDirectory(prefix="pixr-") as folder,
            opened(self.bucket, job, plan, is_wide=True) as served,
        ):
            if job["kind"] != "funded" and self._begins_elsewhere(job, plan, served.url):
                plan = replace(plan, is_look_only=False)
            found = self._found(plan, served.url, Path(folder))
        upgrades.tuned(
            self.db,
            job["id"],
            found,
            is_look_only=plan.is_look_only,
            cpu_ms=found["cpu_ms"],
            bytes_read=served.bytes_read,
            now=self.now,
        )

    def _begins_elsewhere(self, job: Row, plan: Plan, url: str) -> bool:
        """Keep the sound of a source; let a better one through only if it may be the same film.

        Returns:
            Whether it seems to begin or end elsewhere: then all of it must be made anew, also what
            is there already.

        Raises:
            Unusable: It is another film, or must not begin elsewhere.
        """
        comparer = Comparer(bucket=self.bucket, ffmpeg=self.ffmpeg)
        sound = comparer.hear(plan, url)
        is_shifted = False
        if job["kind"] == "source":
            content = contents.get(self.db, job["content_id"])
            assert content is not None
            is_shifted = comparer.admit(content, plan, sound, url).verdict is Verdict.SHIFTED
            if is_shifted:
                check_movable(self.db, content)
        comparer.keep_sound(job["id"], sound)
        return is_shifted

    def _found(self, plan: Plan, url: str, folder: Path) -> dict[str, Any]:
        """The search as ``upgrade_jobs.tuning`` holds it."""
        target = plan.vmaf_target
        if plan.is_look_only:
            why = "nothing is encoded of it"
            return {"crf": CRF_UNTUNED, "target": target, "tried": {}, "cpu_ms": 0, "why": why}
        try:
            arguments = search_arguments(plan, source=url, folder=folder)
            run = self.ffmpeg.make(arguments, timeout_s=SEARCH_TIMEOUT_S)
            scores = {crf: read_score(report_path(folder, crf).read_text()) for crf in CRFS}
        except (FfmpegFailed, FfmpegTimedOut, OSError, ValueError) as error:
            # What cannot be judged is made as before there was a search; if it cannot be decoded
            # either, its chunks say so.
            reason = str(error)[:300]
            return {"crf": CRF_UNTUNED, "target": target, "tried": {}, "cpu_ms": 0, "why": reason}
        crf = choose(scores, target)
        return {
            "crf": crf,
            "found": round(float(score_at(scores, crf)), 2),
            "target": target,
            "tried": {str(crf): round(score, 2) for crf, score in scores.items()},
            "cpu_ms": run.cpu_ms,
        }


def send_open_chunks(db: Database, encode_queue_url: str, job_id: UUID) -> bool:
    """Ask for every chunk that is not done; a chunk that is asked for twice counts once.

    Returns:
        False when the job is not being encoded.
    """
    job = upgrades.get(db, job_id)
    if job is None or job["state"] != "ENCODING":
        return False
    positions = [
        chunk["position"]
        for chunk in upgrades.list_chunks(db, job_id)
        if chunk["state"] == "QUEUED"
    ]
    queue.send_all(encode_queue_url, [chunk_message(job_id, position) for position in positions])
    return True
