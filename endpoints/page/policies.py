"""What browsers may do with the page, with GraphiQL, and with their files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

#: Svelte makes the first for its templates, and the page the second for the addresses of its workers.
TRUSTED_TYPES = ("svelte-trusted-html", "cloudkeep-workers")
#: What the page uses of the browser's features; no page needs the others.
_FEATURES = {
    **dict.fromkeys(("clipboard-write", "fullscreen", "picture-in-picture"), "(self)"),
    **dict.fromkeys(("publickey-credentials-create", "publickey-credentials-get"), "(self)"),
    **dict.fromkeys(("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "usb"), "()"),
    **dict.fromkeys(("browsing-topics", "clipboard-read", "hid", "serial"), "()"),
}


def _features(allowed: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in allowed.items())


_SHARED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_DOCUMENT = {
    **_SHARED,
    # The page that opened this one, if there is one, has no way to it.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": _features(_FEATURES),
    # For browsers that do not know frame-ancestors.
    "X-Frame-Options": "DENY",
}
_CLOSED = {"form-action": ["'none'"], "base-uri": ["'none'"], "frame-ancestors": ["'none'"]}


@dataclass(frozen=True)
class Policies:
    """The headers of each kind of response.

    ``storage`` are the origins of an S3 that browsers send chunks to, or that downloads are redirected to.
    """

    storage: Sequence[str] = ()

    def page(self, base_url: str) -> dict[str, str]:
        """For the page, opened at ``base_url``."""
        policy = {
            "default-src": ["'none'"],
            "script-src": ["'self'"],
            "style-src": ["'self'"],
            "font-src": ["'self'"],
            "img-src": ["'self'", "blob:", "data:", *self.storage],
            "media-src": ["'self'", "blob:", *self.storage],
            "connect-src": ["'self'", websocket_origin(base_url), *self.storage],
            "worker-src": ["'self'"],
            "manifest-src": ["'self'"],
            # A PDF is shown in a frame.
            "frame-src": ["'self'", *self.storage],
            **_CLOSED,
            "require-trusted-types-for": ["'script'"],
            "trusted-types": TRUSTED_TYPES,
        }
        return {**_DOCUMENT, "Content-Security-Policy": _policy(policy)}

    def graphiql(self, base_url: str) -> dict[str, str]:
        """For GraphiQL: its editor writes ``<style>`` elements, and its menu reads the clipboard to paste."""
        policy = {
            "default-src": ["'none'"],
            "script-src": ["'self'"],
            "style-src": ["'self'", "'unsafe-inline'"],
            "font-src": ["'self'"],
            "img-src": ["'self'", "data:", "blob:"],
            "connect-src": ["'self'", websocket_origin(base_url), *self.storage],
            "worker-src": ["'self'"],
            **_CLOSED,
        }
        features = _features({**_FEATURES, "clipboard-read": "(self)"})
        return {**_DOCUMENT, "Permissions-Policy": features, "Content-Security-Policy": _policy(policy)}

    def script(self, base_url: str) -> dict[str, str]:
        """For a script. It counts where the script is a worker, which obeys the policy of its own response.

        Workers hash files with WebAssembly; the page itself may not use any.
        """
        policy = {
            "default-src": ["'none'"],
            "script-src": ["'self'", "'wasm-unsafe-eval'"],
            "connect-src": ["'self'", websocket_origin(base_url), *self.storage],
            **_CLOSED,
        }
        return {**_SHARED, "Content-Security-Policy": _policy(policy)}

    def file(self) -> dict[str, str]:
        """For any other file."""
        return {**_SHARED, "Content-Security-Policy": _policy({"default-src": ["'none'"], **_CLOSED})}


def websocket_origin(base_url: str) -> str:
    """The origin of WebSockets at ``base_url``, which older browsers do not count as 'self'."""
    parts = urlsplit(base_url)
    return f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}"


def _policy(directives: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(" ".join((name, *values)) for name, values in directives.items())
