"""Lockgate: a model registry whose gates hold.

    import lockgate

    registry = lockgate.connect("sqlite:///lockgate.db")
    registry.register_model("churn", "1.0.0", metrics={"auc": 0.91})
    registry.promote("churn", "1.0.0")

Everything here is imported when it is first used, so that ``import lockgate`` costs little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from lockgate.bootstrap import connect as connect
    from lockgate.bootstrap import log_model as log_model
    from lockgate.bootstrap import use_model as use_model
    from lockgate.domain.models import RegisteredModel as RegisteredModel
    from lockgate.domain.policies import PromotionPolicy as PromotionPolicy
    from lockgate.domain.references import Reference as Reference
    from lockgate.domain.versions import ModelVersion as ModelVersion
    from lockgate.errors import RegistryError as RegistryError
    from lockgate.registry import Registry as Registry
    from lockgate.sdk.client import Client as Client

_HOMES = {
    "Client": "lockgate.sdk.client",
    "ModelVersion": "lockgate.domain.versions",
    "Reference": "lockgate.domain.references",
    "PromotionPolicy": "lockgate.domain.policies",
    "RegisteredModel": "lockgate.domain.models",
    "Registry": "lockgate.registry",
    "connect": "lockgate.bootstrap",
    "log_model": "lockgate.bootstrap",
    "use_model": "lockgate.bootstrap",
}


def __getattr__(name: str) -> Any:
    import importlib

    home = _HOMES.get(name)
    if home is None:
        errors = importlib.import_module("lockgate.errors")
        if name not in errors.__all__:
            raise AttributeError(f"module 'lockgate' has no attribute {name!r}")
        value = getattr(errors, name)
    else:
        value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    from lockgate.errors import __all__ as errors

    return sorted({"__version__", *_HOMES, *errors})
