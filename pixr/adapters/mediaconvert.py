"""MediaConvert: start a conversion, look at it, call it off.

A conversion is started once for a token, as long as the token comes again within a minute: the
service forgets it then. boto3 takes region, credentials and AWS_ENDPOINT_URL_MEDIACONVERT by
itself; only one machine sets the last.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast

from pixr.domain.errors import Outage

_REFUSED: Final = frozenset({"BadRequestException", "ParamValidationError"})
_MISSING: Final = frozenset({"NotFoundException"})
_OVER: Final = frozenset({"ConflictException", "BadRequestException"})


class ConverterError(Outage):
    """MediaConvert refused or did not answer; names what was tried."""

    part = "converter"


class ConversionRefused(ConverterError):
    """The document is not one that MediaConvert takes, in its own words. Trying again is vain."""


class ConversionMissing(ConverterError):
    """MediaConvert knows no such job: it forgets them after three months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConverterJob:
    """What MediaConvert says about one of its jobs."""

    id: str
    status: str
    """SUBMITTED, PROGRESSING, COMPLETE, CANCELED or ERROR."""
    percent: int | None
    error_code: int | None
    error_message: str | None


class Converter:
    """The service. Its client is made at first use: a second in a cold Lambda, so only then."""

    def create(self, document: Mapping[str, Any]) -> ConverterJob:
        """Start a job, or find the one that the same token started within the last minute.

        Raises:
            ConversionRefused: The document breaks a rule of the service.
            ConverterError: Anything else; the job may have been started.
        """
        with self._named("create", str(document.get("ClientRequestToken"))):
            return _job(self._client.create_job(**document)["Job"])

    def get(self, converter_job: str) -> ConverterJob:
        """How far a job is.

        Raises:
            ConversionMissing: There is no such job.
            ConverterError: Anything else.
        """
        with self._named("get", converter_job):
            return _job(self._client.get_job(Id=converter_job)["Job"])

    def cancel(self, converter_job: str) -> bool:
        """Call a job off.

        Returns:
            False when it was over already.

        Raises:
            ConversionMissing: There is no such job.
            ConverterError: Anything else.
        """
        from botocore.exceptions import ClientError  # noqa: PLC0415 -- as below

        with self._named("cancel", converter_job):
            try:
                self._client.cancel_job(Id=converter_job)
            except ClientError as error:
                if _code(error) in _OVER:
                    return False
                raise
        return True

    @cached_property
    def _client(self) -> Any:
        import boto3  # noqa: PLC0415 -- a second of a cold start, only where it is used
        from botocore.config import Config  # noqa: PLC0415 -- likewise

        config = Config(
            connect_timeout=3,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 2},
        )
        # boto3-stubs knows this service only as Unknown.
        return cast("Any", boto3).client("mediaconvert", config=config)

    @contextmanager
    def _named(self, verb: str, name: str) -> Generator[None]:
        """Turn what botocore raises into our errors, with what was tried in them."""
        from botocore.exceptions import (  # noqa: PLC0415 -- as above
            BotoCoreError,
            ClientError,
            ParamValidationError,
        )

        where = f"{verb} MediaConvert job {name}"
        try:
            yield
        except ClientError as error:
            code, message = _code(error), _message(error)
            if code in _MISSING:
                raise ConversionMissing(f"{where}: there is no such job") from error
            if code in _REFUSED:
                raise ConversionRefused(f"{where}: {message}") from error
            raise ConverterError(f"{where}: {code}: {message}") from error
        except ParamValidationError as error:
            raise ConversionRefused(f"{where}: {error}") from error
        except BotoCoreError as error:
            raise ConverterError(f"{where}: {error}") from error


def _job(answer: Mapping[str, Any]) -> ConverterJob:
    return ConverterJob(
        id=answer["Id"],
        status=answer["Status"],
        percent=answer.get("JobPercentComplete"),
        error_code=answer.get("ErrorCode"),
        error_message=answer.get("ErrorMessage"),
    )


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", "?"))


def _message(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Message", "?"))
