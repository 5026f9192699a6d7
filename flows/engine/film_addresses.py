"""Films of videos.yaml that lie at an address: `walk: s3://bucket/films/walk.mp4`, `cam2: https://host/cam2.mp4`.

Each becomes an address file below `.semflow` (tasks/decode/film_address.py), written anew when the server gives the
film another size or mark (ETag, else time of change). Its MD5 is computed once for each size and mark, and remembered.
The file `.asked` beside it has the time of the server's last answer: commands that compute nothing take answers of up
to MAX_ANSWER_AGE_S without asking again.
An address with a password or a signature is refused, since videos.yaml is for everybody who has the repository.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from flows.engine.state import STATE_FOLDER, State
from tasks.atomic_file import write_text_atomically
from tasks.decode.film_address import SUFFIX, WEB, FilmAddress, read_film_address
from tasks.errors import SemflowError

ASKED_SUFFIX = ".asked"
MAX_ANSWER_AGE_S = 600.0
"""Seconds for which an answer of a server counts in commands that compute nothing; `semflow run` always asks."""
FOLDER = "films"
"""Folder of address files below the state folder."""
MEMO = "film at "
ASKED_AT_ONCE = 8
"""Films that servers are asked for at the same time."""
PROTOCOL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
SECRET = re.compile(
    r"(?i)(x-(amz|goog|oss|cos)-.*|.*(signature|token|password|secret|credential|api_?key).*|sig|key|auth|pwd|awsaccesskeyid)"
)
"""Names in a query that hold a password or a signature, of S3, Google, Azure and others."""


def parse_address(given: str, where: str, name: str) -> str:
    """The address that an entry of videos.yaml gives, "" where it gives a path.

    Raises SemflowError, beginning with `where`, for an address that holds a secret or cannot be one of a film.
    """
    protocol, separator, rest = given.strip().partition("://")
    if not separator:
        return ""
    if PROTOCOL.fullmatch(protocol) is None or protocol.lower() == "file":
        raise SemflowError(
            f"{where}: {name!r} must be a path, or an address like s3://bucket/walk.mp4, got the protocol "
            f"{protocol!r}; write the path alone for a file of this machine"
        )
    protocol = protocol.lower()
    host, _, path = rest.partition("/")
    if "@" in host:
        raise SemflowError(
            f"{where}: the address of {name!r} must not hold a user or password, got one for "
            f"{host.rpartition('@')[2]}; put it where other tools read it (~/.netrc, ~/.aws/credentials)"
        )
    split = urlsplit(given.strip() if protocol in WEB else "")
    secrets = sorted(key for key, _ in parse_qsl(split.query, keep_blank_values=True) if SECRET.fullmatch(key))
    if secrets:
        raise SemflowError(
            f"{where}: the address of {name!r} must not hold a signature, got {', '.join(secrets)} in it, which ends "
            "and is for you alone; write s3://bucket/path, with the credentials of AWS_PROFILE"
        )
    if not host or not path.rstrip("/") or path.endswith("/") or split.fragment:
        raise SemflowError(
            f"{where}: the address of {name!r} must be one film's, like s3://bucket/walk.mp4, got {given!r}"
        )
    return f"{protocol}://{rest}"


def address_file(root: Path, name: str) -> Path:
    """Path of the address file of the film `name`."""
    return root / STATE_FOLDER / FOLDER / f"{name.replace('/', '__')}{SUFFIX}"


def find_film_files(
    root: Path, films: Mapping[str, str], max_age_s: float | None = 0
) -> dict[str, Path | OSError | SemflowError]:
    """Name of a film to its address file, or to the error where there is none; `films` gives their addresses.

    Servers are asked for films whose last answer is older than `max_age_s` seconds; with None for none of them.
    """
    known = {name for name, url in films.items() if max_age_s != 0 and _has_answer(root, name, url, max_age_s)}
    wanted = [] if max_age_s is None else sorted({url for name, url in films.items() if name not in known})
    asked = examine_addresses(wanted)
    found: dict[str, Path | OSError | SemflowError] = {}
    for name, url in films.items():
        answer = asked.get(url, FileNotFoundError(f"{url} was not asked for yet; run `semflow plan`"))
        if name in known:
            found[name] = address_file(root, name)
        elif isinstance(answer, FilmAddress):
            file = write_film_address(root, name, answer)
            file.with_suffix(ASKED_SUFFIX).touch()
            found[name] = file
        else:
            found[name] = answer
    return found


def _has_answer(root: Path, name: str, url: str, max_age_s: float | None) -> bool:
    """Whether the address file is that of `url`, and not older than `max_age_s`."""
    file = address_file(root, name)
    try:
        age_s = time.time() - file.with_suffix(ASKED_SUFFIX).stat().st_mtime
        is_same = read_film_address(file).url == url
    except (OSError, SemflowError):
        return False
    return is_same and (max_age_s is None or 0 <= age_s <= max_age_s)


def examine_addresses(urls: Sequence[str]) -> dict[str, FilmAddress | OSError | SemflowError]:
    """Address to what its server says of the film now, or to the error where it does not.

    A server that cannot be reached is not asked again.
    """
    silent: dict[str, ConnectionError] = {}

    def ask(url: str) -> FilmAddress | OSError | SemflowError:
        # The driver is loaded with the first film, since a machine may have other films alone.
        from tasks.decode.film_source import find_source

        server = "/".join(url.split("/")[:3]) if url.partition("://")[0] in WEB else url.partition("://")[0]
        if server in silent:
            return ConnectionError(f"{url} cannot be reached, as {server}")
        try:
            return find_source(url).examine(url)
        except ConnectionError as error:
            silent[server] = error
            return error
        except (OSError, SemflowError) as error:
            return error

    if not urls:
        return {}
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        return dict(zip(urls, pool.map(ask, urls), strict=True))


def write_film_address(root: Path, name: str, film: FilmAddress) -> Path:
    """The address file of the film `name`, written where it is new or has changed."""
    file, text = address_file(root, name), film.render()
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        write_text_atomically(file, text)
    return file


def find_film_md5(state: State, file: Path) -> str:
    """MD5 of the film at the address that `file` holds; where it is not remembered, all its bytes are read.

    Raises OSError or SemflowError where they cannot be read.
    """
    from tasks.decode.remote_film import md5_remote_film

    film = read_film_address(file)
    known = state.read_memo(MEMO + film.url)
    if known is not None and known["form"] == [film.size, film.mark]:
        return str(known["md5"])
    md5 = md5_remote_film(film)
    remember_film_md5(state, film, md5)
    return md5


def remember_film_md5(state: State, film: FilmAddress, md5: str) -> None:
    """Remember the MD5 of the film at this size and mark."""
    state.save_memo(MEMO + film.url, {"form": [film.size, film.mark], "md5": md5})


def forget_film_address(root: Path, state: State, name: str) -> None:
    """Remove what is remembered of the film `name` and its address."""
    file = address_file(root, name)
    if file.is_file():
        state.drop_memos([MEMO + read_film_address(file).url])
        file.unlink()
    file.with_suffix(ASKED_SUFFIX).unlink(missing_ok=True)
