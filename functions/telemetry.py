"""Logger and metrics, the same for every function. Event names are ``noun.past-tense``."""

from aws_lambda_powertools import Logger, Metrics


def make_logger(service: str) -> Logger:
    """JSON lines with request ids; never a body, a key, a token or a URL with a password."""
    return Logger(service=service)


def make_metrics(service: str) -> Metrics:
    """Metrics as log lines (EMF): no call leaves the function."""
    return Metrics(namespace="Pixr", service=service)
