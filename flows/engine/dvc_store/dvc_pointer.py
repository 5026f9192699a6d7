"""Read and write `data/raw.dvc`, the file by which DVC tracks a folder that is not the output of a stage.

Source: `dvc.dvcfile.SingleStageFile` and `Output.dumpd` of DVC 3.67; the same bytes as `dvc add` writes.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from flows.engine.dvc_store.dvc_lock import DirHash
from flows.engine.dvc_store.git_ignore import ignore_in_git
from flows.engine.dvc_store.verified_copy import write_bytes_atomically
from flows.engine.dvc_store.yaml_text import parse_yaml, render_mapping
from tasks.errors import SemflowError

CONTENT_KEYS = ("md5", "size", "nfiles", "isexec", "hash", "path", "files")
"""Keys of a pointer about the content; other keys (a description, a remote) are kept."""


def pointer_path(root: Path, path: str) -> Path:
    """Path of the pointer to the folder `path`."""
    return root / f"{path}.dvc"


def read_pointer(root: Path, path: str) -> DirHash | None:
    """The recorded hash of the folder `path` (relative to `root`); None where it is not tracked.

    Raises SemflowError with file and line where the pointer is damaged or has merge conflicts.
    """
    data = _load(root, path)
    return None if data is None else _read_hash(data, path)


def parse_pointer(text: str, path: str) -> DirHash | None:
    """The same for the text of the pointer to `path`."""
    return _read_hash(_parse(text, path), path)


def _read_hash(data: dict[str, Any], path: str) -> DirHash | None:
    out = data["outs"][0]
    md5 = out.get("md5")
    if md5 is None:
        return None  # tracked, but nothing recorded yet
    if not isinstance(md5, str) or not md5.endswith(".dir"):
        raise SemflowError(f"{path}.dvc must track a folder, got the file hash {md5!r}; {_remedy(path)}")
    return DirHash(md5, int(out.get("size") or 0), int(out.get("nfiles") or 0))


def write_pointer(root: Path, path: str, held: DirHash) -> bool:
    """Record the hash `held` of the folder `path`, and add the folder to .gitignore; whether the pointer changed.

    Raises SemflowError where the existing pointer is damaged, OSError where it cannot be written.
    """
    ignore_in_git(root, path)
    data = _load(root, path)
    new = {"md5": held.md5, "size": held.size, "nfiles": held.nfiles, "hash": "md5", "path": PurePosixPath(path).name}
    text = render_mapping({"outs": [new]}) if data is None else _with_content(root, path, data, new)
    file = pointer_path(root, path)
    if data is not None and text == file.read_text(encoding="utf-8"):
        return False
    write_bytes_atomically(file, text.encode("utf-8"))
    return True


def _with_content(root: Path, path: str, data: dict[str, Any], new: dict[str, Any]) -> str:
    out = data["outs"][0]
    if set(data) == {"outs"} and not set(out) - set(CONTENT_KEYS):
        return render_mapping({"outs": [new]})
    import io

    from ruamel.yaml import YAML  # keeps comments and order; DVC updates pointers with it too

    writer = YAML()
    writer.default_flow_style = False
    kept: Any = writer.load(pointer_path(root, path).read_text(encoding="utf-8"))
    for name in set(CONTENT_KEYS) - set(new) & set(CONTENT_KEYS):
        kept["outs"][0].pop(name, None)
    kept["outs"][0].update(new)
    kept.pop("md5", None)  # the hash of an import's definition, which is outdated now
    stream = io.StringIO()
    writer.dump(kept, stream)
    return stream.getvalue()


def _load(root: Path, path: str) -> dict[str, Any] | None:
    try:
        text = pointer_path(root, path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise SemflowError(f"{path}.dvc must be UTF-8, got {error.reason}; {_remedy(path)}") from None
    return _parse(text, path)


def _parse(text: str, path: str) -> dict[str, Any]:
    data, _ = parse_yaml(text, f"{path}.dvc", _remedy(path))
    outs: Any = data.get("outs") if isinstance(data, dict) else None
    if not isinstance(outs, list) or len(outs) != 1 or not isinstance(outs[0], dict):
        raise SemflowError(f"{path}.dvc must be a pointer of DVC with one entry in outs, got another; {_remedy(path)}")
    return data


def _remedy(path: str) -> str:
    return f"take the others' side with `git checkout --theirs {path}.dvc` (in a rebase --ours), then `semflow run`"
