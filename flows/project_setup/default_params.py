"""The params.yaml of a new project: the values of semflow's own, with the meaning of every key as a comment below it.

`make docs` renders it into `files/params.yaml`, which `semflow init` copies and `semflow upgrade` takes new keys from.

Below, since `dvc exp run --set-param` replaces every list by a new one, and with it the comment that follows its last
item: where meanings stand above their keys, the key behind a list loses its own.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping

from tasks.params import Params

HEAD = """\
# Every value that the pipeline uses, with its meaning. A key that is unknown, missing or of the wrong type is an error
# with file and line. After a new version of semflow: `semflow upgrade`. What a key means stands below it, indented.
"""
WIDTH = 110
"""Columns of the comments."""
KEY = re.compile(r"( *)([a-z]\w*):")


def render_default_params(values: str, sections: Mapping[str, type[Params]]) -> str:
    """The text of params.yaml with comments, from the text `values` without; `sections` are the classes by name."""
    lines, kind = [HEAD.rstrip()], None
    for line in values.splitlines():
        found = KEY.match(line)
        if found is None:
            if not line.startswith("#"):
                lines.append(line)
            continue
        indent, name = found.groups()
        if not indent:
            kind = sections[name]
            lines += [*([""] if lines[-1] else []), line, *_comment(kind.__doc__, "  "), ""]
        elif kind is not None:
            lines += [line, *_comment(kind.model_fields[name].description, f"{indent}  ")]
    return "\n".join(lines) + "\n"


def _comment(text: str | None, indent: str) -> list[str]:
    words = " ".join((text or "").split())
    return textwrap.wrap(words, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
