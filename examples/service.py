"""Answer predictions over HTTP with whatever version is in production.

    python examples/service.py --port 8100
    curl localhost:8100/version
    curl localhost:8100/predict -d '{"images": [[0, 0, 5, ...64 numbers from 0 to 16...]]}'

The registry is asked every few seconds; a new version in production is picked up without a
restart. A version whose file is not what was registered is refused, and the one before goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import numpy as np
from sklearn.linear_model import LogisticRegression

import lockgate

BODY_BYTES_MAX = 4_000_000
PIXELS = 64


@dataclass(frozen=True)
class Loaded:
    """A version, and the model that its file holds."""

    version: lockgate.ModelVersion
    model: LogisticRegression


def load(version: lockgate.ModelVersion) -> Loaded:
    """Return the model of a version. Raises ValueError unless its file is what was registered."""
    content = Path(unquote(urlparse(version.artifact_uri or "").path)).read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != version.metadata.get("sha256"):
        raise ValueError(f"the file of {version.reference} has SHA-256 {digest}, not its own")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        model = LogisticRegression()
        model.coef_, model.intercept_ = arrays["coef"], arrays["intercept"]
        model.classes_ = arrays["classes"]
    return Loaded(version, model)


class Serving:
    """Whichever version is in production, kept up to date."""

    def __init__(self, registry: lockgate.Registry, name: str) -> None:
        self._registry = registry
        self._name = name
        self.loaded: Loaded | None = None

    def refresh(self) -> None:
        """Load what is in production, if that is another version than the one we have."""
        try:
            version = self._registry.production(self._name)
            if self.loaded is None or self.loaded.version.uid != version.uid:
                self.loaded = load(version)
                print(f"serving {version.reference}", flush=True)
        except (lockgate.RegistryError, OSError, ValueError, KeyError) as error:
            print(f"no new version: {error}", flush=True)

    def keep_refreshing(self, stop: threading.Event, every_s: float) -> None:
        """Refresh until told to stop."""
        while not stop.wait(every_s):
            self.refresh()

    def predict(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """Return a status and an answer to ``{"images": [[64 numbers], …]}``."""
        loaded = self.loaded
        if loaded is None:
            return 503, {"error": f"nothing of {self._name} is in production"}
        try:
            images = np.asarray(json.loads(body)["images"], dtype=float)
            if images.ndim != 2 or images.shape[1] != PIXELS or not np.isfinite(images).all():
                raise ValueError(f"images must be lists of {PIXELS} numbers")
        except (ValueError, TypeError, KeyError) as error:
            return 400, {"error": str(error)}
        digits = loaded.model.predict(images / 16).tolist()
        return 200, {"version": loaded.version.label, "digits": digits}

    def version(self) -> tuple[int, dict[str, Any]]:
        """Return a status and which version answers."""
        loaded = self.loaded
        if loaded is None:
            return 503, {"error": f"nothing of {self._name} is in production"}
        return 200, {"version": loaded.version.label, "reference": loaded.version.reference}


def handler(serving: Serving) -> type[BaseHTTPRequestHandler]:
    """Return the class that the standard library's server answers requests with."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            known = self.path == "/version"
            self._answer(*(serving.version() if known else (404, {"error": "see /version"})))

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path != "/predict":
                self._answer(404, {"error": "post to /predict"})
            elif not length.isdecimal() or int(length) > BODY_BYTES_MAX:
                self._answer(413, {"error": f"send at most {BODY_BYTES_MAX} bytes"})
            else:
                self._answer(*serving.predict(self.rfile.read(int(length))))

        def _answer(self, status: int, answer: dict[str, Any]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing for each request."""

    return Handler


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--url", help="the registry; LOCKGATE_URL unless told")
    parser.add_argument("--name", default="digits")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS")
    options = parser.parse_args()

    stop = threading.Event()
    with lockgate.connect(options.url) as registry:
        serving = Serving(registry, options.name)
        serving.refresh()
        watcher = threading.Thread(target=serving.keep_refreshing, args=(stop, options.every))
        watcher.start()
        server = ThreadingHTTPServer(("127.0.0.1", options.port), handler(serving))
        print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("stopped", flush=True)
        finally:
            server.server_close()
            stop.set()
            watcher.join()


if __name__ == "__main__":
    main()
