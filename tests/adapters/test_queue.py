"""SQS through real boto3 over HTTP."""

import json
from uuid import uuid4

import boto3
import pytest

from pixr.adapters import queue


@pytest.fixture
def queue_url(cloud: str) -> str:
    return boto3.client("sqs").create_queue(QueueName=f"q-{uuid4()}")["QueueUrl"]


def receive(queue_url: str) -> list[dict[str, object]]:
    client = boto3.client("sqs")
    bodies: list[dict[str, object]] = []
    while messages := client.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get(
        "Messages"
    ):
        for message in messages:
            client.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            bodies.append(json.loads(message["Body"]))
    return bodies


def test_send_one(queue_url: str) -> None:
    queue.send(queue_url, {"job_id": "ü", "position": 3})
    assert receive(queue_url) == [{"job_id": "ü", "position": 3}]


@pytest.mark.parametrize("count", [0, 1, 10, 23])
def test_send_many(queue_url: str, count: int) -> None:
    queue.send_all(queue_url, [{"n": number} for number in range(count)])
    assert {body["n"] for body in receive(queue_url)} == set(range(count))


@pytest.mark.parametrize("body", [{"n": 1}, {"n": "x" * 2_000_000}])
def test_refusal_names_the_queue(queue_url: str, body: dict[str, object]) -> None:
    url = queue_url if len(str(body)) > 100 else f"{queue_url}-gone"
    with pytest.raises(queue.QueueError, match=url):
        queue.send(url, body)
    with pytest.raises(queue.QueueError, match=url):
        queue.send_all(url, [body])
