"""MediaConvert's REST on 127.0.0.1: boto3 comes here by AWS_ENDPOINT_URL_MEDIACONVERT."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pixr.adapters.ffmpeg import Ffmpeg
from pixr.local.aws import ACCOUNT, NO_SECRET, REGION
from pixr.local.mediaconvert.documents import (
    complaints,
    from_wire,
    model,
    request_shape,
    to_wire,
)
from pixr.local.mediaconvert.events import Announcer
from pixr.local.mediaconvert.jobs import DEFAULT_QUEUE, Job, Service
from pixr.local.serving import serving

PREFIX = "/2017-08-29"
BODY_BYTES_MAX = 1024 * 1024


def mediaconvert_app(service: Service) -> Starlette:
    """The part of the API that we use."""

    async def create(request: Request) -> Response:
        body = await request.body()
        try:
            document = from_wire(request_shape(), json.loads(body[:BODY_BYTES_MAX]))
        except ValueError as error:
            return _refusal(400, "BadRequestException", f"the body is no JSON: {error}")
        wrong = complaints(document) if isinstance(document, dict) else ["/: is no object"]
        if wrong:
            return _refusal(400, "BadRequestException", "; ".join(wrong))
        job = service.create(document)
        return JSONResponse({"job": _described(job)}, status_code=201)

    async def get(request: Request) -> Response:
        job = service.get(request.path_params["id"])
        if job is None:
            return _refusal(404, "NotFoundException", "Resource not found.")
        return JSONResponse({"job": _described(job)})

    async def cancel(request: Request) -> Response:
        job = service.get(request.path_params["id"])
        if job is None:
            return _refusal(404, "NotFoundException", "Resource not found.")
        if not await run_in_threadpool(service.cancel, job):
            return _refusal(409, "ConflictException", f"The job is {job.status} already.")
        return JSONResponse({}, status_code=202)

    async def endpoints(request: Request) -> Response:
        url = f"{request.url.scheme}://{request.url.netloc}"
        return JSONResponse({"endpoints": [{"url": url}]})

    return Starlette(
        routes=[
            Route(f"{PREFIX}/jobs", create, methods=["POST"]),
            Route(f"{PREFIX}/jobs/{{id}}", get, methods=["GET"]),
            Route(f"{PREFIX}/jobs/{{id}}", cancel, methods=["DELETE"]),
            Route(f"{PREFIX}/endpoints", endpoints, methods=["POST"]),
        ]
    )


def _refusal(status: int, kind: str, message: str) -> Response:
    return JSONResponse(
        {"message": message}, status_code=status, headers={"x-amzn-ErrorType": kind}
    )


def _described(job: Job) -> dict[str, Any]:
    document: Mapping[str, Any] = job.document
    said = {
        name: document[name]
        for name in ("Role", "Settings", "UserMetadata", "ClientRequestToken", "Priority")
        if name in document
    }
    timing = {
        "SubmitTime": job.created,
        **({"StartTime": job.started} if job.started else {}),
        **({"FinishTime": job.finished} if job.finished else {}),
    }
    answer: dict[str, Any] = {
        **said,
        "Id": job.id,
        "Arn": job.arn,
        "Queue": document.get("Queue") or DEFAULT_QUEUE,
        "Status": job.status,
        "CreatedAt": job.created.timestamp(),
        "Timing": {name: moment.timestamp() for name, moment in timing.items()},
    }
    if job.phase is not None:
        answer["CurrentPhase"] = job.phase
    if job.percent is not None:
        answer["JobPercentComplete"] = job.percent
    if job.error is not None:
        answer |= {"ErrorCode": job.error.code, "ErrorMessage": job.error.message}
    wire: dict[str, Any] = to_wire(model().shape_for("Job"), answer)
    return wire


@contextlib.contextmanager
def running_mediaconvert(aws_endpoint: str, ffmpeg: Path, port: int | None = None) -> Iterator[str]:
    """The service, serving; yields its address.

    Args:
        aws_endpoint: Where S3, EventBridge and SQS are.
        ffmpeg: The program that makes the outputs.
        port: Where it listens on 127.0.0.1; None for any free port.

    Raises:
        LocalError: The port is taken, or it did not start.
    """
    import boto3  # noqa: PLC0415 -- a second to import

    session = boto3.Session(
        aws_access_key_id=ACCOUNT, aws_secret_access_key=NO_SECRET, region_name=REGION
    )
    clients: dict[str, Any] = {
        name: session.client(name, endpoint_url=aws_endpoint) for name in ("s3", "events", "sqs")
    }
    service = Service(
        s3=clients["s3"],
        announcer=Announcer(clients["events"], clients["sqs"]),
        ffmpeg=Ffmpeg(ffmpeg),
    )
    try:
        with serving(mediaconvert_app(service), name="MediaConvert", port=port) as chosen:
            yield f"http://127.0.0.1:{chosen}"
    finally:
        service.close()
