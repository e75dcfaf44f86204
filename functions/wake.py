"""Wake the settler, so that a person does not wait for the minute."""

from aws_lambda_powertools import Logger

from pixr.adapters import queue


def wake_settler(queue_url: str, reason: str, *, logger: Logger) -> None:
    """Send the settler a message after the commit; when that fails, the minute does it."""
    try:
        queue.send(queue_url, {"wake": reason})
    except queue.QueueError as error:
        logger.warning("settler.not-woken", reason=str(error))
