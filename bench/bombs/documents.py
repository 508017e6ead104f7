"""GraphQL documents that cost the server more than they seem to, and some ordinary ones."""

from graphql import get_introspection_query


def repeated(text: str, times: int) -> str:
    """The text repeated ``count`` times, with its number in place of ``#``."""
    return " ".join(text.replace("#", str(number)) for number in range(times))


def chain(kind: str, length: int, body: str, last: str = "id") -> str:
    """Fragments on a type that spread the next one where ``body`` has ``NEXT``; the last selects a field."""
    body = body.replace("NEXT", "...F@")
    return " ".join(
        [
            *(f"fragment F{at} on {kind} {{ {body.replace('@', str(at + 1))} }}" for at in range(length)),
            f"fragment F{length} on {kind} {{ {last} }}",
        ]
    )


def selected(*names_and_body: str) -> str:
    """Nested fields: ``{ a { b { c } } }``."""
    return "{ " + " { ".join(names_and_body) + " }" * len(names_and_body)


def each_spreads_the_rest(count: int) -> str:
    """Fragments that each spread all that follow."""
    spreads = [f"...F{number}" for number in range(count)]
    return " ".join(
        f"fragment F{number} on Account {{ id {' '.join(spreads[number + 1 :])} }}" for number in range(count)
    )


def ways_that_merge(kind: str, keys: tuple[str, str], levels: int, last: str) -> str:
    """Fragments that select, at each level, twice as many sets of fragments as at the level above.

    A way starts at each level below the first key, but not below the second, and then continues below both. The set of
    started ways distinguishes the sets, as when an automaton is made deterministic.
    """
    one, other = keys
    starts = [
        f"fragment S{at} on {kind} {{ {one} {{ ...S{at + 1} ...W{at}x{at + 1} }} {other} {{ ...S{at + 1} }} }}"
        for at in range(levels)
    ]
    ways = [
        f"fragment W{start}x{at} on {kind} {{ {one} {{ ...W{start}x{at + 1} }} {other} {{ ...W{start}x{at + 1} }} }}"
        for start in range(levels)
        for at in range(start + 1, levels)
    ]
    ends = [f"fragment {name}{levels} on {kind} {{ {last} }}" for name in ("S", *(f"W{at}x" for at in range(levels)))]
    return " ".join([*starts, *ways, *ends])


def mutation(value: str) -> str:
    """A mutation that starts an upload."""
    return "mutation " + selected(f"initUpload(input: {value})", "upload", "id")


INTROSPECTION = get_introspection_query(
    specified_by_url=True,
    directive_is_repeatable=True,
    schema_description=True,
    input_value_deprecation=True,
    one_of=True,
)

#: Queries of a web page, a program or GraphiQL.
USUAL = {
    "who am I": selected("me", "id"),
    "a list of 100": selected("files(first: 100)", "nodes", "id name size mimeType sha256 createdAt downloadUrl"),
    "a page of uploads": selected(
        "uploads", "pageInfo { hasNextPage endCursor } nodes", "id fileName size status receivedBytes error { code }"
    ),
    "introspection": INTROSPECTION,
}

#: Within the limit on tokens, except those that are refused for their length.
BOMBS = {
    "fragments spread twice": selected("me", "...F0") + chain("Account", 120, "NEXT NEXT"),
    "fields nested twice": selected("__schema", "types", "...F0")
    + chain("__Type", 60, "a: ofType { NEXT } b: ofType { NEXT }", "name"),
    "a chain of fragments": selected("me", "...F0") + chain("Account", 130, "id NEXT"),
    "a cycle of fragments": selected("me", "...F0") + chain("Account", 130, "id NEXT", "...F0"),
    "fragments that spread the rest": selected("me", "...F0") + each_spreads_the_rest(30),
    "fragments in one place": selected("me", repeated("...F#", 150)) + repeated("fragment F# on Account { id }", 150),
    "a fragment in many places": selected(repeated("a#: me { id ...F }", 80))
    + f"fragment F on Account {selected(repeated('id', 250))}",
    "ways that merge": selected("__schema", "types", "...S0")
    + ways_that_merge("__Type", ("interfaces", "possibleTypes"), 9, "name"),
    "one object 370 times": selected(repeated("me { id }", 370)),
    "one leaf 1,490 times": selected(repeated("__typename", 1_490)),
    "one object 245 times": selected(repeated("me { id }", 245)),
    "one leaf 490 times": selected(repeated("__typename", 490)),
    "one field with arguments": selected(repeated('upload(id: "1") { id }', 160)),
    "level by level": selected(repeated(f"uploads {selected(repeated('edges { node { id } }', 6))}", 24)),
    "aliases": selected(repeated("a#: __typename", 490)),
    "aliases of objects": selected(repeated("a#: me { id }", 245)),
    "deep lists": selected("uploads(first: 100)", "nodes", "slots(first: 1000)", "edges", "node", "url"),
    "a huge list": selected(f"files(first: {'9' * 60_000})", "nodes", "id"),
    "a negative list": selected("files(first: -2147483648)", "nodes", "id"),
    "directives in one place": selected(f"__typename {repeated('@skip(if: false)', 200)}"),
    "unknown directives": selected(f"__typename {repeated('@x', 700)}"),
    "unknown fields": selected(repeated("uploada#", 490)),
    "unknown input fields": mutation("{" + repeated("sizf#: 1", 480) + "}"),
    "a list of inputs": mutation("{chunkHashes: [" + repeated('"1"', 1_450) + "]}"),
    "a text of a mebibyte": selected(f'upload(id: "{"x" * 2**20}")', "id"),
    "a text of 60 KiB": selected(f'upload(id: "{"x" * 60 * 2**10}")', "id"),
    "a comment of 60 KiB": f"#{'x' * 60 * 2**10}\n{selected('me', 'id')}",
    "variables": f"query ({repeated('$v#: Int', 300)}) {selected('__typename')}",
    "many operations": repeated("query Q# { ...F0 }", 90) + chain("Query", 65, "me { id } NEXT", "__typename"),
    "unused fragments": selected("me", "id") + repeated("fragment F# on Account { id }", 200),
    "inline fragments": selected(*["..."] * 190, "me", "id"),
    "wide introspection": selected("__schema", "types", repeated("a#: fields { name }", 99)),
    "wide introspection of types": selected("__schema", "types", "fields", repeated("a#: type { name }", 99)),
    "deep introspection": selected("__schema", "types", *["fields", "type"] * 40, "name"),
}
