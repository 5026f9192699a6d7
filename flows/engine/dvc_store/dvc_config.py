"""Read DVC's configuration without importing DVC.

Source: `dvc.config.Config` of DVC 3.67. Four files, where later ones override earlier ones: of the system, of the user,
`.dvc/config`, `.dvc/config.local`. Relative paths are relative to the folder of the file that contains them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.errors import SemflowError

DVC_FOLDER = ".dvc"
"""Folder of a repository for DVC's own files."""

LOCK_FILE = "dvc.lock"
"""The file beside `dvc.yaml` with the recorded inputs and outputs of each stage."""

TRUE_WORDS = {"true", "yes", "1", "on"}
"""Values that DVC reads as true, in any case."""


@dataclass(frozen=True)
class DvcConfig:
    """The settings of a repository that semflow needs."""

    cache: Path
    """The cache directory; objects are in `files/md5` below it."""
    shared: bool
    """Whether the cache is shared by a group; its folders are then made group-writable."""
    remote: str | None
    """Name of the default remote."""
    remotes: Mapping[str, str]
    """Name of each remote to its address."""
    no_scm: bool
    """Whether DVC is configured to work without git."""


def read_config(root: Path) -> DvcConfig | None:
    """The configuration of the repository at `root`; None where there is no `.dvc` folder.

    Raises SemflowError where a file is damaged.
    """
    folder = root / DVC_FOLDER
    if not folder.is_dir():
        return None
    merged: dict[str, dict[str, Any]] = {}
    for file in _files(folder):
        for section, values in _read(file).items():
            merged.setdefault(section, {}).update(values)
    urls = {match[1]: str(merged[name].get("url", "")) for name in merged if (match := _REMOTE.match(name))}
    core, cache = merged.get("core", {}), merged.get("cache", {})
    default = core.get("remote")
    return DvcConfig(
        cache=_cache_folder(folder, cache, urls),
        shared=str(cache.get("shared", "")).lower() == "group",
        remote=str(default) if default else None,
        remotes=urls,
        no_scm=str(core.get("no_scm", "")).lower() in TRUE_WORDS,
    )


_REMOTE = re.compile(r'^\s*remote\s*"(.*)"\s*$')


def _files(folder: Path) -> Iterator[Path]:
    import platformdirs  # one of DVC's own dependencies, as is configobj

    system = os.environ.get("DVC_SYSTEM_CONFIG_DIR") or platformdirs.site_config_dir("dvc", "iterative")
    user = os.environ.get("DVC_GLOBAL_CONFIG_DIR") or platformdirs.user_config_dir("dvc", "iterative")
    yield from (Path(system) / "config", Path(user) / "config", folder / "config", folder / "config.local")


def _read(file: Path) -> dict[str, dict[str, Any]]:
    from configobj import ConfigObj, ConfigObjError

    try:
        with file.open(encoding="utf-8") as lines:
            sections = ConfigObj(lines).dict()
    except FileNotFoundError:
        return {}
    except (ConfigObjError, UnicodeDecodeError, OSError) as error:
        raise SemflowError(f"{file} must be a configuration of DVC, got {error}; mend or remove the file") from None
    values = {
        name.lower(): {k.lower(): v for k, v in keys.items()} for name, keys in sections.items() if _is_dict(keys)
    }
    for name, keys in values.items():
        for key in ({"dir"} if name == "cache" else {"url"}) & keys.keys():
            keys[key] = _resolve(file.parent, str(keys[key]))
    return values


def _is_dict(value: object) -> bool:
    return isinstance(value, dict)


def _resolve(folder: Path, path: str) -> str:
    if re.match(r"\w+://", path) or os.path.isabs(path):  # noqa: PTH117 - a str, as DVC has it
        return path
    expanded = Path(path).expanduser()
    return str(expanded) if expanded.is_absolute() else os.path.abspath(folder / expanded)  # noqa: PTH100 - no symlinks


def _cache_folder(folder: Path, cache: Mapping[str, Any], urls: Mapping[str, str]) -> Path:
    named = cache.get("local")  # the older option: the name of a remote whose folder is the cache
    if named:
        url = urls.get(str(named), "")
        if not os.path.isabs(url):  # noqa: PTH117
            raise SemflowError(
                f"cache.local in {folder}/config must name a remote that is a folder, got {named!r} "
                f"({url or 'unknown'}); set `dvc cache dir FOLDER` instead"
            )
        return Path(url)
    return Path(str(cache.get("dir") or folder / "cache"))
