"""A drive with what people have: folders, texts, pictures, a film, a song."""

import asyncio
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.browser.page.support.drive import STAR, TRASH, new_file, new_folder
from tests.support.clips import bigbuckbunny
from tests.support.server import Api
from workers.media.tools import find_tools

MIB = 1024 * 1024
FOLDERS = ("Brittany 2026", "Invoices", "Wedding photos")
#: Names, with the size that the list shows: nothing looks into these.
PADDED = {
    "Rental contract.pdf": 412_000,
    "Household budget.ods": 38_400,
    "Photos of the garden.zip": 5 * MIB,
    "Presentation for Monday.odp": 2 * MIB,
    "Backup of the old laptop.tar.gz": 9 * MIB,
}
RECIPE = """Onion soup, for four

1 kg of onions
60 g of butter
1 l of broth
8 slices of bread
150 g of Gruyère

Cut the onions into thin rings and fry them in the butter, slowly, until they are brown. That takes about 40 minutes.
Add the broth and let it simmer for another 20. Put bread and cheese on top, and gratinate.
"""


@dataclass(frozen=True)
class Contents:
    """What is in the drive; files by name."""

    api: Api
    folder: str
    files: dict[str, str]


async def fill(api: Api, folder: Path) -> Contents:
    """Put into the drive of a user what people have there. ``folder`` is for what has to be made."""
    summer, *_ = [await new_folder(api, name) for name in FOLDERS]
    media = await _media(folder)
    filler = random.Random(1)
    padded = {name: filler.randbytes(size) for name, size in PADDED.items()}
    found = {
        name: await new_file(api, name, content)
        for name, content in {**media, **padded, "Onion soup.txt": RECIPE.encode()}.items()
    }
    for name in ("Walk to the lighthouse.jpg", "Sunset at the harbour.jpg"):
        await new_file(api, name, media["Rabbit at the burrow.jpg"], summer)
    for item in (summer, found["Rabbit in the meadow.webm"], found["Onion soup.txt"]):
        await api.data(STAR, id=item)
    old = [await new_file(api, name, b"old") for name in ("Draft of the letter.txt", "Shopping list.txt", "Notes.txt")]
    await api.data(TRASH, ids=old)
    return Contents(api, summer, found)


async def _media(folder: Path) -> dict[str, bytes]:
    """Parts of a real film. The Chromium of the tests plays no H.264."""
    film = ("-i", str(bigbuckbunny()))
    return {
        "Rabbit in the meadow.webm": await _made(
            folder / "film.webm", *film, "-c:v", "libvpx", "-b:v", "2M", "-cpu-used", "8", "-an"
        ),
        "Rabbit at the burrow.jpg": await _made(folder / "picture.jpg", "-ss", "4", *film, "-frames:v", "1"),
        "Birds in the morning.mp3": await _made(folder / "song.mp3", *film, "-vn", "-ac", "2"),
    }


async def _made(path: Path, *arguments: str) -> bytes:
    """A file that ffmpeg makes."""
    command = [find_tools().ffmpeg, "-v", "error", "-nostdin", "-y", *arguments, str(path)]
    await asyncio.to_thread(subprocess.run, command, check=True, timeout=60)
    return path.read_bytes()
