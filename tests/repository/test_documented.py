"""Every command, option and parameter is documented, and no link of the documentation leads nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from flows.cli import reference_pages
from flows.cli.main import semflow
from flows.reading.descriptions import render_page
from tasks.params import Params
from tasks.report.page_words import write_glossary_part

SLUG_DROPS = re.compile(r"[^\w\- ]")
PAGES = ("*.md", "docs/**/*.md", "data/**/*.md")


def test_the_page_of_commands_is_as_rendered(checkout: Path) -> None:
    page = checkout / reference_pages.COMMANDS_PAGE
    assert page.read_text(encoding="utf-8") == reference_pages.render_commands(), "run `make docs`"


def test_the_page_of_parameters_is_as_rendered(checkout: Path) -> None:
    page = checkout / reference_pages.PARAMETERS_PAGE
    text = reference_pages.render_parameters(reference_pages.list_sections())
    assert page.read_text(encoding="utf-8") == text, "run `make docs`"


def test_the_page_of_data_is_as_rendered(checkout: Path) -> None:
    page = checkout / reference_pages.DATA_PAGE
    assert page.read_text(encoding="utf-8") == render_page(), "run `make docs`"


def test_the_words_of_the_pages_are_in_the_glossary(checkout: Path) -> None:
    text = (checkout / reference_pages.GLOSSARY_PAGE).read_text(encoding="utf-8")
    assert write_glossary_part(text) == text, "run `make docs`"
    assert "**Track.** One person or object followed" in text


def test_the_texts_of_a_new_project_are_as_rendered(checkout: Path) -> None:
    for name, text in reference_pages.render_setup_files(checkout).items():
        assert (checkout / name).read_text(encoding="utf-8") == text, f"{name}: run `make docs`"


def test_every_option_and_every_argument_is_explained() -> None:
    root = click.Context(semflow, info_name="semflow")
    for context in reference_pages.list_commands(root):
        assert context.command.help, context.command_path
        for parameter in context.command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{context.command_path} {parameter.opts[0]}"


def test_the_help_of_a_group_lists_commands_that_exist() -> None:
    root = click.Context(semflow, info_name="semflow")
    paths = [context.command_path for context in reference_pages.list_commands(root)]
    assert len(paths) == len(set(paths))
    assert {"semflow run", "semflow eval mot", "semflow field complete"} <= set(paths)


def test_every_parameter_is_explained() -> None:
    def check(name: str, kind: type[Params]) -> None:
        for key, field in kind.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, Params):
                check(f"{name}.{key}", field.annotation)
            else:
                assert field.description, f"{name}.{key}"

    for name, kind in reference_pages.list_sections().items():
        check(name, kind)


def list_pages(checkout: Path) -> list[Path]:
    return sorted({path for pattern in PAGES for path in checkout.glob(pattern) if ".venv" not in path.parts})


def list_anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ +(.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {SLUG_DROPS.sub("", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/glossary.md", "docs/architecture.md"])
def test_the_pages_that_everybody_looks_for_are_there(checkout: Path, name: str) -> None:
    assert (checkout / name).is_file()


def test_links_resolve(checkout: Path) -> None:
    broken: list[str] = []
    for page in list_pages(checkout):
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            linked = (page.parent / path).resolve() if path else page
            if not linked.exists() or (anchor and linked.suffix == ".md" and anchor not in list_anchors(linked)):
                broken.append(f"{page.relative_to(checkout)}: {target}")
    assert broken == []


def test_modules_that_pages_name_exist(checkout: Path) -> None:
    missing = [
        f"{page.relative_to(checkout)}: {name}"
        for page in list_pages(checkout)
        if page.name != "CHANGELOG.md" and "decisions" not in page.parts  # history may name what is gone
        for name in re.findall(r"`((?:flows|tasks|tests|benchmarks)/[\w/.]+\.py)`", page.read_text(encoding="utf-8"))
        if not (checkout / name).exists()
    ]
    assert missing == []
