"""Parses the project's Dockerfile and .dockerignore, so that tests need not repeat their content."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from string import Template

_WORDS = {"FROM", "ARG", "ENV", "WORKDIR", "COPY", "RUN", "LABEL", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL"}
_WORDS |= {"HEALTHCHECK", "ENTRYPOINT", "CMD"}
_FLAG = re.compile(r"--([a-z-]+)=(\S+)\s+")


@dataclass(frozen=True)
class Instruction:
    """One instruction: its word, its flags (``--mount=…``, each may come again) and the rest."""

    word: str
    flags: tuple[tuple[str, str], ...]
    rest: str

    def flag(self, name: str) -> str | None:
        """The flag's only value."""
        return next((value for key, value in self.flags if key == name), None)

    @property
    def words(self) -> list[str]:
        """The rest, as a JSON array or as words in a shell's quotes."""
        found: list[str] = json.loads(self.rest) if self.rest.startswith("[") else shlex.split(self.rest)
        return found


@dataclass(frozen=True)
class Stage:
    """A FROM and what follows it."""

    name: str
    base: str
    instructions: tuple[Instruction, ...]

    def last(self, word: str) -> Instruction:
        """The last instruction with this word, which is the effective one."""
        return [each for each in self.instructions if each.word == word][-1]

    def environment(self, before: dict[str, str]) -> dict[str, str]:
        """``before`` with this stage's ENV."""
        found = dict(before)
        for each in self.instructions:
            if each.word == "ENV":
                for name, _, value in (pair.partition("=") for pair in shlex.split(each.rest)):
                    found[name] = Template(value).substitute(found)
        return found


def parse(text: str) -> list[Stage]:
    """The stages in order. Raises ValueError for an instruction that is not known here."""
    stages: list[tuple[str, str, list[Instruction]]] = []
    for line in _logical_lines(text):
        each = _instruction(line)
        if each.word == "FROM":
            base, _, name = each.rest.partition(" AS ")
            stages.append((name or str(len(stages)), base, []))
        else:
            stages[-1][2].append(each)
    return [Stage(name, base, tuple(found)) for name, base, found in stages]


def _logical_lines(text: str) -> Iterator[str]:
    kept = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    yield from filter(None, re.sub(r"\\\n\s*", "", "\n".join(kept)).splitlines())


def _instruction(line: str) -> Instruction:
    word, _, rest = line.partition(" ")
    if word not in _WORDS:
        raise ValueError(f"not known here: {line}")
    flags = []
    rest = rest.lstrip()
    while word != "HEALTHCHECK" and (found := _FLAG.match(rest)):
        flags.append((found[1], found[2]))
        rest = rest[found.end() :]
    return Instruction(word, tuple(flags), rest)


def context(root: Path) -> list[PurePosixPath]:
    """The files below ``root`` that a builder gets: the last matching pattern of .dockerignore decides."""
    patterns = [line for line in (root / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    found = []
    for top in root.iterdir():
        # Single files of an excluded folder may be included again.
        if _is_let_in(PurePosixPath(top.name), patterns) or any(each.startswith(f"!{top.name}/") for each in patterns):
            files = top.rglob("*") if top.is_dir() else [top]
            names = (PurePosixPath(path.relative_to(root).as_posix()) for path in files if path.is_file())
            found += [name for name in names if _is_let_in(name, patterns)]
    return sorted(found)


def _is_let_in(name: PurePosixPath, patterns: list[str]) -> bool:
    let_in = True
    for pattern in patterns:
        wanted = pattern.removeprefix("!")
        if any(_fits(part, wanted) for part in [name, *name.parents]):
            let_in = pattern.startswith("!")
    return let_in


def _fits(name: PurePosixPath, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatchcase(name.name, pattern.removeprefix("**/"))
    return len(name.parts) == len(PurePosixPath(pattern).parts) and fnmatchcase(str(name), pattern)
