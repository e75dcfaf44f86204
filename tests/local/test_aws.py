"""The AWS emulator keeps its state, also through a kill."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import boto3
from mypy_boto3_s3 import S3Client

from pixr.local import aws, keeper

PATIENCE_S = 20.0


def s3_at(endpoint: str) -> S3Client:
    return boto3.Session(
        aws_access_key_id=aws.ACCOUNT, aws_secret_access_key="x", region_name=aws.REGION
    ).client("s3", endpoint_url=endpoint)


def test_state_survives_a_stop_and_a_kill(tmp_path: Path) -> None:
    with aws.running_aws(tmp_path) as cloud:
        first = aws.put_secrets(cloud.endpoint, {"pixr/test": "one"})
        s3 = s3_at(cloud.endpoint)
        s3.create_bucket(Bucket="videos")
        s3.put_bucket_versioning(Bucket="videos", VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket="videos", Key="a/b.mp4", Body=b"film")
    with aws.running_aws(tmp_path) as cloud:
        assert aws.put_secrets(cloud.endpoint, {"pixr/test": "one"}) == first
        s3 = s3_at(cloud.endpoint)
        assert s3.get_object(Bucket="videos", Key="a/b.mp4")["Body"].read() == b"film"
        s3.create_bucket(Bucket="more-videos")
        aws.save_now(cloud)
        saved = tmp_path / "state" / "s3.json"
        deadline = time.monotonic() + PATIENCE_S
        while "more-videos" not in saved.read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
        s3.put_object(Bucket="more-videos", Key="late.mp4", Body=b"after the save")
        assert cloud.pid is not None
        os.kill(cloud.pid, signal.SIGKILL)
        while keeper.started_ticks(cloud.pid) is not None:
            time.sleep(0.01)
    with aws.running_aws(tmp_path) as cloud:
        s3 = s3_at(cloud.endpoint)
        names = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
        assert names == {"videos", "more-videos"}
        late = s3.get_object(Bucket="more-videos", Key="late.mp4")
        assert late["Body"].read() == b"after the save"
        assert s3.get_bucket_versioning(Bucket="videos")["Status"] == "Enabled"


def test_a_changed_secret_replaces_the_old_one(tmp_path: Path) -> None:
    with aws.running_aws(tmp_path, keep=False) as cloud:
        first = aws.put_secrets(cloud.endpoint, {"pixr/test": "one"})
        assert aws.put_secrets(cloud.endpoint, {"pixr/test": "two"}) == first


def test_an_api_that_is_not_there_is_told(tmp_path: Path) -> None:
    with aws.running_aws(tmp_path, keep=False) as cloud:
        assert not aws.has_api(cloud.endpoint, "abcd1234")
