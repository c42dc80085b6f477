"""The web UI: the pages of `frontend/`, built into the package, served below ``/ui/``.

    /                  → ui/, relatively, so that it works below a proxy's path as well
    /ui/assets/…       named by their content: kept by browsers for ever, compressed beforehand
    /ui/…              index.html, whatever the page's address: the UI itself knows its pages

The page loads nothing from elsewhere, runs no script but its own files, and takes only the styles
that carry the nonce of its answer. It finds its parts by relative paths: no prefix is known here.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

WEB = Path(__file__).parent.parent / "web"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
ENCODINGS = {"br": ".br", "gzip": ".gz"}
_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_FOR_EVER = "public, max-age=31536000, immutable"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Lockgate</title></head><body><main>
<h1>The web pages were not built</h1>
<p>This Lockgate was installed without them. Install it again from its sources without
HATCH_BUILD_NO_HOOKS, with the npm registry in reach. All else works:
<a href="{up}../docs">the API</a> and the command line.</p>
</main></body></html>
"""


async def front_door(_request: Request) -> Response:
    """Lead whoever opens the server's address to the pages."""
    return RedirectResponse("ui/", headers={"cache-control": "no-cache"})


async def page(request: Request) -> Response:
    """Answer with the page, which reads its own address."""
    up = "../" * request.path_params.get("rest", "").count("/") or "./"
    nonce = secrets.token_urlsafe(16)
    headers = {
        "content-security-policy": _POLICY.format(nonce=nonce),
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "referrer-policy": "same-origin",
        "x-frame-options": "DENY",
        "cache-control": "no-store",  # a nonce serves once
    }
    if not is_built():
        return Response(_NOT_BUILT.format(up=up), 503, headers, media_type="text/html")
    html = (
        (WEB / "index.html")
        .read_text()
        .replace('="./', f'="{up}')
        .replace(_NONCE_EMPTY, _NONCE.format(nonce=nonce))
    )
    return Response(html, headers=headers, media_type="text/html")


_NONCE_EMPTY = 'name="lockgate-nonce" content=""'
_NONCE = 'name="lockgate-nonce" content="{nonce}"'


async def asset(request: Request) -> Response:
    """Answer with a part of the page, compressed as the caller likes it best."""
    path = _part(request.path_params["name"])
    if path is None:
        raise HTTPException(404)
    headers = {"cache-control": _FOR_EVER, "vary": "accept-encoding"}
    accepted = request.headers.get("accept-encoding", "")
    for encoding, ending in ENCODINGS.items():
        packed = path.with_name(path.name + ending)
        if encoding in accepted and packed.is_file():
            headers["content-encoding"] = encoding
            return FileResponse(packed, headers=headers, media_type=TYPES[path.suffix])
    return FileResponse(path, headers=headers, media_type=TYPES[path.suffix])


async def without_slash(_request: Request) -> Response:
    """Lead from ``/ui`` to ``/ui/``."""
    return RedirectResponse("ui/")


def is_built() -> bool:
    """Say whether this installation has the pages."""
    return (WEB / "index.html").is_file()


def _part(name: str) -> Path | None:
    """Return the file of a part. Only what is built is ever served, whatever a path says.

    Looked for each time: a package that is upgraded below a running server takes parts away.
    """
    if _PART.fullmatch(name) is None:
        return None
    path = WEB / "assets" / name
    return path if path.suffix in TYPES and path.is_file() else None


ROUTES = [
    Route("/", front_door),
    Route("/ui", without_slash),
    Route("/ui/assets/{name}", asset),
    Route("/ui/{rest:path}", page),
]
