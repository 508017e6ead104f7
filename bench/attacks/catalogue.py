"""Every attack, by name, with the outcomes that answer it."""

from bench.attacks import bodies, heads, readers, requests, websockets
from bench.attacks.attack import Attack

#: A connection above the limit of its address. A server may close it without a response.
TOO_MANY = frozenset({"429", "503", "closed", "reset"})
#: CPU seconds of the server for ten chunks and twenty watchers.
AMPLIFIED_SECONDS = 1.5


def _outcomes(*outcomes: str) -> frozenset[str]:
    return frozenset(outcomes)


ATTACKS = (
    Attack("endless-header", heads.endless_header, _outcomes("431")),
    Attack("many-headers", heads.many_headers, _outcomes("431")),
    Attack("endless-target", heads.endless_target, _outcomes("414", "431")),
    Attack("pipelined-requests", heads.pipelined_requests, _outcomes("200", "429", "503")),
    Attack("chunk-extensions", bodies.chunk_extensions, _outcomes("400", "413", "431")),
    Attack("trailers", bodies.trailers, _outcomes("400", "413", "431")),
    Attack("idle-connections", heads.idle_connections, TOO_MANY),
    Attack("half-heads", heads.half_heads, TOO_MANY | {"408"}),
    Attack("half-queries", bodies.half_queries, TOO_MANY | {"408"}),
    Attack("half-chunks", bodies.half_chunks, TOO_MANY | {"408"}, needs_account=True),
    Attack("upgrade-with-body", websockets.upgrade_with_body, _outcomes("400")),
    Attack("upgrade-by-put", websockets.upgrade_by_put, _outcomes("400", "405")),
    Attack("half-handshakes", websockets.half_handshakes, TOO_MANY | {"408"}),
    Attack("silent-websockets", websockets.silent_websockets, TOO_MANY | {"1013", "4408"}),
    Attack("empty-continuations", websockets.empty_continuations, _outcomes("1008")),
    Attack("tiny-fragments", websockets.tiny_fragments, _outcomes("1008")),
    Attack("pings", websockets.pings, _outcomes("1008")),
    Attack("tiny-messages", websockets.tiny_messages, _outcomes("1008")),
    Attack("invalid-text", websockets.invalid_text, _outcomes("1007")),
    Attack("unread-pongs", websockets.unread_pongs, _outcomes("1008", "closed", "reset")),
    Attack("unread-downloads", readers.unread_downloads, TOO_MANY, needs_account=True),
    Attack("unread-event-streams", readers.unread_event_streams, TOO_MANY, needs_account=True),
    Attack("unread-websockets", readers.unread_websockets, TOO_MANY, needs_account=True),
    Attack("churn", requests.churn, _outcomes("open", "429", "503")),
    Attack("expensive-documents", requests.expensive_documents, _outcomes("200", "400", "429")),
    Attack("forged-signatures", requests.forged_signatures, _outcomes("403", "429")),
    Attack("other-hosts", requests.other_hosts, _outcomes("421", "429")),
    Attack(
        "greedy-subscriptions",
        readers.greedy_subscriptions,
        _outcomes("200"),
        needs_account=True,
        cpu_seconds=AMPLIFIED_SECONDS,
    ),
)
BY_NAME = {attack.name: attack for attack in ATTACKS}
