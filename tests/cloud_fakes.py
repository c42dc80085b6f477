"""What Google Cloud Storage and Azure answer to the few requests that a blob store makes.

Written from the services' references: names, headers, status codes and XML as they are there.
Signatures are not checked, and a listing is one page: `LOCKGATE_TEST_GS_URL` and
`LOCKGATE_TEST_AZ_URL` point the same tests at the real services.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from obstore import store as clouds

from lockgate.artifacts.objects import ObjectStore

BUCKET = "bucket"
ACCOUNT = "devaccount"
CLIENT = {"allow_http": True}
RETRY: Any = {"max_retries": 0}


@dataclass(frozen=True)
class Item:
    """An object, and when it was put."""

    data: bytes
    put_s: float = field(default_factory=time.time)

    @property
    def etag(self) -> str:
        """Return its entity tag, quoted."""
        return f'"{hashlib.sha256(self.data).hexdigest()[:32]}"'


@dataclass
class Cloud:
    """A service that runs: where it listens, and what it holds by path."""

    url: str
    items: dict[str, Item] = field(default_factory=dict)


class _Service(BaseHTTPRequestHandler):
    """What the two services have in common."""

    protocol_version = "HTTP/1.1"
    cloud: Cloud
    root: str
    copy_source: str
    deleted: int
    created: int = 201

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if unquote(parts.path).rstrip("/") == self.root:
            self._answer(200, self.listing(query.get("prefix", "")).encode())
        else:
            self._find()

    do_HEAD = do_GET  # noqa: N815 - the name that the standard library wants

    def do_PUT(self) -> None:
        path = unquote(urlsplit(self.path).path)
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        source = self.headers.get(self.copy_source)
        if self.must_be_new() and path in self.cloud.items:
            self._answer(*self.taken())
        elif source is None and not self.says_what_it_is():
            self._answer(400, self.fault("MissingRequiredHeader"))
        elif source is None:
            item = self.cloud.items[path] = Item(data)
            self._answer(self.created, b"", {"ETag": item.etag})
        else:
            found = self.cloud.items.get(self.source_path(source))
            if found is None:
                self._answer(404, self.fault("NoSuchKey"))
            else:
                item = self.cloud.items[path] = Item(found.data)
                self._answer(*self.copied(item))

    def do_DELETE(self) -> None:
        gone = self.cloud.items.pop(unquote(urlsplit(self.path).path), None)
        self._answer(404 if gone is None else self.deleted)

    def _find(self) -> None:
        item = self.cloud.items.get(unquote(urlsplit(self.path).path))
        if item is None:
            self._answer(404, self.fault("NoSuchKey"))
            return
        said = {"ETag": item.etag, "Last-Modified": formatdate(item.put_s, usegmt=True)}
        asked = self.headers.get("range") or self.headers.get("x-ms-range")
        if asked is None:
            self._answer(200, item.data, said)
            return
        first, _, last = asked.removeprefix("bytes=").partition("-")
        part = item.data[int(first) : int(last) + 1 if last else None]
        said["Content-Range"] = f"bytes {first}-{int(first) + len(part) - 1}/{len(item.data)}"
        self._answer(206, part, said)

    def below(self, prefix: str) -> list[tuple[str, Item]]:
        """Return what lies below a prefix, by name."""
        base = f"{self.root}/"
        named = [(path.removeprefix(base), item) for path, item in self.cloud.items.items()]
        return sorted(pair for pair in named if pair[0].startswith(prefix))

    def _answer(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def fault(self, code: str) -> bytes:
        """Return what an error says."""
        return f'<?xml version="1.0"?><Error><Code>{code}</Code></Error>'.encode()

    def listing(self, prefix: str) -> str:
        raise NotImplementedError

    def says_what_it_is(self) -> bool:
        """Tell whether a PUT has the headers that the service insists on."""
        return True

    def must_be_new(self) -> bool:
        raise NotImplementedError

    def taken(self) -> tuple[int, bytes]:
        raise NotImplementedError

    def source_path(self, source: str) -> str:
        raise NotImplementedError

    def copied(self, item: Item) -> tuple[int, bytes, dict[str, str]]:
        raise NotImplementedError

    def log_message(self, *args: Any) -> None:
        """Keep quiet."""


class _Google(_Service):
    """The XML API of Google Cloud Storage."""

    root = f"/{BUCKET}"
    copy_source = "x-goog-copy-source"
    deleted = 204
    created = 200

    def must_be_new(self) -> bool:
        return self.headers.get("x-goog-if-generation-match") == "0"

    def taken(self) -> tuple[int, bytes]:
        return 412, self.fault("PreconditionFailed")

    def source_path(self, source: str) -> str:
        return f"/{unquote(source)}"

    def copied(self, item: Item) -> tuple[int, bytes, dict[str, str]]:
        body = f"<CopyObjectResult><ETag>{item.etag}</ETag></CopyObjectResult>"
        return 200, body.encode(), {}

    def listing(self, prefix: str) -> str:
        contents = "".join(
            f"<Contents><Key>{escape(name)}</Key><LastModified>{_iso(item)}</LastModified>"
            f"<ETag>{item.etag}</ETag><Size>{len(item.data)}</Size></Contents>"
            for name, item in self.below(prefix)
        )
        return f'<?xml version="1.0"?><ListBucketResult>{contents}</ListBucketResult>'


class _Azure(_Service):
    """The REST API of Azure's blob service."""

    root = f"/{BUCKET}"
    copy_source = "x-ms-copy-source"
    deleted = 202

    def says_what_it_is(self) -> bool:
        return self.headers.get("x-ms-blob-type") == "BlockBlob"

    def must_be_new(self) -> bool:
        return self.headers.get("if-none-match") == "*"

    def taken(self) -> tuple[int, bytes]:
        return 409, self.fault("BlobAlreadyExists")

    def source_path(self, source: str) -> str:
        return unquote(urlsplit(source).path)

    def copied(self, item: Item) -> tuple[int, bytes, dict[str, str]]:
        return 202, b"", {"x-ms-copy-status": "success", "ETag": item.etag}

    def do_POST(self) -> None:
        """Delete many blobs: a request in each part of the body, an answer in each of ours."""
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        answers = []
        for number, path in enumerate(re.findall(r"\r\nDELETE (\S+) HTTP/1.1\r\n", body)):
            gone = self.cloud.items.pop(unquote(urlsplit(path).path), None)
            status = "404 The specified blob does not exist." if gone is None else "202 Accepted"
            answers.append(
                "--answers\r\nContent-Type: application/http\r\n"
                f"Content-ID: {number}\r\n\r\nHTTP/1.1 {status}\r\n\r\n\r\n"
            )
        said = {"Content-Type": "multipart/mixed; boundary=answers"}
        self._answer(202, ("".join(answers) + "--answers--\r\n").encode(), said)

    def listing(self, prefix: str) -> str:
        blobs = "".join(
            f"<Blob><Name>{escape(name)}</Name><Properties>"
            f"<Last-Modified>{formatdate(item.put_s, usegmt=True)}</Last-Modified>"
            f"<Etag>{item.etag}</Etag><Content-Length>{len(item.data)}</Content-Length>"
            "<Content-Type>application/octet-stream</Content-Type>"
            "<BlobType>BlockBlob</BlobType></Properties></Blob>"
            for name, item in self.below(prefix)
        )
        return (
            f'<?xml version="1.0"?><EnumerationResults><Prefix>{escape(prefix)}</Prefix>'
            f"<Blobs>{blobs}</Blobs><NextMarker /></EnumerationResults>"
        )


def _iso(item: Item) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(item.put_s))


@contextmanager
def google(prefix: str) -> Iterator[ObjectStore]:
    """A store below ``prefix`` in a bucket of Google's."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with _running(_Google) as cloud:
        account = {
            "type": "service_account",
            "gcs_base_url": cloud.url,
            "client_email": "lockgate@example.iam.gserviceaccount.com",
            "private_key": key.decode(),
            "private_key_id": "1",
        }
        bucket = clouds.GCSStore(
            BUCKET,
            prefix=prefix,
            service_account_key=json.dumps(account),
            client_options=CLIENT,  # type: ignore[arg-type]
            retry_config=RETRY,
        )
        yield ObjectStore(bucket, f"gs://{BUCKET}/{prefix}")


@contextmanager
def azure(prefix: str) -> Iterator[ObjectStore]:
    """A store below ``prefix`` in a container of Azure's."""
    with _running(_Azure) as cloud:
        bucket = clouds.AzureStore(
            BUCKET,
            prefix=prefix,
            account_name=ACCOUNT,
            account_key=base64.b64encode(b"k" * 64).decode(),
            endpoint=cloud.url,
            client_options=CLIENT,  # type: ignore[arg-type]
            retry_config=RETRY,
        )
        yield ObjectStore(bucket, f"az://{ACCOUNT}/{BUCKET}/{prefix}")


@contextmanager
def _running(service: type[_Service]) -> Iterator[Cloud]:
    class Handler(service):  # type: ignore[misc, valid-type]
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Handler.cloud = Cloud(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("NO_PROXY", "127.0.0.1")
            yield Handler.cloud
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
