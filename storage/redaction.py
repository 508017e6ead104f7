"""Removes secrets from texts that others will read: log records, stored errors, traces, and answers to clients.

The texts of libraries' errors may hold a complete URL or header. Presigned parameters have many names: X-Amz-Signature,
X-Amz-Credential, X-Amz-Security-Token, Signature, AWSAccessKeyId (S3), X-Goog-Signature, GoogleAccessId (Google), sig
(Azure), Key-Pair-Id (CloudFront). They are found by how their names end, in any case, also percent-encoded, as in a URL
within a URL.
"""

import re
from collections.abc import Callable, Sequence

MASK = "***"
#: How the name of a secret ends.
_NAME = (
    r"(?:signature|credential|token|secret(?:_?key)?|password|passwd|access_?key(?:_?id)?|access_?id|account_?key"
    r"|key-pair-id|(?:(?<![a-z])|(?<=%3f)|(?<=%253f))sig)"
)
#: A text without any of these, in lower case, has no such name. To look for them is a hundred times faster.
_WORDS = (
    *("signature", "credential", "token", "secret", "passw", "accesskey", "access_key", "accessid", "access_id"),
    *("accountkey", "account_key", "key-pair-id", "sig=", "sig%", 'sig"', "sig'", "sig\\"),
)
#: ``=``, also percent-encoded once or more often, and the value until the next parameter.
_EQUALS = r"(?:=|%(?:25)*3d)"
_VALUE = r"(?:(?!%(?:25)*26)[^&\s\"'\\<>,;)\]}])+"
#: A quoted value, up to its end, in a text that may itself be quoted in JSON.
_QUOTED = r"(?P<quote>b?\\?[\"'])(?:(?!\\?[\"']).)*"
_HEADER = r"x-(?:amz|goog|ms)-[a-z-]*(?:signature|credential|token)"


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


def _masked(found: re.Match[str]) -> str:
    groups = found.groupdict()
    return f"{groups['name']}{groups.get('quote') or ''}{groups.get('scheme') or ''}{MASK}"


#: Each with the words of which the text has one, in lower case: most texts have none, and need no search.
_RULES: Sequence[tuple[Sequence[str], re.Pattern[str], str | Callable[[re.Match[str]], str]]] = (
    (("://",), _pattern(r"(?<=://)[^\s/@]*@"), f"{MASK}@"),
    (("%3a%2f%2f",), _pattern(r"(?<=%3a%2f%2f)(?:(?!%2f|%40)[^\s&])*%40"), f"{MASK}%40"),
    (
        ("authorization",),
        _pattern(
            r"(?P<name>authorization(?:\\?[\"']\s*[:,=]|\s*[:=])\s*)"
            r"(?P<quote>b?\\?[\"'])?(?P<scheme>[a-z][\w-]*[ \t]+)?[^\"'\\\r\n]+"
        ),
        _masked,
    ),
    (
        ("cookie",),
        _pattern(r"(?P<name>cookie(?:\\?[\"']\s*[:,=]|\s*[:=])\s*)(?P<quote>b?\\?[\"'])?[^\"'\\\r\n]+"),
        _masked,
    ),
    # A cookie of this server, outside of its header.
    (("ck=", "ck-device="), _pattern(r"(?P<name>(?<![a-z])ck(?:-device)?=)[^\s\"'\\;,]+"), _masked),
    (("bearer",), _pattern(r"(?P<name>bearer(?:\s+|%20|\+))[\w.~+/=%-]+"), _masked),
    (("x-amz-", "x-goog-", "x-ms-"), _pattern(rf"(?P<name>{_HEADER}\s*:\s*)[^\s\"'\\,]+"), _masked),
    (_WORDS, _pattern(rf"(?P<name>{_NAME}{_EQUALS})(?:{_QUOTED}|{_VALUE})"), _masked),
    (_WORDS, _pattern(rf"(?P<name>{_NAME}\\?[\"']\s*[:,]\s*){_QUOTED}"), _masked),
    # An API token, which has this prefix so that it is recognised anywhere.
    (("ckp_",), re.compile(r"(?<=ckp_)[0-9A-Za-z]{20,}"), MASK),
    (("eyj",), re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]+\.[\w-]*"), MASK),
)


def without_credentials(text: str) -> str:
    """The text without passwords in URLs, signatures, keys, tokens and headers that have them."""
    lowered = text.lower()
    for hints, pattern, replacement in _RULES:
        if any(hint in lowered for hint in hints):
            text = pattern.sub(replacement, text)
    return text
