"""Compressed files beside those of a build."""

import gzip
from pathlib import Path

from bench.harness import npm
from bench.harness.programs import run
from page_build.sources import COMPRESS

TEXT = b"const words = ['paper', 'ink'];\n" * 100


def test_texts_of_more_than_a_packet_get_smaller_files_beside_them(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    for name, content in {"a.js": TEXT, "small.js": TEXT[:1000], "font.woff2": TEXT, "b.css": TEXT}.items():
        (tmp_path / "assets" / name).write_bytes(content)
    (tmp_path / "index.html").write_bytes(TEXT)
    run([npm.node(), str(COMPRESS), str(tmp_path)])
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.suffix in (".br", ".gz")}
    texts = ("assets/a.js", "assets/b.css", "index.html")
    assert made == {f"{name}{suffix}" for name in texts for suffix in (".br", ".gz")}
    assert gzip.decompress((tmp_path / "assets" / "a.js.gz").read_bytes()) == TEXT
    assert len((tmp_path / "assets" / "a.js.br").read_bytes()) < len(TEXT)
