"""Write docs/commands.md from the help of every command, docs/parameters.md from the fields of the Params classes,
docs/data.md from the classes of the artifacts, the last part of docs/glossary.md from the words of the pages, and the
texts of a new project that follow from files of this one.

Called by `make docs`; tests/repository/test_documented.py fails when a page is outdated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import click

from flows.cli.main import semflow
from tasks.atomic_file import write_text_atomically
from tasks.params import Compute, Params

WIDTH = 100
"""Columns of the help texts."""
COMMANDS_PAGE, PARAMETERS_PAGE, DATA_PAGE = "docs/commands.md", "docs/parameters.md", "docs/data.md"
GLOSSARY_PAGE = "docs/glossary.md"
COMMANDS_HEAD = """\
# Commands

The help of every command, as `semflow COMMAND --help` prints it. Written by `make docs`.

`--json` may stand before or after the name of a command. Exit codes: 0 when all items are good, 1 when an item failed,
2 for an error in the call, the parameters or the data set, 130 after Ctrl-C.
"""
PARAMETERS_HEAD = """\
# Parameters

Every key of [params.yaml](../params.yaml) by section. Values stand in params.yaml alone; a key that is unknown, missing
or of the wrong type is an error with file and line. Written by `make docs` from the classes in
`tasks/<stage>/params.py`.
"""
SETUP_FOLDER = "flows/project_setup/files"
LINK_UP = re.compile(r"\[([^\]]+)\]\(\.\./\.\./[^)]+\)")
"""A link to a file of semflow's clone, which a project does not have."""
LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def render_commands() -> str:
    """The page docs/commands.md."""
    root = click.Context(semflow, info_name="semflow", terminal_width=WIDTH, **semflow.context_settings)
    parts = [f"## {context.command_path}\n\n```text\n{_help(context)}\n```\n" for context in list_commands(root)]
    return "\n".join([COMMANDS_HEAD, *parts])


def list_commands(context: click.Context) -> Iterator[click.Context]:
    """The context itself and, depth first, a context for each of its subcommands."""
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from list_commands(click.Context(command, parent=context, info_name=name))


def render_parameters(sections: Mapping[str, type[Params]]) -> str:
    """The page docs/parameters.md, for the classes of the sections of params.yaml."""
    parts = [text for name, kind in sections.items() for text in _render_section(name, kind)]
    return "\n".join([PARAMETERS_HEAD, *parts])


def write_pages(root: Path) -> None:
    """Write the pages below `root`."""
    from flows.reading.descriptions import render_page
    from tasks.report.page_words import write_glossary_part

    write_text_atomically(root / DATA_PAGE, render_page())
    glossary = root / GLOSSARY_PAGE
    write_text_atomically(glossary, write_glossary_part(glossary.read_text(encoding="utf-8")))
    write_text_atomically(root / COMMANDS_PAGE, render_commands())
    write_text_atomically(root / PARAMETERS_PAGE, render_parameters(list_sections()))
    for name, text in render_setup_files(root).items():
        write_text_atomically(root / name, text)


def render_setup_files(root: Path) -> dict[str, str]:
    """Path to text of the files of a new project that follow from params.yaml, READMEs and settings below `root`."""
    from flows.project_setup.default_params import render_default_params

    values = (root / "params.yaml").read_text(encoding="utf-8")
    notes = {f"{name}.md": root / f"data/{name}/README.md" for name in ("labels", "corrections", "cameras")}
    copies = {**notes, "dvcignore": root / ".dvcignore", "dvc_config": root / ".dvc/config"}
    texts = {name: LINK_UP.sub(r"`\1` of semflow", path.read_text(encoding="utf-8")) for name, path in copies.items()}
    texts["params.yaml"] = render_default_params(values, list_sections())
    return {f"{SETUP_FOLDER}/{name}": text for name, text in texts.items()}


def list_sections() -> dict[str, type[Params]]:
    """Section of params.yaml to its class: compute, then each stage."""
    from flows.pipeline import STAGES

    return {"compute": Compute} | {stage.name: stage.params for stage in STAGES}


def _help(context: click.Context) -> str:
    return "\n".join(line.rstrip() for line in context.get_help().splitlines())


def _render_section(name: str, kind: type[Params]) -> Iterator[str]:
    schema = kind.model_json_schema()
    definitions = schema.get("$defs", {})
    yield f"## {name}\n\n{(kind.__doc__ or '').strip()}\n"
    rows = ["| key | type | meaning |", "|---|---|---|"]
    nested: list[tuple[str, type[Params]]] = []
    for key, field in kind.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Params):
            nested.append((f"{name}.{key}", field.annotation))
            continue
        members = [one for one in get_args(field.annotation) if isinstance(one, type) and issubclass(one, Params)]
        nested += [(f"{name}.{key}", one) for one in members]
        meaning = " ".join((field.description or "").split()).replace("|", r"\|")
        rows.append(f"| `{key}` | {describe_type(schema['properties'][key], definitions)} | {meaning} |")
    if len(rows) > 2:  # noqa: PLR2004  more than the two lines of the heading
        yield "\n".join(rows) + "\n"
    for inner, section in nested:
        yield from _render_section(inner, section)


def describe_type(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Text for a JSON schema, e.g. "integer ≥ 16, or null"."""
    if "$ref" in schema:
        return describe_type(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return ", or ".join(describe_type(one, definitions) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        items = schema.get("items", {})
        return f"list of {describe_type(items, definitions)}" if items else "list"
    if "properties" in schema:
        return f"section with {', '.join(f'`{key}`' for key in schema['properties'])}"
    limits = [f"{sign} {schema[key]:g}" for key, sign in LIMITS.items() if key in schema]
    return " ".join([str(schema.get("type", "any")), *limits])


if __name__ == "__main__":
    write_pages(Path.cwd())
