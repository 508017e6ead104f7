"""What a browser shows while there is no build of the page: that CloudKeep runs, and what is missing."""

import base64
import hashlib

from starlette.responses import HTMLResponse, Response

from endpoints.favicon import SVG

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 18vh auto 4rem; padding: 0 1.5rem; }
svg { width: 3.5rem; height: 3.5rem; }
h1 { font-size: 1.5rem; margin: 1rem 0 .5rem; }
p { margin: 0 0 1rem; overflow-wrap: anywhere; }
"""
#: Looks again until the page is there. It needs nothing else of the page, and a screen reader hears the text only once.
_SCRIPT = """
const look = async () => {
  const response = await fetch(location.href, { method: "HEAD", headers: { Accept: "text/html" } }).catch(() => null)
  if (response && response.status !== 503) location.reload()
  else setTimeout(look, 2000)
}
setTimeout(look, 2000)
"""
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>CloudKeep</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<style>{_STYLE}</style>
</head>
<body>
<main>
{SVG.replace(' xmlns="http://www.w3.org/2000/svg"', "").strip()}
<h1>The page is not here yet</h1>
<p>CloudKeep is running, and its API answers at /graphql. Its page has not been built, or is being built just now, which
takes about a minute. The terminal of the server says how far it is.</p>
<p>The page appears here by itself as soon as it is ready.</p>
</main>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


_HEADERS = {
    "Cache-Control": "no-store",
    "Retry-After": "3",
    "Content-Security-Policy": f"default-src 'none'; script-src {_hash(_SCRIPT)}; style-src {_hash(_STYLE)}; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


def placeholder() -> Response:
    """The text, with a status that keeps caches and search engines from taking it for the page."""
    return HTMLResponse(_PAGE, 503, _HEADERS)
