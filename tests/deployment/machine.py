"""The Dockerfile, run without an engine: each stage is a folder that its commands see as their root.

A mount namespace and chroot stand in for the engine, and this machine's system and Python for the base image.
Everything else comes from the Dockerfile and from the context that .dockerignore leaves. Needs root, as an engine does.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.deployment.dockerfile import Instruction, Stage, context

SYSTEM = ("bin", "lib", "lib32", "lib64", "sbin")
FOLDERS = ("dev", "etc", "opt", "proc", "root", "run", "tmp", "usr", "var")
ETC = ("group", "hosts", "ld.so.cache", "nsswitch.conf", "passwd", "pip.conf", "resolv.conf")
#: How pip and npm reach their registries on this machine.
REGISTRIES = ("PIP_", "NPM_CONFIG_", "npm_config_", "NODE_EXTRA_CA_CERTS")
UNPRIVILEGED = "/usr/bin/setpriv --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all"

_ENTER = """
set -eu
root=$1; shift
mount --make-rprivate /
mount --bind "$root" "$root"
mount --bind -o ro /usr "$root/usr"
mount --bind -o ro "$PREFIX" "$root$PREFIX"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
[ ! -d /etc/ssl ] || mount --bind -o ro /etc/ssl "$root/etc/ssl"
for mounted in $MOUNTS; do mount --bind "${mounted%%:*}" "$root${mounted#*:}"; done
if [ "$READ_ONLY" = yes ]; then
    mount -o remount,bind,ro "$root"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
fi
exec chroot "$root" $BECOME /bin/sh -ec 'cd "$WORKDIR"; exec "$@"' sh "$@"
"""


@dataclass
class Container:
    """A root folder, and how its commands run."""

    root: Path
    python: Path
    environment: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0:0"

    def start(
        self,
        command: Sequence[str],
        mounts: dict[Path, str] | None = None,
        read_only: bool = False,
        output: IO[str] | int | None = None,
        **more: str,
    ) -> subprocess.Popen[str]:
        """Start a command: its folder, user and environment are those of the instructions so far."""
        uid, gid = self.user.split(":")
        become = "" if self.user == "0:0" else f"{UNPRIVILEGED} --reuid={uid} --regid={gid}"
        ours = {
            "PREFIX": str(self.python),
            "MOUNTS": " ".join(f"{source}:{target}" for source, target in (mounts or {}).items()),
            "READ_ONLY": "yes" if read_only else "no",
            "BECOME": become,
            "WORKDIR": self.workdir,
        }
        return subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _ENTER, "sh", self.root, *command],
            env={**self.environment, **ours, **more},
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            text=True,
        )

    def run(self, command: Sequence[str], mounts: dict[Path, str] | None = None, read_only: bool = False) -> str:
        """Run a command to its end and return what it printed; an error fails the test with that."""
        process = self.start(command, mounts, read_only, subprocess.PIPE)
        printed, _ = process.communicate(timeout=500)
        assert process.returncode == 0, f"{command}: {printed}"
        return printed


class Builder:
    """Follows a Dockerfile. ``python`` is the prefix of the Python that stands for the base image's."""

    def __init__(self, checkout: Path, folder: Path, python: Path) -> None:
        self._checkout = checkout
        self._folder = folder
        self._python = python
        self._built: dict[str, Container] = {}

    def build(self, stages: Sequence[Stage]) -> Container:
        """Run every instruction of every stage in order and return the last one."""
        sent = self._folder / "context"
        for name in context(self._checkout):
            (sent / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self._checkout / name, sent / name)
        for stage in stages:
            container = self._from(stage)
            for each in stage.instructions:
                self._follow(container, each, sent)
            self._built[stage.name] = container
        return container

    def _from(self, stage: Stage) -> Container:
        root = self._folder / f"stage-{stage.name}"
        if stage.base in self._built:
            shutil.copytree(self._built[stage.base].root, root, symlinks=True)
        else:
            self._make_base(root)
        path = f"{self._python}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        inherited = {name: value for name, value in os.environ.items() if name.startswith(REGISTRIES)}
        return Container(root, self._python, {"PATH": path, "HOME": "/root", **inherited})

    def _make_base(self, root: Path) -> None:
        for name in FOLDERS:
            (root / name).mkdir(parents=True)
        (root / "tmp").chmod(0o1777)
        for name in SYSTEM:
            if Path("/", name).is_symlink():
                (root / name).symlink_to(os.readlink(f"/{name}"))
        for name in ETC:
            if Path("/etc", name).exists():
                shutil.copy(f"/etc/{name}", root / "etc" / name)
        (root / "etc/ssl").mkdir()
        Path(f"{root}{self._python}").mkdir(parents=True, exist_ok=True)

    def _follow(self, container: Container, each: Instruction, sent: Path) -> None:
        match each.word:
            case "RUN":
                container.run(["/bin/sh", "-c", each.rest], self._caches(container, each))
            case "COPY":
                source = each.flag("from")
                self._copy(container, self._built[source].root if source else sent, each.words)
            case "ENV":
                container.environment = Stage("", "", (each,)).environment(container.environment)
            case "WORKDIR":
                container.workdir = each.rest
                Path(f"{container.root}{each.rest}").mkdir(parents=True, exist_ok=True)
            case "USER":
                container.user = each.rest

    def _caches(self, container: Container, each: Instruction) -> dict[Path, str]:
        """A cache is a folder for this build; an optional secret is not given."""
        found = {}
        for name, value in each.flags:
            options = dict(option.partition("=")[::2] for option in value.split(","))
            if name == "mount" and options["type"] == "cache":
                cache = self._folder / "cache" / options["target"].strip("/").replace("/", "-")
                for folder in (cache, Path(f"{container.root}{options['target']}")):
                    folder.mkdir(parents=True, exist_ok=True)
                found[cache] = options["target"]
        return found

    def _copy(self, container: Container, source: Path, words: Sequence[str]) -> None:
        *names, target = words
        place = Path(f"{container.root}{os.path.join(container.workdir, target)}")
        for name in names:
            each = source / name.lstrip("/")
            if each.is_dir():
                shutil.copytree(each, place, symlinks=True, dirs_exist_ok=True)
            else:
                (place if target.endswith("/") else place.parent).mkdir(parents=True, exist_ok=True)
                shutil.copy(each, place / each.name if target.endswith("/") else place)
