"""Files that come under the name of a video and are something else: pointers, downloads that failed, documents."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

from PIL import Image

from tests.decode.film import film, maker, picture

LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
ANNEX_PLACE = "../../.git/annex/objects/Wx/0q/SHA256E-s12--4d7a.mp4"
TEXTS = {
    "lfs_pointer": LFS_POINTER,
    "lfs_pointer_windows": LFS_POINTER.replace("\n", "\r\n"),
    "lfs_pointer_marked": "\ufeff" + LFS_POINTER,
    "annex_pointer": "/annex/objects/SHA256E-s12--4d7a.mp4\n",
    "annex_link": ANNEX_PLACE,
    "annex_link_windows": ANNEX_PLACE.replace("/", "\\"),
    "dvc_pointer": "outs:\n- md5: d41d8cd98f00b204e9800998ecf8427e\n  size: 12\n  hash: md5\n  path: a.mp4\n",
    "server_link": "XSym\n0017\n7f1a\n/mnt/nas/film.mp4\n",
    "web_page": "\n<!DOCTYPE html><html><body>Sign in to download</body></html>",
}


@maker(*(f"{name}.mp4" for name in TEXTS))
def _text(path: Path) -> None:
    path.write_bytes(TEXTS[path.stem].encode())


@maker("archive.mp4", "packed.mp4")
def _archive(path: Path) -> None:
    film(path)
    content = path.read_bytes()
    if path.stem == "packed":
        path.write_bytes(gzip.compress(content))
        return
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("film.mp4", content)


@maker("zeros.mp4")
def _zeros(path: Path) -> None:
    """What a download that never went on leaves, where its length was reserved."""
    path.write_bytes(bytes(20_000))


@maker("still.gif", "still.tiff", "still.bmp", "document.mp4", "cut_off.gif", "two_pictures.gif")
def _image(path: Path) -> None:
    images = [Image.fromarray(picture(n)) for n in range(2 if path.stem in ("cut_off", "two_pictures") else 1)]
    more: dict[str, Any] = {"save_all": True, "append_images": images[1:], "duration": 40} if images[1:] else {}
    buffer = io.BytesIO()
    images[0].save(buffer, "pdf" if path.stem == "document" else path.suffix[1:], **more)
    content = buffer.getvalue()
    path.write_bytes(content[: len(content) // 3] if path.stem == "cut_off" else content)
