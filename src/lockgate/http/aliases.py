"""Routes of aliases."""

from __future__ import annotations

from starlette.responses import Response

from lockgate.domain import names
from lockgate.domain.history import Alias
from lockgate.errors import AliasNotFound
from lockgate.http.calls import CallOf
from lockgate.http.representations import represent_nothing
from lockgate.http.routing import MODEL, router
from lockgate.registry import Registry
from lockgate.wire.answers import AliasAnswer
from lockgate.wire.bodies import AliasTarget

routes = router("aliases")


@routes.get(MODEL + "/aliases", response_model=list[AliasAnswer])  # type: ignore[valid-type]
async def list_aliases(call: CallOf, project: str, model: str) -> Response:
    """List a model's aliases by name."""
    return await call.read(lambda registry: registry.list_aliases(f"{project}/{model}"))


@routes.get(MODEL + "/aliases/{alias}", response_model=AliasAnswer)
async def get_alias(call: CallOf, project: str, model: str, alias: str) -> Response:
    """Return an alias and the version that it names."""

    def find(registry: Registry) -> Alias:
        for each in registry.list_aliases(f"{project}/{model}"):
            if each.alias == names.sought(alias, "alias"):
                return each
        raise AliasNotFound(model=model, alias=alias)

    return await call.read(find)


@routes.put(MODEL + "/aliases/{alias}", response_model=AliasAnswer)
async def set_alias(
    call: CallOf, project: str, model: str, alias: str, body: AliasTarget
) -> Response:
    """Make an alias name a version, whatever it named before. ``If-Match`` is of the model."""
    return await call.write(
        lambda registry: registry.set_alias(
            f"{project}/{model}", alias, body.version, protected=body.protected
        ),
        of=(project, model),
    )


@routes.delete(MODEL + "/aliases/{alias}", status_code=204, response_model=None)
async def delete_alias(call: CallOf, project: str, model: str, alias: str) -> Response:
    """Take an alias away. ``If-Match`` is of the model."""
    return await call.write(
        lambda registry: registry.delete_alias(f"{project}/{model}", alias),
        represent_nothing,
        status=204,
        of=(project, model),
    )
