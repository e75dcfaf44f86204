"""The CDK app: the stacks of one stage, by how long they live, checked.

    Data     keeps everything; retained, protected from deletion, rarely changed
    Service  holds nothing; may be destroyed and deployed again at any time
    Watch    looks at both

How it is called:

    cdk synth                            stage dev, into cdk.out
    cdk deploy --all -c stage=prod -c …  the cloud
    pixr.local.deploy.deploy(…)          one machine; it runs the same `cdk deploy`
"""

from __future__ import annotations

import sys
from pathlib import Path

from aws_cdk import App, Tags, Validations

from infra.bundling import BundleError, Bundles, bundle
from infra.context import (
    LOCAL,
    ContextError,
    cloud_choices,
    cloud_keys,
    cloud_lookup,
    read_settings,
    stage_of,
)
from infra.service import Service


def build(app: App, stage: str, bundles: Bundles) -> None:
    """Put the stage's stacks into the app.

    Raises:
        ContextError: A value is missing or not allowed in this stage, or a name is unknown.
    """
    prefix = f"Pixr-{stage}"
    if stage == LOCAL:
        Service(app, f"{prefix}-Service", bundles=bundles, cloud=None)
        return
    from infra.data import Data  # noqa: PLC0415 - one machine has no use for it, nor time
    from infra.watch import Watch  # noqa: PLC0415 - likewise

    context = app.node.try_get_context
    chosen = cloud_choices(context, app.node.get_all_context(), stage)
    settings = read_settings(stage, cloud_lookup(context, stage), chosen)
    data = Data(app, f"{prefix}-Data", settings=settings, keys=cloud_keys(context, stage))
    service = Service(app, f"{prefix}-Service", bundles=bundles, cloud=(settings, data.places))
    Watch(app, f"{prefix}-Watch", stage=stage, service=service, alarm_email=context("alarm_email"))
    for key, value in (("project", "pixr"), ("stage", stage)):
        # CDK would tag target groups of a proxy too, and CloudFormation would refuse them.
        Tags.of(app).add(key, value, exclude_resource_types=["AWS::RDS::DBProxyTargetGroup"])


def check(app: App) -> None:
    """Have cdk-nag look at every resource; a finding without a reason ends the synthesis."""
    import cdk_nag  # noqa: PLC0415 - half a second that a deployment to one machine need not wait

    Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app))


def main() -> None:
    """Synthesize; a wrong context or a missing bundle is one line and exit code 1."""
    app = App(analytics_reporting=False)
    try:
        stage = stage_of(app.node.try_get_context)
        build(app, stage, bundle(stage, Path.cwd()))
    except (ContextError, BundleError) as error:
        sys.exit(f"infra: {error}")
    if stage != LOCAL:
        check(app)
    app.synth()


if __name__ == "__main__":
    main()
