"""Logger and metrics, the same for every function. Event names are ``noun.past-tense``."""

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric


def make_logger(service: str) -> Logger:
    """JSON lines with request ids; never a body, a key, a token or a URL with a password."""
    return Logger(service=service)


def make_metrics(service: str) -> Metrics:
    """Metrics as log lines (EMF): no call leaves the function."""
    return Metrics(namespace="Pixr", service=service)


def count_one(name: str, *, service: str) -> None:
    """Count one event that most requests do not have: a line of its own, and only then."""
    with single_metric(
        name=name,
        unit=MetricUnit.Count,
        value=1,
        namespace="Pixr",
        default_dimensions={"service": service},
    ):
        pass
