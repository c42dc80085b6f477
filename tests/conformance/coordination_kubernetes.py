"""A small API server for one custom resource, after the documented behaviour of kube-apiserver.

What it keeps to: POST answers 201, 409 for a taken name, 422 for what the schema refuses, and drops
``status``; PUT compares ``metadata.resourceVersion`` (409); PATCH takes JSON patches, a failed
``test`` is 422; ``/status`` changes the status and nothing else, the object's own path everything
but the status; a write that changes nothing makes no new version; DELETE honours preconditions
(409); lists come in pages with ``limit`` and ``continue``; ``watch`` sends what follows a version.
The schema, its immutability rule included, is read from the definition that users apply.
"""

from __future__ import annotations

import copy
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import yaml

CRD = Path(__file__).parents[2] / "deploy" / "kubernetes" / "crd.yaml"
PREFIX = ["apis", "lockgate.dev", "v1alpha1", "namespaces"]
PLURAL = "modelcacheentries"
CONTENT_TYPES = {"PATCH": "application/json-patch+json"}


class Refused(Exception):
    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message


class ObjectStore:
    """Objects of one kind, each with the resource version of its last write."""

    def __init__(self) -> None:
        version = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]
        self.schema = version["schema"]["openAPIV3Schema"]
        self.changed = threading.Condition()
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.events: list[tuple[int, str, dict[str, Any]]] = []
        self.version = 100

    def find(self, namespace: str, name: str) -> dict[str, Any]:
        try:
            return self.objects[namespace, name]
        except KeyError:
            raise Refused(404, "NotFound", f'{PLURAL} "{name}" not found') from None

    def create(self, namespace: str, sent: dict[str, Any]) -> dict[str, Any]:
        name = sent.get("metadata", {}).get("name", "")
        self._require_valid(sent)
        if (namespace, name) in self.objects:
            raise Refused(409, "AlreadyExists", f'{PLURAL} "{name}" already exists')
        made = copy.deepcopy(sent)
        made.pop("status", None)
        made["metadata"] |= {
            "namespace": namespace,
            "uid": str(uuid.uuid4()),
            "creationTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        return self._store("ADDED", namespace, name, made)

    def write(
        self, namespace: str, name: str, sent: dict[str, Any], *, status_only: bool
    ) -> dict[str, Any]:
        current = self.find(namespace, name)
        wanted = sent["metadata"].get("resourceVersion")
        if wanted and wanted != current["metadata"]["resourceVersion"]:
            raise Refused(409, "Conflict", "the object has been modified")
        made = copy.deepcopy(current)
        for part in ("status",) if status_only else ("spec",):
            made.pop(part, None)
            if part in sent:
                made[part] = copy.deepcopy(sent[part])
        self._require_valid(made)
        if made["spec"] != current["spec"]:
            raise Refused(422, "Invalid", "what a record is about never changes")
        return current if made == current else self._store("MODIFIED", namespace, name, made)

    def patch(
        self, namespace: str, name: str, steps: list[dict[str, Any]], *, status_only: bool
    ) -> dict[str, Any]:
        patched = copy.deepcopy(self.find(namespace, name))
        for step in steps:
            _apply_step(patched, step)
        return self.write(namespace, name, patched, status_only=status_only)

    def delete(self, namespace: str, name: str, options: dict[str, Any]) -> dict[str, Any]:
        current = self.find(namespace, name)
        for field, wanted in options.get("preconditions", {}).items():
            if current["metadata"].get(field) != wanted:
                raise Refused(409, "Conflict", f"precondition {field}: {wanted} is not current")
        del self.objects[namespace, name]
        self._note("DELETED", current)
        return {"kind": "Status", "apiVersion": "v1", "status": "Success"}

    def page(self, namespace: str, limit: int, after: str) -> dict[str, Any]:
        names = sorted(n for ns, n in self.objects if ns == namespace and n > after)
        chosen = names[:limit] if limit else names
        more = {"continue": chosen[-1]} if len(chosen) < len(names) else {}
        return {
            "apiVersion": "lockgate.dev/v1alpha1",
            "kind": "ModelCacheEntryList",
            "metadata": {"resourceVersion": str(self.version), **more},
            "items": [self.objects[namespace, name] for name in chosen],
        }

    def _require_valid(self, sent: dict[str, Any]) -> None:
        faults = [
            f"{'.'.join(map(str, fault.path))}: {fault.message}"
            for fault in jsonschema.Draft4Validator(self.schema).iter_errors(sent)
        ]
        if faults:
            raise Refused(422, "Invalid", "; ".join(faults))

    def _store(self, event: str, namespace: str, name: str, made: dict[str, Any]) -> dict[str, Any]:
        made["metadata"]["resourceVersion"] = str(self.version + 1)
        self.objects[namespace, name] = made
        self._note(event, made)
        return made

    def _note(self, event: str, about: dict[str, Any]) -> None:
        self.version += 1
        self.events.append((self.version, event, about))
        self.changed.notify_all()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FakeApiServer

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        try:
            with self.server.store.changed:
                answer = self.answer(body)
            if answer is not None:
                self.reply(201 if self.command == "POST" else 200, answer)
        except Refused as refused:
            self.reply(
                refused.code,
                {
                    "kind": "Status",
                    "apiVersion": "v1",
                    "status": "Failure",
                    "message": refused.message,
                    "reason": refused.reason,
                    "code": refused.code,
                },
            )

    # The names that http.server looks for.
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

    def answer(self, body: Any) -> dict[str, Any] | None:
        store, url = self.server.store, urlsplit(self.path)
        self.server.requests.append(f"{self.command} {url.path}")
        parts = url.path.strip("/").split("/")
        if parts[:4] != PREFIX or len(parts) < 6 or parts[5] != PLURAL:
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        namespace, name, subresource = parts[4], *(parts[6:] + [""] * 2)[:2]
        expected = CONTENT_TYPES.get(self.command, "application/json")
        if body is not None and self.headers.get("Content-Type") != expected:
            raise Refused(415, "UnsupportedMediaType", f"this patch type is not {expected}")
        status_only = subresource == "status"
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        match self.command, bool(name):
            case "GET", True:
                return store.find(namespace, name)
            case "GET", False if "watch" in query:
                self.watch(namespace, int(query.get("resourceVersion", "0")))
                return None
            case "GET", False:
                return store.page(namespace, int(query.get("limit", 0)), query.get("continue", ""))
            case "POST", False:
                return store.create(namespace, body)
            case "PUT", True:
                return store.write(namespace, name, body, status_only=status_only)
            case "PATCH", True:
                return store.patch(namespace, name, body, status_only=status_only)
            case "DELETE", True:
                return store.delete(namespace, name, body or {})
        raise Refused(405, "MethodNotAllowed", "the server does not allow this method")

    def watch(self, namespace: str, after: int) -> None:
        """Send events as lines until the client goes away. Entered with the lock held."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        store = self.server.store
        while not self.server.stopping:
            for version, event, about in list(store.events):
                if version > after and about["metadata"]["namespace"] == namespace:
                    line = json.dumps({"type": event, "object": about}) + "\n"
                    self.wfile.write(line.encode())
                    after = version
            self.wfile.flush()
            store.changed.wait(0.1)

    def reply(self, code: int, answer: dict[str, Any]) -> None:
        data = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Keep the tests' output clean."""


class FakeApiServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, store: ObjectStore | None = None, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.store = store or ObjectStore()
        self.requests: list[str] = []
        self.stopping = False
        self._clients: set[socket.socket] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self._clients.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._clients.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Break off every connection, as a server does that dies."""
        for client in list(self._clients):
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)


@contextmanager
def running(server: FakeApiServer) -> Iterator[FakeApiServer]:
    """Serve until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.stopping = True
        server.shutdown()
        thread.join()
        server.hang_up()
        server.server_close()


def write_kubeconfig(folder: Path, server_url: str) -> Path:
    """Write a configuration that reaches the server with a token."""
    path = folder / "kubeconfig.yaml"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": server_url}}],
        "users": [{"name": "test", "user": {"token": "not-a-secret"}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    }
    path.write_text(yaml.safe_dump(config))
    return path


def _apply_step(document: dict[str, Any], step: dict[str, Any]) -> None:
    *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in _parts(step["path"])]
    target = document
    for part in parents:
        if part not in target:
            raise Refused(422, "Invalid", f"the path {step['path']} does not exist")
        target = target[part]
    match step["op"]:
        case "test":
            if target.get(last) != step["value"]:
                raise Refused(422, "Invalid", f"testing value {step['path']} failed")
        case "add":
            target[last] = step["value"]
        case "replace" | "remove" if last not in target:
            raise Refused(422, "Invalid", f"the path {step['path']} does not exist")
        case "replace":
            target[last] = step["value"]
        case "remove":
            del target[last]
        case _:
            raise Refused(400, "BadRequest", f"no operation {step['op']}")


def _parts(path: str) -> list[str]:
    return path.removeprefix("/").split("/")
