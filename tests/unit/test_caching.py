"""Where a cache lies and through what its users agree, by words and settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockgate.caching import CachePlan, open_cache
from lockgate.coordination.memory import MemoryBackend
from lockgate.coordination.sql import SqlBackend
from lockgate.coordinators import coordination_of, open_coordination
from lockgate.domain.claims import ModelKey, ModelStatus
from lockgate.errors import CoordinatorUnavailable, InvalidInput, InvalidSetting
from lockgate.settings import Settings
from registries import a_server


def test_alone_on_a_machine_nothing_needs_to_be_said(tmp_path):
    """Without words or settings, models and records lie in the user's own folder."""
    plan = CachePlan.of(Settings(cache=str(tmp_path / "own")))
    assert (plan.root, plan.scope) == (tmp_path / "own" / "models", "cluster")
    assert plan.coordination == f"sqlite:///{tmp_path}/own/coordination.sqlite"
    with plan.opened() as opened:
        opened.backend.set_status(ModelKey("hf", "m"), ModelStatus.ERROR)
    assert (tmp_path / "own" / "coordination.sqlite").exists()


def test_shared_folder_needs_a_way_to_agree(tmp_path):
    """A folder that was named may be others' too: through what they agree has to be said."""
    for settings, root in (
        (Settings(), tmp_path),
        (Settings(cache_root=str(tmp_path)), None),
    ):
        with pytest.raises(InvalidSetting, match="who else uses"):
            CachePlan.of(settings, root)


def test_words_come_before_settings(tmp_path):
    """What a caller says stands; what is left out is taken from the settings."""
    settings = Settings(
        cache_root="/a", coordination="redis://a", cache_scope="node", cache_node="n1"
    )
    plan = CachePlan.of(settings)
    assert (str(plan.root), plan.coordination, plan.scope, plan.node) == (
        "/a",
        "redis://a",
        "node",
        "n1",
    )
    plan = CachePlan.of(settings, "/b", "redis://b", "cluster", "n2")
    assert (str(plan.root), plan.coordination, plan.scope, plan.node) == (
        "/b",
        "redis://b",
        "cluster",
        "n2",
    )


@pytest.mark.parametrize("url", ["sqlite:///r.db", "postgresql://h/r", "https://registry"])
def test_the_registry_coordinates_too(url):
    """``registry`` stands for the registry's own database, or its server."""
    assert CachePlan.of(Settings(url=url), "/a", "registry").coordination == url
    assert CachePlan.of(Settings(), "/a", "registry", url=url).coordination == url


def test_unknown_scope_is_refused():
    """A scope is cluster or node."""
    with pytest.raises(InvalidSetting, match="'galaxy' is not cluster or node"):
        CachePlan.of(Settings(), scope="galaxy")


def test_a_server_coordinates_when_told(tmp_path):
    """Without the setting a server has no backend; with it, its own database or another."""
    assert coordination_of(Settings()) is None
    database = f"sqlite:///{tmp_path}/r.db"
    own = coordination_of(Settings(database=database, coordination="registry"))
    assert isinstance(own, SqlBackend)
    own.close()
    assert isinstance(coordination_of(Settings(coordination="memory://")), MemoryBackend)


def test_unusable_coordination_is_refused(tmp_path):
    """A URL of no kind, and a server that does not answer or coordinates nothing, are told."""
    with pytest.raises(InvalidInput, match="is no coordination URL"):
        open_coordination("etcd://host")
    with pytest.raises(CoordinatorUnavailable, match="No answer from"):
        open_coordination("http://127.0.0.1:9")
    with a_server() as server, pytest.raises(CoordinatorUnavailable, match="LOCKGATE_COORDINATION"):
        open_coordination(server.url)


def test_open_cache_brings_a_model_and_closes_behind_itself(tmp_path):
    """One call gives a cache with every provider, on a registry that is opened when asked for."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "w.bin").write_bytes(b"w" * 1000)
    settings = Settings(url=f"sqlite:///{tmp_path}/never.db")
    root, records = tmp_path / "cache", f"sqlite:///{tmp_path}/records.sqlite"
    with open_cache(root, coordination=records, settings=settings) as cache:
        path = cache.ensure(f"file://{source}")
        assert (path / "w.bin").read_bytes() == b"w" * 1000
        with pytest.raises(
            InvalidInput, match="there are: file, gs, hf, http, https, lockgate, s3"
        ):
            cache.ensure("ftp://x")
    assert not Path(tmp_path / "never.db").exists()
