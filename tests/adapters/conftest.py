"""The cloud for the adapters that speak to it."""

from collections.abc import Generator

import pytest

from tests.cloud import point_boto3_at, running_cloud


@pytest.fixture(scope="session")
def cloud_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """One emulator for all tests of this folder."""
    with running_cloud(tmp_path_factory.mktemp("cloud")) as endpoint:
        yield endpoint


@pytest.fixture
def cloud(cloud_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The emulator's endpoint; boto3 talks to it for the time of the test."""
    point_boto3_at(monkeypatch, cloud_endpoint)
    return cloud_endpoint
