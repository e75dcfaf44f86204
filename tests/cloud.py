"""S3 and SQS for tests: the emulator of one machine, reached by real boto3 over HTTP."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest

from pixr.local.aws import environment, running_aws


@contextmanager
def running_cloud(folder: Path) -> Generator[str]:
    """Serve AWS on a free port of 127.0.0.1 and give its endpoint."""
    with running_aws(folder, keep=False) as aws:
        yield aws.endpoint


def point_boto3_at(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Make every boto3 client of this test use ``endpoint`` with keys that open nothing."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment(endpoint).items():
        monkeypatch.setenv(name, value)
    # Its default session remembers the keys of whichever test came first.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
