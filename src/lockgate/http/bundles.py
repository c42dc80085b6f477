"""Routes of portable bundles: the words of a version, signed, out and in. Bytes go by `files`."""

from __future__ import annotations

from starlette.responses import Response

from lockgate.domain.portable import BundleHead
from lockgate.http.calls import CallOf
from lockgate.http.routing import VERSION, router
from lockgate.wire.answers import BundleAnswer, VersionAnswer
from lockgate.wire.bodies import NewBundle

routes = router("bundles")


@routes.post(VERSION + "/bundle", response_model=BundleAnswer)
async def bundle_head(call: CallOf, project: str, model: str, version: str) -> Response:
    """Return what goes into a version's bundle beside its bytes, signed."""
    return await call.write(lambda registry: registry.bundle_head(f"{project}/{model}:{version}"))


@routes.post("/projects/{project}/bundles", status_code=201, response_model=VersionAnswer)
async def seal_bundle(call: CallOf, project: str, body: NewBundle) -> Response:
    """Make a version of what a bundle says; its chunks and manifest are here already."""
    head = BundleHead(index=body.index, note=body.note)
    return await call.write(
        lambda registry: registry.seal_bundle(head, body.trust, project=project),
        call.kept.represent,
        status=201,
    )
