"""Stems: the path of a video's artifacts below an artifact folder, without suffix.

Usually the stem is the video's name. Names that some file systems do not allow, or that two videos would share there,
get a stem of safe characters and `~` + digits of the SHA-256 of the name. Guarantees: no two stems are equal when case
and Unicode normalisation are ignored, as on the disk of a Mac or a Windows machine; no artifact file has the path of
another video's folder; no stem leads out of the folder. Stems depend on the set of names, not on their order.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable
from itertools import count

ENDINGS = (".parquet", ".npy", ".npz", ".recipe.json")
"""Suffixes of artifacts and recipes, which follow the stem in a file name; none may be the end of another."""
FLAT_ENDINGS = (".recipe.json",)
RESERVED = ("index.html", "bench", "dataset.json", "recipes.js", "assets")
"""Names in `reports` that do not belong to a single video."""
MAX_BYTES = 180
"""Longest path component in UTF-8 bytes: file systems allow 255, and a temporary file adds process and thread ids."""
DIGITS = (8, 16, 64)
"""Hexadecimal digits of the hash: the second and third count are for names whose first digits are equal."""

# Windows: learn.microsoft.com/windows/win32/fileio/naming-a-file; also separators of lines and lone surrogates.
_UNSAFE = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\\\\:*?"<>|]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9¹²³])(?= *(?:\.|\Z))", re.IGNORECASE)
_MARK = re.compile(r"~[0-9a-f]{8}")
_WORD = r"\w +@#%=,;&!'()\[\]{}$^`\-"
_PART = rf"(?!(?i:con|prn|aux|nul|clock|com|lpt))[{_WORD}][{_WORD}.]*(?<![ .])"
_PLAIN = re.compile(rf"{_PART}(?:/{_PART})*")
"""Names that need no further check: most of them."""


def assign_stems(videos: Iterable[str], *, flat: bool, reserved: Iterable[str] = ()) -> dict[str, str]:
    """Video name to stem; `flat` where artifacts are folders, which must not nest: `/` becomes `__`.

    A video whose stem would be equal to a `reserved` name (in a flat folder also RESERVED) gets the suffix, as do all
    of those whose stems would be equal, and the one whose file would lie where another's folder must be.
    """
    endings = FLAT_ENDINGS if flat else ENDINGS
    kept = {fold_case(name) for name in (*reserved, *(RESERVED if flat else ()))}
    wanted = {name: name.replace("/", "__") if flat else name for name in videos}
    safe = {name: _safe(text, kept) for name, text in wanted.items()}
    users: defaultdict[str, list[str]] = defaultdict(list)
    for name, text in safe.items():
        if text == wanted[name]:
            users[fold_case(text)].append(name)
    changed = {name for name, text in safe.items() if text != wanted[name]}
    for names in users.values():
        if len(names) > 1:
            changed.update(names)
    folders = set(users) if flat else {fold_case(folder) for folder in _folders(safe.values())}
    for place in folders | kept:
        for ending in endings:
            if place.endswith(ending) and (names := users.get(place.removesuffix(ending))):
                changed.update(names, users.get(place, ()) if flat else ())
    for place in kept & users.keys():
        changed.update(users[place])
    return safe | _suffixed(changed, safe)


def fold_case(text: str) -> str:
    """The same text for all paths that a case-insensitive, normalising file system treats as equal."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text.casefold()).casefold())


def _folders(paths: Iterable[str]) -> set[str]:
    """Every folder above the `paths`."""
    found: set[str] = set()
    for path in paths:
        above = path.rpartition("/")[0]
        while above and above not in found:
            found.add(above)
            above = above.rpartition("/")[0]
    return found


def _suffixed(names: Collection[str], safe: dict[str, str]) -> dict[str, str]:
    """Name to its safe text with `~` and hash digits; more digits where the first ones are equal for two names."""
    done: dict[str, str] = {}
    left = set(names)
    for digits in DIGITS:
        users: defaultdict[str, list[str]] = defaultdict(list)
        for name in left:
            users[fold_case(_suffix(name, safe[name], digits))].append(name)
        alone = {found[0] for found in users.values() if len(found) == 1}
        done |= {name: _suffix(name, safe[name], digits) for name in alone}
        left -= alone
    return done


def _suffix(name: str, text: str, digits: int) -> str:
    above, slash, last = text.rpartition("/")
    given = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{above}{slash}{_cut(last, MAX_BYTES - 1 - digits)}~{given[:digits]}"


def _safe(text: str, kept: Collection[str]) -> str:
    """The text itself where every file system allows it, else a different text that they allow."""
    if _is_plain(text):
        parts = text.split("/") if kept else [text]
    else:
        parts = [_safe_part(part) for part in unicodedata.normalize("NFC", text).split("/")]
        if _MARK.search(fold_case("/".join(parts))):  # this form is reserved for stems with a suffix
            parts = [part.replace("~", "_") for part in parts]
    if len(parts) > 1 and fold_case(parts[0]) in kept:  # a folder's name: a suffix at the end would not help
        other = (f"{_cut(parts[0], MAX_BYTES - 20)}_{n}" for n in count(1))
        parts[0] = next(name for name in other if fold_case(name) not in kept)
    return "/".join(parts)


def _is_plain(text: str) -> bool:
    if _PLAIN.fullmatch(text) is None:
        return False
    if text.isascii():
        return len(text) <= MAX_BYTES
    return len(text) * 4 <= MAX_BYTES and unicodedata.is_normalized("NFC", text)


def _safe_part(part: str) -> str:
    part = _UNSAFE.sub("_", part)
    if found := _DEVICE.match(part):
        part = f"{found[0]}_{part[found.end() :]}"
    part = _cut(part, MAX_BYTES)
    if part.startswith("."):  # hidden, or the folder above
        part = f"_{part[1:]}"
    if part.endswith((".", " ")):  # Windows drops them
        part = f"{part[:-1]}_"
    return part or "_"


def _cut(text: str, limit: int) -> str:
    """The first characters of `text` that take at most `limit` bytes."""
    given = text.encode("utf-8", "surrogatepass")
    return text if len(given) <= limit else given[:limit].decode("utf-8", "ignore")
