"""Parameters are typed, and errors name file and line."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from tasks import yaml_values
from tasks.device import resolve_device
from tasks.errors import BadParams
from tasks.params import Compute, Params, read_params
from tasks.yaml_values import read_yaml


class Sharpen(Params):
    RENAMED: ClassVar[Mapping[str, str]] = {"width": "radius"}
    radius: int = Field(gt=0)
    """Pixels."""
    edges: tuple[float, float]
    """Low and high threshold."""
    names: tuple[str, ...] | None
    """Which ones, or null for all."""


SECTIONS: dict[str, type[Params]] = {"sharpen": Sharpen}
GOOD = "sharpen:\n  radius: 3\n  edges: [0.1, 1]\n  names: null\n"


def read(tmp_path: Path, text: str) -> Sharpen:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    section = read_params(path, SECTIONS)["sharpen"]
    assert isinstance(section, Sharpen)
    return section


def test_values_come_as_their_types(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD) == Sharpen(radius=3, edges=(0.1, 1.0), names=None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD + "  size: 3\n", r"params.yaml:5: sharpen.size must be one of radius, edges, names, got an unknown key"),
        (
            GOOD.replace("radius: 3", "width: 3"),
            r"params.yaml:2: sharpen.width must be named radius, got its former name; rename the key",
        ),
        (GOOD + "blur:\n  radius: 1\n", r"params.yaml:5: section must be one of sharpen, got 'blur'"),
        (GOOD.replace("radius: 3", "radius: '3'"), r"params.yaml:2: sharpen.radius: Input should be a valid integer"),
        (GOOD.replace("radius: 3", "radius: 0"), r"params.yaml:2: sharpen.radius: .*greater than 0, got 0"),
        (GOOD.replace("1]", "x]"), r"params.yaml:3: sharpen.edges.1: .*valid number.*got 'x'"),
        (GOOD.replace("  radius: 3\n", ""), r"params.yaml:1: sharpen.radius must be given, got none"),
        (
            GOOD.replace("names: null", "names: 2024-01-02"),
            r"params.yaml:4: sharpen.names must be .*, got a date",
        ),
        (GOOD.replace("null", "!!set {a, b}"), r"params.yaml:4: sharpen.names must be .*, got set"),
        (GOOD.replace("null", "!!binary aGk="), r"params.yaml:4: sharpen.names must be .*, got binary 'aGk='"),
        (GOOD.replace("null", "!!python/name:os.system x"), r"params.yaml:4: sharpen.names must be .*, got .*python"),
        (GOOD.replace("null", "[a, 2024-01-02]"), r"params.yaml:4: sharpen.names.1 must be .*, got a date"),
        (GOOD.replace("radius: 3", "radius: !!int x"), r"params.yaml:2: sharpen.radius must be .*, got 'x' as int"),
        (GOOD.replace("radius: 3", "radius: 0x_"), r"params.yaml:2: sharpen.radius must be .*, got '0x_' as int"),
        (
            GOOD.replace("radius: 3", "radius: 99999999999"),
            r"params.yaml:2: sharpen.radius must be at most 2147483647, got '9999",
        ),
        (GOOD.replace("0.1", ".nan"), r"params.yaml:3: sharpen.edges.0 must be a finite number, got '.nan'"),
        (GOOD.replace("0.1", "-.inf"), r"params.yaml:3: sharpen.edges.0 must be a finite number, got '-.inf'"),
        (GOOD.replace("0.1", "-1.0e+13"), r"params.yaml:3: sharpen.edges.0 must be at most 1e\+12, got '-1.0e\+13'"),
        (GOOD.replace("0.1", "1e-4"), r"params.yaml:3: sharpen.edges.0: .*got '1e-4'; YAML reads this as text"),
        (GOOD + "  5: x\n", r"params.yaml:5: keys must be names, got '5', which YAML reads as int"),
        (GOOD + "  on: x\n", r"params.yaml:5: keys must be names, got 'on', which YAML reads as bool"),
        (GOOD + "5: x\n", r"params.yaml:5: keys must be names"),
        (GOOD + "  [a]: x\n", r"params.yaml:5: keys must be names, got a list"),
        (GOOD + "  {a: b}: x\n", r"params.yaml:5: keys must be names, got a mapping"),
        (GOOD + "  radius: 9\n", r"params.yaml:5: sharpen.radius must be given once, got it in line 2 too"),
        (GOOD + "sharpen: {}\n", r"params.yaml:5: sharpen must be given once, got it in line 1 too"),
        ("sharpen: &s\n  radius: *s\n", r"params.yaml:2: \*s must stand outside of what it names"),
        ("sharpen: *s\n", r"params.yaml:1: \*s must name an anchor above"),
        ("sharpen: " + "[" * 3000 + "]" * 3000, r"params.yaml:1: must have at most 20 levels"),
        ("sharpen:\n" + "".join(f"{' ' * n}a:\n" for n in range(1, 300)), r"params.yaml:2\d: must have at most 20"),
        (GOOD + "---\nsharpen: {}\n", r"params.yaml:5: must be one document"),
        ("sharpen: 3\n", r"params.yaml:1: sharpen must be a section with radius, edges, names, got 3"),
        ("- sharpen\n", r"params.yaml:1: must hold sections .*, got a list"),
        (GOOD.replace("null", '["\\ud800"]'), r"params.yaml:4: .* character"),
        ("sharpen: \x01\n", r"params.yaml:1: must be text, got the character '\\x01'"),
        ("\nsharpen: {a\n", r"params.yaml:\d: must be YAML, got an error"),
        ("%YAML 3.0\n---\na: b\n", r"params.yaml:1: must be YAML"),
        ("", r"params.yaml:1: must hold sections \(sharpen\), got nothing"),
        ("{}", r"params.yaml:1: section 'sharpen' must be there, got none; it needs radius, edges, names"),
        ("other: {}\n", r"params.yaml:1: section must be one of sharpen"),
        ("sharpen: [\n", r"must be YAML"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(BadParams, match=expected):
        read(tmp_path, text)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadParams, match="must exist, got no such file"):
        read_params(tmp_path / "params.yaml", SECTIONS)


def test_a_path_that_is_a_folder_or_no_text_is_reported(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").mkdir()
    with pytest.raises(BadParams, match=r"params.yaml must be a file, got a folder"):
        read_params(tmp_path / "params.yaml", SECTIONS)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("sharpen: {}\n# plié\n".encode("latin-1"), r"params.yaml:2: must be UTF-8, got byte 0xe9; save it as UTF-8"),
        (GOOD.encode("utf-16"), r"params.yaml:1: must be UTF-8, got UTF-16"),
        (GOOD.encode("utf-16-be"), r"params.yaml:1: must be text, got a byte 0x00"),
        (b"x" * (1 << 21), r"params.yaml must have at most 1,048,576 bytes"),
    ],
)
def test_another_encoding_is_reported_with_its_line(tmp_path: Path, data: bytes, expected: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(data)
    with pytest.raises(BadParams, match=expected):
        read_params(path, SECTIONS)


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeff" + GOOD) == read(tmp_path, GOOD)


def test_aliases_and_merges_are_plain_yaml(tmp_path: Path) -> None:
    text = (
        "sharpen:\n  radius: 3\n  edges: &e [0.1, 1]\n  names: null\nother:\n  radius: 4\n  edges: *e\n  names: [a]\n"
    )
    path = tmp_path / "params.yaml"
    path.write_text(text)
    both = read_params(path, {"sharpen": Sharpen, "other": Sharpen})
    assert both["other"] == Sharpen(radius=4, edges=(0.1, 1.0), names=("a",))
    path.write_text(text.replace("sharpen:", "sharpen: &s").replace("  radius: 4\n  edges: *e\n", "  <<: *s\n"))
    both = read_params(path, {"sharpen": Sharpen, "other": Sharpen})
    assert both["other"] == Sharpen(radius=3, edges=(0.1, 1.0), names=("a",))


def test_exponential_yaml_aliases_are_refused_at_once(tmp_path: Path) -> None:
    levels = "".join(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(9))
    with pytest.raises(BadParams, match=r"params.yaml:\d: must hold at most 10000 values"):
        read(tmp_path, "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + levels)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("workers: -1", r"params.yaml:3: compute.workers: .*greater than or equal to 0, got -1"),
        ("batch: 0", r"params.yaml:4: compute.batch: .*greater than or equal to 1, got 0"),
        ("batch: -1", r"params.yaml:4: compute.batch: .*greater than or equal to 1, got -1"),
        ("device: gpu", r"params.yaml:2: compute.device: .*got 'gpu'"),
        ("device: cuda:-1", r"params.yaml:2: compute.device: .*got 'cuda:-1'"),
        ("device: cuda:x", r"params.yaml:2: compute.device: .*got 'cuda:x'"),
        ("device: 0", r"params.yaml:2: compute.device: .*got 0"),
    ],
)
def test_how_to_compute_is_checked_when_it_is_read(tmp_path: Path, line: str, expected: str) -> None:
    good = {"device": "auto", "workers": "0", "batch": "16"}
    rest = {"item_timeout_s": "0", "worker_memory_gb": "0", "store_raw": "true", "recompute": "[read]"}
    key, _, value = line.partition(": ")
    path = tmp_path / "params.yaml"
    path.write_text("compute:\n" + "".join(f"  {k}: {v}\n" for k, v in (good | {key: value} | rest).items()))
    with pytest.raises(BadParams, match=expected):
        read_params(path, {"compute": Compute})
    good = {"device": "'cuda:1'", "workers": "3", "batch": "1"} | rest
    path.write_text(f"compute: {{{', '.join(f'{k}: {v}' for k, v in good.items())}}}\n")
    assert read_params(path, {"compute": Compute})["compute"] == Compute(
        device="cuda:1", workers=3, batch=1, item_timeout_s=0, worker_memory_gb=0, store_raw=True, recompute=("read",)
    )


def test_on_cuda_products_stay_in_single_precision_where_a_container_asks_for_less(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    matmul = torch.backends.cuda.matmul
    before, matmul.allow_tf32 = matmul.allow_tf32, True
    try:
        assert resolve_device.__wrapped__("cuda:1") == "cuda:1"
        assert not matmul.allow_tf32
    finally:
        matmul.allow_tf32 = before


@pytest.mark.parametrize("wanted", ["gpu", "cuda:", "cuda:-1", "cuda:x", "CPU", ""])
def test_a_device_from_elsewhere_is_checked_too(wanted: str) -> None:
    with pytest.raises(BadParams, match=r"compute.device must be auto, cpu, cuda or cuda:N"):
        resolve_device(wanted)


PIECES = [
    *("sharpen:", "radius:", "edges:", "  ", "\n", "- ", "[", "]", "{", "}", "&a ", "*a", "<<: *a", "? ", ": ", ", "),
    *(
        "!!set ",
        "!!binary ",
        "!x ",
        "2024-01-01",
        "1:30",
        "~",
        "0x_",
        ".nan",
        "1e999",
        "3",
        "true",
        "'",
        '"',
        "\\ud800",
    ),
    *("|\n", "#", "%YAML 1.1", "---", "...", "\t", "é", "\x85", "\u2028", "\U0001f600"),
]


@pytest.mark.parametrize("loader", [yaml_values.LOADER, yaml.SafeLoader])
@settings(max_examples=100)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=100).map(str.encode),
        st.lists(st.sampled_from(PIECES), max_size=40).map(lambda parts: "".join(parts).encode()),
        st.tuples(st.integers(0, len(GOOD)), st.integers(0, len(GOOD)), st.sampled_from(PIECES)).map(
            lambda cut: (GOOD[: cut[0]] + cut[2] + GOOD[cut[1] :]).encode()
        ),
    )
)
def test_any_bytes_give_parameters_or_a_message(loader: type, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml_values, "LOADER", loader)
        path = Path(folder) / "params.yaml"
        path.write_bytes(data)
        try:
            read_params(path, SECTIONS)
        except BadParams as error:
            assert str(path) in str(error)


@given(st.text("ab:{}[]&*<-!|>'\" \n,#0.", max_size=60))
def test_what_is_read_is_what_yaml_says(text: str) -> None:
    """Where we do not refuse it."""
    try:
        found = read_yaml(text, "x").to_plain()
    except BadParams:
        return
    assert found == yaml.load(text, Loader=yaml_values.LOADER)
