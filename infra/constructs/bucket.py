"""The one bucket: videos in, renditions out."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct


class MediaBucket(Construct):
    """Versioned, encrypted, TLS only, nothing public.

    What was refused stays a month under rejected/ for questions, an encoded chunk a week under
    chunks/ for resuming its job, and the parts of an upload that nobody completed a day, on which
    functions/api/uploads.py counts.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        removal_policy: RemovalPolicy,
        access_log: s3.IBucket | None,
    ) -> None:
        super().__init__(scope, id_)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=removal_policy,
            server_access_logs_bucket=access_log,
            server_access_logs_prefix="media/" if access_log else None,
            lifecycle_rules=[
                _expire("rejected/", days=30),
                _expire("chunks/", days=7),
                s3.LifecycleRule(
                    id="unfinished-and-overwritten",
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                    noncurrent_version_expiration=Duration.days(30),
                ),
            ],
        )


def _expire(prefix: str, *, days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(
        id=f"expire-{prefix.rstrip('/')}",
        prefix=prefix,
        expiration=Duration.days(days),
        noncurrent_version_expiration=Duration.days(days),
    )
