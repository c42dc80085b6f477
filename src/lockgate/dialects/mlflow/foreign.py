"""An MLflow registry elsewhere, read through MLflow's own client: a server, a database, a folder.

What it says is not trusted: files are fetched only from places that a server may name. A path on
the disk is one only in a registry that lies on this machine itself.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from lockgate.domain.mlflow_messages import IS_PROMPT, is_prompt
from lockgate.errors import InvalidInput, ServerUnreachable, Unavailable

_PAGE_ITEMS: Final = 100
_SERVED: Final = ("http", "https")
# Prompts, and their versions, are found only by whoever asks for them.
_PROMPTS: Final = f"tags.`{IS_PROMPT}` = 'true'"
_BUCKETS: Final = frozenset({"s3", "gs", "wasbs", "abfss", "dbfs", "hdfs", "r2", "b2"})
# MLflow's client shows bars of its own, and tries a dead server for minutes.
_QUIET: Final = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    # It writes no folders any more, but reads those there are.
    "MLFLOW_ALLOW_FILE_STORE": "true",
}
_DATABASES: Final = frozenset({"postgresql", "mysql", "mssql"})
_FILE_DATABASE: Final = "sqlite"


class Elsewhere(Exception):
    """Why the files of a version cannot be had from here."""


@dataclass(frozen=True, kw_only=True)
class ForeignVersion:
    """A version as MLflow tells of it; times are in milliseconds since 1970."""

    model: str
    number: int
    stage: str
    description: str
    source: str
    run_id: str | None
    run_link: str
    model_id: str | None
    user: str
    created_ms: int
    tags: Mapping[str, str]
    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_files(self) -> bool:
        """Whether it says that it has files; a prompt is all in its tags."""
        return bool(self.source) and not is_prompt(dict(self.tags))


@dataclass(frozen=True, kw_only=True)
class ForeignModel:
    """A model, with its versions by number and its aliases."""

    name: str
    description: str
    tags: Mapping[str, str]
    aliases: Mapping[str, int]
    versions: tuple[ForeignVersion, ...]


class ForeignRegistry:
    """The MLflow registry at a URI, which is where its runs are kept as well.

    Raises `InvalidInput` where there is none or MLflow is not installed, `Unavailable` when it
    cannot be read.
    """

    def __init__(self, uri: str) -> None:
        _require_registry(uri)
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        try:
            import mlflow
        except ImportError:
            raise InvalidInput(
                detail="Reading an MLflow registry takes MLflow's own client: pip install mlflow",
                field="uri",
            ) from None
        self.uri = uri
        self._served = urlsplit(uri).scheme in _SERVED
        # Some of its functions know no other way to be told.
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        with self._reporting():
            self._client: Any = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)

    def models(self) -> Iterator[ForeignModel]:
        """Yield every model and every prompt, each with its versions."""
        for filter_string in (None, _PROMPTS):
            token: str | None = None
            while True:
                with self._reporting():
                    page = self._client.search_registered_models(
                        filter_string=filter_string, max_results=_PAGE_ITEMS, page_token=token
                    )
                for model in page:
                    yield self._model(model, filter_string)
                token = page.token
                if not token:
                    break

    def evidence(self, version: ForeignVersion) -> tuple[dict[str, float], dict[str, str]]:
        """Return metrics and params of the run that made a version; raises `Elsewhere`."""
        if not version.run_id:
            return {}, {}
        try:
            data = self._client.get_run(version.run_id).data
        except Exception as error:
            raise Elsewhere(_sentence(error)) from error
        return dict(data.metrics), dict(data.params)

    def download(self, version: ForeignVersion, folder: Path) -> Path:
        """Bring a version's files into a folder (or say where they lie); raises `Elsewhere`."""
        from mlflow.artifacts import download_artifacts

        try:
            place = self._place(version)
            self._require_allowed(place)
            return Path(download_artifacts(artifact_uri=place, dst_path=str(folder)))
        except Elsewhere:
            raise
        except Exception as error:
            raise Elsewhere(_sentence(error)) from error

    def _place(self, version: ForeignVersion) -> str:
        """Return where files lie in the end, behind what leads there."""
        place: str = self._client.get_model_version_download_uri(version.model, str(version.number))
        if place.startswith("models:/m-"):
            model = self._client.get_logged_model(place.removeprefix("models:/").strip("/"))
            place = model.artifact_location
        elif place.startswith("runs:/"):
            run_id, _, path = place.removeprefix("runs:/").partition("/")
            place = f"{self._client.get_run(run_id).info.artifact_uri.rstrip('/')}/{path}"
        return place

    def _require_allowed(self, place: str) -> None:
        parts = urlsplit(place)
        if parts.scheme == "mlflow-artifacts":
            allowed = self._served
        elif parts.scheme in _SERVED:
            allowed = self._served and parts.netloc == urlsplit(self.uri).netloc
        elif parts.scheme in ("", "file"):
            allowed = not self._served
        else:
            allowed = parts.scheme in _BUCKETS
        if not allowed:
            raise Elsewhere(f"they lie at {place}, which cannot be reached through {self.uri}")

    def _model(self, model: Any, only: str | None) -> ForeignModel:
        name = model.name.replace("'", "''")
        wanted = f"name='{name}'" + (f" AND {only}" if only else "")
        found: list[Any] = []
        token: str | None = None
        while True:
            with self._reporting():
                page = self._client.search_model_versions(
                    wanted, max_results=_PAGE_ITEMS, page_token=token
                )
            found += page
            token = page.token
            if not token:
                break
        return ForeignModel(
            name=model.name,
            description=model.description or "",
            tags=dict(model.tags or {}),
            aliases={alias: int(number) for alias, number in (model.aliases or {}).items()},
            versions=tuple(
                _version(each) for each in sorted(found, key=lambda each: int(each.version))
            ),
        )

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        """Say in one sentence that the other registry cannot be read."""
        try:
            yield
        except Exception as error:
            if self._served:
                raise ServerUnreachable(url=self.uri, detail=_sentence(error)) from error
            raise Unavailable(detail=f"{self.uri} cannot be read: {_sentence(error)}") from error


def _require_registry(uri: str) -> None:
    """Refuse what names no registry: MLflow would make an empty one where a path is mistyped."""
    parts = urlsplit(uri)
    scheme = parts.scheme.partition("+")[0]
    if scheme in _SERVED or scheme in _DATABASES:
        return
    if scheme not in (_FILE_DATABASE, "file", ""):
        raise InvalidInput(
            detail=f"{scheme}:// is no place of an MLflow registry: it is http(s)://host, "
            "sqlite:///file, postgresql://…, mysql://…, mssql://… or a folder",
            field="uri",
        )
    if scheme == _FILE_DATABASE:
        path = Path(unquote(uri.partition(":///")[2].partition("?")[0]))
        there = path.is_file()
    else:
        path = Path(unquote(parts.path))
        there = path.is_dir()
    if not there:
        raise InvalidInput(detail=f"There is no MLflow registry at {path}", field="uri")


def _version(version: Any) -> ForeignVersion:
    return ForeignVersion(
        model=version.name,
        number=int(version.version),
        stage=version.current_stage or "None",
        description=version.description or "",
        source=version.source or "",
        run_id=version.run_id or None,
        run_link=version.run_link or "",
        model_id=getattr(version, "model_id", None) or None,
        user=version.user_id or "",
        created_ms=version.creation_timestamp or 0,
        tags=dict(version.tags or {}),
    )


def _sentence(error: Exception) -> str:
    """Return the first line of what went wrong."""
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:300]
