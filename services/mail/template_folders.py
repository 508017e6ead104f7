"""Where an operator's templates may be. Loads no templates, so that a start without any is quick."""

from dataclasses import dataclass
from pathlib import Path

#: Names of the file of the program that CloudKeep descends from: that of its documentation, and that of its code.
ANCESTOR_NAMES = ("registerEmailTemplate.json", "registrationEmailTemplate.json")
#: In the working directory, where that program has its file.
ANCESTOR_FOLDER = "config"


@dataclass(frozen=True)
class TemplateFolders:
    """``own`` is the folder of the settings, ``working`` the working directory."""

    own: Path | None = None
    working: Path | None = None

    def has_files(self) -> bool:
        """Whether there may be templates besides the built-in ones."""
        return self.own is not None or bool(self.ancestor_files())

    def ancestor_files(self) -> list[Path]:
        """The ancestor's files, of the first folder that has any: that of the settings, then ``config``."""
        for folder in filter(None, (self.own, self.working / ANCESTOR_FOLDER if self.working else None)):
            if files := [folder / name for name in ANCESTOR_NAMES if (folder / name).is_file()]:
                return files
        return []
