"""Import: the files of a version come from where a URI says, fetched by this very process.

    URI ──► provider: which files? ──► a batch of them, to disk, hashed ──► chunks ──► manifest
                                       (size and digest as told)                       ──► version

A server fetches nothing for anybody: its client does, on the client's own network and with its own
rights, and pushes. What is fetched is judged all the same, since the URI may be somebody else's.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar
from urllib.parse import unquote, urlsplit

from lockgate.artifacts.batches import together
from lockgate.artifacts.carrying import FileVerbs, PushTold
from lockgate.artifacts.pushing import push_opened, push_tree
from lockgate.artifacts.sending import PushProgress, Sink
from lockgate.artifacts.trees import FOLDER_FLAGS, open_file, open_parent, open_root
from lockgate.artifacts.trees import write_at as write
from lockgate.domain.imports import ImportRules
from lockgate.domain.manifests import FileEntry, Manifest, build_manifest
from lockgate.domain.versions import ModelVersion
from lockgate.errors import (
    ArtifactNotFound,
    DigestMismatch,
    InvalidInput,
    LimitExceeded,
    Unavailable,
)

if TYPE_CHECKING:
    from lockgate.coordination.providers import Provider, SourceFile
    from lockgate.domain.claims import ModelKey

T = TypeVar("T")

ATTEMPTS_MAX: Final = 4
PAUSE_S: Final = 0.2
BATCH_BYTES: Final = 256 * 2**20
BATCH_FILES_MAX: Final = 1_000
URI_CHARS_MAX: Final = 4_096
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Imported:
    """What was brought in, and the URI that names exactly that, without secrets."""

    manifest: Manifest
    source: str


class ImportVerbs(FileVerbs):
    """The files of versions from elsewhere."""

    _imports: ImportRules | None = None

    @abstractmethod
    def _import_rules(self) -> ImportRules:
        """Return what this process may fetch by URI, unless told otherwise."""

    def importing_under(self, rules: ImportRules) -> Self:
        """Return this registry with rules of its own for what `import_files` may fetch."""
        other = copy(self)
        other._imports = rules
        return other

    def import_files(
        self,
        uri: str,
        name: str,
        version: str | int | None = None,
        *,
        metrics: Mapping[str, float] | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | Sequence[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        run_id: str | None = None,
        description: str = "",
        stage: str | None = None,
        lifecycle: str | None = None,
        progress: PushTold | None = None,
    ) -> ModelVersion:
        """Make what a URI names the files of a version, and return that version, sealed.

        ``file:///…`` below an allowed folder, ``http(s)://…[#sha256=…]``, ``s3://BUCKET/PREFIX``,
        ``gs://…`` or ``hf://OWNER/NAME[@REVISION]``; this process fetches, whichever registry it
        is for. The version's ``artifact_uri`` says where the files came from. `InvalidInput` for
        a URI that is not allowed, `LimitExceeded`, `DigestMismatch`, `ArtifactNotFound`,
        `Unavailable`; the rest as `push`.
        """
        workspace = self._own_folder() / "imports"
        rules = self._imports or self._import_rules()
        found = bring(uri, rules, self._sink(), workspace, progress)
        words = {
            "version": version,
            "artifact_uri": found.source,
            "metrics": metrics,
            "params": params,
            "tags": tags,
            "metadata": metadata,
            "run_id": run_id,
            "description": description,
            "stage": stage,
            "lifecycle": lifecycle,
        }
        return self._publish(name, found.manifest, words)


def bring(
    uri: str, rules: ImportRules, sink: Sink, workspace: Path, progress: PushTold | None = None
) -> Imported:
    """Fetch what ``uri`` names and send it to ``sink``; see `ImportVerbs.import_files`."""
    if len(uri) > URI_CHARS_MAX:
        raise LimitExceeded(what="The length of the URI", observed=len(uri), limit=URI_CHARS_MAX)
    _require_plain(uri)
    scheme = uri.partition(":")[0].lower()
    if scheme == "file":
        return _bring_local(uri, rules, sink, progress)
    workspace.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        provider = stack.enter_context(closing(_provider(scheme, uri, rules)))
        folder = Path(tempfile.mkdtemp(dir=workspace))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        return _Import(provider, rules, sink, folder, progress).run(uri)


def _require_plain(uri: str) -> None:
    """Refuse what one reader of URIs would take for another place than the next."""
    try:
        urlsplit(uri)
    except ValueError as error:
        raise InvalidInput(detail=f"{uri[:200]!r} is no URI: {error}", field="uri") from None
    if "\\" in uri or any(letter <= " " or letter == "\x7f" for letter in uri):
        raise InvalidInput(
            detail=f"{uri[:200]!r} has a space, a control character or a backslash in it; "
            "right would be percent-encoding",
            field="uri",
        )


def _provider(scheme: str, uri: str, rules: ImportRules) -> Provider:
    """Return the provider of a scheme, which reaches what the rules allow and nothing else."""
    from dataclasses import replace

    from lockgate.coordination.huggingface import HuggingFaceProvider
    from lockgate.coordination.objects import ObjectProvider
    from lockgate.coordination.web import WebFiles, WebProvider
    from lockgate.outbound import Patience, open_client

    reach, patience = rules.reach, Patience(wall_s=rules.wall_s)
    if scheme == "hf" and rules.hf_endpoint:
        # Who runs this process named the hub; where that sends us to is judged like the rest.
        hub = urlsplit(rules.hf_endpoint)
        reach = replace(reach, hosts=reach.hosts | {hub.netloc.rpartition("@")[2].lower()})

    def connect(headers: Mapping[str, str]) -> Any:
        return open_client(reach, patience=patience, headers=headers)

    if "://" in uri:
        if scheme in ("http", "https"):
            return WebProvider(scheme, WebFiles(connect=connect))
        if scheme == "hf":
            return HuggingFaceProvider(
                endpoint=rules.hf_endpoint, token=rules.hf_token, connect=connect
            )
        if scheme in ("s3", "gs"):
            return ObjectProvider(scheme)
    raise InvalidInput(
        detail=f"{uri[:200]!r} cannot be imported; what can is file:///…, http(s)://…, "
        "s3://…, gs://… and hf://OWNER/NAME[@REVISION]",
        field="uri",
    )


class _Import:
    """One import under way."""

    def __init__(
        self,
        provider: Provider,
        rules: ImportRules,
        sink: Sink,
        folder: Path,
        progress: PushTold | None,
    ) -> None:
        self._provider, self._rules, self._sink = provider, rules, sink
        self._folder, self._progress = folder, progress
        self._deadline_s = time.monotonic() + rules.wall_s
        self._bytes = self._bytes_total = self._bytes_sent = 0
        self._only_sha256 = ""

    def run(self, uri: str) -> Imported:
        key = self._patiently(lambda: self._provider.resolve(uri, ignore_weights=False))
        files = self._patiently(lambda: list(self._provider.list_files(key)))
        self._bytes_total = sum(file.size or 0 for file in files)
        if self._bytes_total > self._rules.bytes_max:
            raise self._too_large(self._bytes_total)
        entries: list[FileEntry] = []
        for number, batch in enumerate(_batched(files)):
            folder = self._folder / str(number)
            folder.mkdir()
            with open_root(folder) as opened:
                for file in batch:
                    self._fetch(key, file, opened)
            entries += self._push(folder)
            shutil.rmtree(folder)
        return Imported(build_manifest(entries), self._source(key))

    def _push(self, folder: Path) -> tuple[FileEntry, ...]:
        pushed = push_tree(folder, self._sink)
        self._bytes_sent += pushed.bytes_sent
        if self._progress:
            total = max(self._bytes_total, self._bytes)
            self._progress(PushProgress(self._bytes, total, self._bytes_sent))
        return pushed.manifest.files

    def _fetch(self, key: ModelKey, file: SourceFile, folder: int) -> None:
        """Write a file below the folder, and check it against what its origin said of it."""
        digest = hashlib.sha256()
        size = 0
        with open_file(folder, file.path, _NEW) as target:

            def rest() -> None:
                nonlocal size
                for piece in self._provider.read(key, file, size):
                    self._take(len(piece))
                    write(target, size, piece)
                    digest.update(piece)
                    size += len(piece)

            self._patiently(rest)
        if file.size is not None and size != file.size:
            raise Unavailable(detail=f"{file.path} has {size} bytes, not {file.size} as was said.")
        if file.sha256 is not None and digest.hexdigest() != file.sha256.lower():
            raise DigestMismatch(
                subject=file.path, observed=digest.hexdigest(), expected=file.sha256
            )
        self._only_sha256 = digest.hexdigest()

    def _take(self, count: int) -> None:
        self._bytes += count
        if self._bytes > self._rules.bytes_max:
            raise self._too_large(self._bytes)
        if time.monotonic() > self._deadline_s:
            raise LimitExceeded(
                what="The time of the import in seconds",
                observed=int(self._rules.wall_s) + 1,
                limit=int(self._rules.wall_s),
            )

    def _patiently(self, work: Callable[[], T]) -> T:
        """Do what may fail for a moment a few times."""
        for attempt in range(1, ATTEMPTS_MAX):
            try:
                return work()
            except Unavailable:
                time.sleep(PAUSE_S * attempt)
        return work()

    def _too_large(self, observed: int) -> LimitExceeded:
        return LimitExceeded(
            what="The bytes of the import", observed=observed, limit=self._rules.bytes_max
        )

    def _source(self, key: ModelKey) -> str:
        """Return the URI of exactly these bytes, as far as its scheme can say that."""
        if key.provider == "hf":
            return f"hf://{key.model}@{key.revision}"
        if key.provider in ("http", "https"):
            # A query may be a signature: that is nobody's business later.
            return f"{key.provider}://{key.model.partition('?')[0]}#sha256={self._only_sha256}"
        return f"{key.provider}://{key.model}"


def _batched(files: list[SourceFile]) -> Iterator[list[SourceFile]]:
    """Yield files that lie on our disk together; one of unknown size lies there alone."""
    return together(
        files,
        lambda file: BATCH_BYTES if file.size is None else file.size,
        bytes_max=BATCH_BYTES,
        items_max=BATCH_FILES_MAX,
    )


def _bring_local(uri: str, rules: ImportRules, sink: Sink, progress: PushTold | None) -> Imported:
    """Push a file or folder of this machine's, if it lies below an allowed root.

    Links are followed once, to find out where the path leads; from the root down to there, and
    below, it is then opened without following any, so that a swap in between is an error.
    """
    parts = urlsplit(uri)
    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost") or not os.path.isabs(path) or "\0" in path:
        raise InvalidInput(
            detail=f"{uri[:200]!r} is not file:///ABSOLUTE/PATH on this machine", field="uri"
        )
    real = Path(os.path.realpath(path))
    root = _root_of(real, rules.roots)
    if root is None:
        raise InvalidInput(
            detail=f"{uri[:200]!r} lies in no folder that the setting import_roots allows; "
            "`lockgate push PATH` takes files of one's own",
            field="uri",
        )
    try:
        with open_root(root) as opened:
            pushed = _push_below(opened, real.relative_to(root).as_posix(), sink, progress)
    except (FileNotFoundError, NotADirectoryError):
        raise ArtifactNotFound(reference=f"file://{path}") from None
    except OSError as error:
        raise Unavailable(detail=f"{path} cannot be read: {error.strerror or error}.") from error
    return Imported(pushed, f"file://{real}")


def _root_of(path: Path, roots: Sequence[str]) -> Path | None:
    for each in roots:
        root = Path(os.path.realpath(each))
        if path.is_relative_to(root):
            return root
    return None


def _push_below(root: int, path: str, sink: Sink, progress: PushTold | None) -> Manifest:
    if path == ".":
        return push_opened(root, None, sink, on_progress=progress).manifest
    with open_parent(root, path) as parent:
        name = path.rpartition("/")[2]
        try:
            folder = os.open(name, FOLDER_FLAGS, dir_fd=parent)
        except NotADirectoryError:
            return push_opened(parent, name, sink, on_progress=progress).manifest
        try:
            return push_opened(folder, None, sink, on_progress=progress).manifest
        finally:
            os.close(folder)
