"""Plays commands on the drive and on the model, and compares what both have after each of them."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid4

from services.core.errors import ExpectedError
from storage.jobs.models import Job, JobKind
from storage.search.folding import fold, words_of
from storage.uploads.models import Upload, UploadStatus
from tests.services.drive.model import invariants
from tests.services.drive.model.commands import CONTENTS, Command, Kind
from tests.services.drive.model.drive import KINDS, VERSIONS_KEPT, Drive
from tests.services.drive.model.feed import Follower
from tests.services.drive.model.model import Arrival, Model
from tests.services.drive.model.stored import Stored
from tests.services.drive.model.tree import FILE, FOLDER, ROOT, Refused

#: Deleted items that commands still name.
DELETED = 2


class Player:
    """A drive and its model."""

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self.model = Model(drive.account_id)
        self.tree = self.model.tree
        self.followers = [Follower()]
        self.uploads: set[UUID] = set()

    async def play(self, commands: Sequence[Command]) -> None:
        """Run commands, compare after each, and then delete everything."""
        await self.drive.items.root(self.drive.account_id)
        for command in commands:
            await self._run(command)
            self._compare(await invariants.check(self.drive))
        await self._end()
        await invariants.delete_everything(self.drive)

    async def _run(self, command: Command) -> None:  # noqa: C901 - one case for each kind
        items = [self._item(command, pick) for pick in command.items]
        folder = self._folder(command)
        if command.kind is Kind.UPLOAD and command.number % 3:
            command, folder = self._onto_a_file(command, folder)
        match command.kind:
            case Kind.UPLOAD:
                await self._upload(command, folder)
            case Kind.WORK:
                await self._work(command)
            case Kind.RESTORE_VERSION | Kind.DELETE_VERSION:
                await self._change_version(command, items[0])
            case Kind.LIMIT_VERSIONS:
                await self.drive.limit_versions(command, (), self.drive.account_id)
                self.model.limit_versions(VERSIONS_KEPT)
            case Kind.COLLECT:
                await self.drive.collect(command, (), self.drive.account_id)
            case Kind.SEARCH:
                found = await self.drive.search(command, (), self.drive.account_id)
                assert found == self._hits(command.name)
            case Kind.ZIP:
                await self._zip(command, items)
            case Kind.BOOKMARK:
                stored = await Stored.read(self.drive.account_id)
                self.followers.append(await Follower.beginning_with(stored))
            case _:
                await self._change(command, items, folder)

    async def _change(self, command: Command, items: list[int | None], folder: int | None) -> None:
        saved = self.tree.save()
        refusal = wanted = None
        ids = [self._id(key) for key in items], self._id(folder)
        try:
            # What is listed twice is changed once.
            wanted = getattr(self.model, command.kind)(command, list(dict.fromkeys(items)), folder)
        except Refused as error:
            self.tree.reset(saved)
            refusal = str(error)
        result = await self._outcome(command, *ids, refusal)
        if command.kind is Kind.DELETE:
            assert result == wanted
        if command.kind is Kind.EMPTY_TRASH:
            assert result == (wanted, True)

    async def _outcome(self, command: Command, items: list[UUID], folder: UUID, refusal: str | None) -> object:
        """What the drive returns; it has to refuse what the model refuses, for the same reason."""
        try:
            result: object = await getattr(self.drive, command.kind)(command, items, folder)
        except ExpectedError as error:
            _require(refusal, error)
            return None
        assert refusal is None, f"{command.kind} was accepted"
        return result

    async def _upload(self, command: Command, folder: int | None) -> None:
        saved = self.tree.save()
        arrival, refusal = None, None
        try:
            arrival = self.model.begin_upload(command, folder)
        except Refused as error:
            self.tree.reset(saved)
            refusal = str(error)
        try:
            upload = await self.drive.upload(command, (), self._id(folder))
        except ExpectedError as error:
            _require(refusal, error)
            return
        if upload.id in self.uploads:
            # An upload of the same file is open: nothing new is begun.
            self.tree.reset(saved)
            assert self.model.arrivals[upload.id].content == command.content
            return
        assert refusal is None, "an upload was accepted"
        assert arrival
        self.uploads.add(upload.id)
        is_known = command.flag and self.model.has_content(command.content)
        if upload.status in {UploadStatus.READY, UploadStatus.COMPRESSING}:
            assert command.flag or not CONTENTS[command.content]
            self.model.arrive(arrival)
        else:
            assert not is_known
            self.model.arrivals[upload.id] = arrival

    async def _work(self, command: Command) -> None:
        job = await self.drive.work(command, (), self.drive.account_id)
        await invariants.check_failures()
        if not isinstance(job, Job):
            return
        if job.kind is JobKind.REASSEMBLE:
            arrival: Arrival = self.model.arrivals.pop(job.subject_id)
            self.model.arrive(arrival)
        elif job.kind is JobKind.COMPRESS:
            upload = await Upload.get(id=job.subject_id)
            assert upload.status is UploadStatus.READY
            for node in self.tree.nodes.values():
                for version in node.versions:
                    version.has_rendition |= version.id == upload.version_id

    async def _change_version(self, command: Command, item: int | None) -> None:
        saved = self.tree.save()
        refusal, version_id = None, uuid4()
        try:
            version_id = self.model.version(command, [item])[1].id or version_id
            getattr(self.model, command.kind)(command, [item], None)
        except Refused as error:
            self.tree.reset(saved)
            refusal = str(error)
        await self._outcome(command, [self._id(item)], version_id, refusal)

    async def _zip(self, command: Command, items: list[int | None]) -> None:
        is_refused = any(key is None or self.tree.is_in_trash(key) for key in items)
        result = await self._outcome(command, [self._id(k) for k in items], uuid4(), "NotFound" if is_refused else None)
        if not is_refused:
            inside = {each for key in items if key is not None for each in self.tree.below(key)}
            files = [self.tree.nodes[each] for each in inside if not self.tree.is_in_trash(each)]
            assert result == sorted(CONTENTS[node.versions[-1].content] for node in files if node.kind is FILE)

    def _onto_a_file(self, command: Command, folder: int | None) -> tuple[Command, int | None]:
        """The upload with the name and the folder of a file, if there is one."""
        files = [key for key, node in self.tree.nodes.items() if node.kind is FILE]
        if not files:
            return command, folder
        node = self.tree.nodes[files[command.folder % len(files)]]
        return replace(command, name=node.name, path=()), node.parent

    def _hits(self, query: str) -> set[UUID | None]:
        keys = [key for key in self.tree.nodes if key != ROOT and not self.tree.is_in_trash(key)]
        texts = {self.tree.nodes[key].id: fold(self.tree.nodes[key].name) for key in keys}
        return {item_id for item_id, text in texts.items() if all(word in text for word in words_of(query))}

    def _item(self, command: Command, pick: int) -> int | None:
        """Any item, or one that is deleted; often one for which the command is made."""
        nodes = self.tree.nodes
        if command.kind is Kind.RESTORE and command.flag:
            fitting: list[int | None] = [key for key in nodes if self.tree.is_in_trash(key)]
        elif command.kind in {Kind.RESTORE_VERSION, Kind.DELETE_VERSION}:
            fitting = [key for key, node in nodes.items() if len(node.versions) > 1]
        else:
            fitting = []
        if fitting:
            return _at(fitting, pick)
        return _at([*self.tree.nodes, *[None] * len(self.tree.deleted[-DELETED:])], pick)

    def _folder(self, command: Command) -> int | None:
        """A folder, or sometimes something else."""
        folders = [key for key, node in self.tree.nodes.items() if node.kind is FOLDER]
        others = [key for key, node in self.tree.nodes.items() if node.kind is FILE]
        return _at([*folders, *others[:1], *[None] * len(self.tree.deleted[-1:])], command.folder)

    def _id(self, key: int | None) -> UUID:
        if key is None:
            return self.tree.deleted[-1]
        found = self.tree.nodes[key].id
        assert found
        return found

    def _compare(self, stored: Stored) -> None:
        """Fail unless the drive is the model. New items of the model get the IDs that the drive has given them."""
        items = [chain[0] for chain in stored.attached().values()]
        places = {(item.parent_id, item.name): item.id for item in items if not item.trashed_at}
        for node in self.tree.nodes.values():
            if node.id is None:
                assert node.parent is not None
                node.id = places.get((self._id(node.parent), node.name))
                assert node.id, f"there is no {node.name}"
            versions = [version for version in stored.versions if version.item_id == node.id]
            assert len(node.versions) == len(versions), node.name
            for mine, row in zip(node.versions, versions, strict=True):
                mine.id = mine.id or row.id
        model, drive = self.tree.snapshot(), _snapshot(stored)
        different = {key for key in model | drive if model.get(key) != drive.get(key)}
        assert not different, [(model.get(key), drive.get(key)) for key in different]

    async def _end(self) -> None:
        while self.model.arrivals or await self._has_work():
            await self._work(Command(Kind.WORK))
            self._compare(await invariants.check(self.drive))
        stored = await invariants.check(self.drive)
        assert {version.item_id for version in stored.versions} <= stored.attached().keys()
        await invariants.check_bytes(self.drive, stored)
        for follower in self.followers:
            await follower.follow(self.drive.account_id)
            follower.require(stored)
        await self._check_paths(stored)
        await invariants.check_health(self.drive)

    async def _has_work(self) -> bool:
        return bool(await Job.filter(kind__in=KINDS, state="QUEUED").exists())

    async def _check_paths(self, stored: Stored) -> None:
        visible = stored.visible()
        paths = await self.drive.items.paths(visible)
        for key, chain in visible.items():
            assert paths[key] == "/" + "/".join(item.name for item in chain[-2::-1])
            found = await self.drive.items.find_by_path(self.drive.account_id, paths[key])
            assert found
            assert found.id == key


def _require(refusal: str | None, error: ExpectedError) -> None:
    assert refusal == type(error).__name__, error


def _at(choices: list[int | None], pick: int) -> int | None:
    return choices[pick % len(choices)]


def _snapshot(stored: Stored) -> dict[UUID | None, object]:
    contents = {content: number for number, content in enumerate(map(_digest, CONTENTS))}
    with_rendition = {rendition.version_id for rendition in stored.renditions}
    shown: dict[UUID | None, object] = {}
    for key, chain in stored.attached().items():
        item = chain[0]
        versions = [
            (version.id, contents[stored.blobs[version.blob_id].sha256], version.id in with_rendition)
            for version in stored.versions
            if version.item_id == key
        ]
        shown[key] = (item.parent_id, item.kind, item.name, item.trashed_at is not None, item.starred, versions)
    return shown


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
