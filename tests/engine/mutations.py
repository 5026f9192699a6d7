"""Changes of a toyflow project, one at a time, with the exact items that each must recompute."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.engine.entry_points import Toy

ONE, TWO, THREE = "one", "two", "day/three"
EACH = (ONE, TWO, THREE)


def items(*stages: str, videos: tuple[str, ...] = EACH) -> set[str]:
    """The items of stages by name; of one over the dataset, its one."""
    return {f"{s} {v}" for s in stages for v in (("(dataset)",) if s == "collect" else videos)}


@dataclass(frozen=True)
class Mutation:
    """A change, and what must follow from it."""

    name: str
    apply: Callable[[Toy], None]
    stale: dict[str, str] = field(default_factory=dict[str, str])
    """Item to a pattern for the reason: those that are stale by themselves, not because they wait for another."""
    computed: set[str] = field(default_factory=set[str])
    restored: set[str] = field(default_factory=set[str])
    dvc_sees: bool | None = None
    """Whether `dvc status` says so; None: if and only if something is stale."""
    slow: bool = False
    """Whether it is left out of the default tests, having a sibling that is not."""

    def __str__(self) -> str:
        return self.name


def because(reason: str, names: set[str]) -> dict[str, str]:
    return dict.fromkeys(names, reason)


def write(place: str, text: str) -> Callable[[Toy], None]:
    return lambda toy: toy.write(place, text)


def edit(place: str, old: str, new: str) -> Callable[[Toy], None]:
    return lambda toy: toy.edit(place, old, new)


def both(*changes: Callable[[Toy], None]) -> Callable[[Toy], None]:
    def apply(toy: Toy) -> None:
        for change in changes:
            change(toy)

    return apply


def delete(*places: str) -> Callable[[Toy], None]:
    def apply(toy: Toy) -> None:
        for place in places:
            (toy.root / place).unlink()

    return apply


def delete_and_forget(place: str) -> Callable[[Toy], None]:
    """An artifact that is not in DVC's cache either."""

    def apply(toy: Toy) -> None:
        bytes_ = (toy.root / place).read_bytes()
        (toy.root / place).unlink()
        for path in (toy.root / ".dvc/cache/files/md5").glob("??/*"):
            if path.read_bytes() == bytes_:
                path.unlink()

    return apply


def flip(place: str, *, keep_time: bool = False) -> Callable[[Toy], None]:
    """One bit of the last byte."""

    def apply(toy: Toy) -> None:
        path = toy.root / place
        before = path.stat()
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        if keep_time:
            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    return apply


def replace_weights(toy: Toy) -> None:
    toy.provide_weights("other weights")
    toy.edit("toyflow/catalogue.py", '"first weights"', '"other weights"')


def corrupt_export(toy: Toy) -> None:
    (export,) = (toy.home / "weights/onnx").glob("toy-*.onnx")
    export.write_text("the export of somebody else")


NOT_AS_MADE = "is not as it was made"
MUTATIONS = (
    Mutation(
        "nothing",
        lambda toy: None,
    ),
    Mutation(
        "one byte of a video, which what was made of it does not show",
        write("data/raw/one.mp4", "bamama"),
        because(r"the raw file changed \(MD5 \w{8} -> \w{8}\)", items("read", videos=(ONE,))),
        items("read", "count", videos=(ONE,)),
    ),
    Mutation(
        "one byte of a video, which reaches the whole dataset",
        write("data/raw/one.mp4", "banan!"),
        because(r"the raw file changed \(MD5 \w{8} -> \w{8}\)", items("read", videos=(ONE,))),
        items("read", "count", videos=(ONE,)) | items("collect", "tell"),
        slow=True,
    ),
    Mutation(
        "a video's times alone",
        lambda toy: os.utime(toy.root / "data/raw/one.mp4", ns=(1, 1)),
        slow=True,
    ),
    Mutation(
        "a new video",
        write("data/raw/four.mp4", "salad"),
        because("never made", items("read", videos=("four",))),
        items("read", "count", "look", videos=("four",)) | items("collect", "tell", videos=(*EACH, "four")),
        slow=True,
    ),
    Mutation(
        "a parameter that shows",
        edit("params.yaml", "letter: a", "letter: n"),
        because("parameter letter: a -> n", items("count")),
        items("count", "collect", "tell"),
    ),
    Mutation(
        "a parameter that nobody reads",
        edit("params.yaml", "spare: 0", "spare: 1"),
        because("parameter spare: 0 -> 1", items("read")),
        items("read"),
    ),
    Mutation(
        "a parameter of how to compute",
        both(edit("params.yaml", "workers: 1", "workers: 2"), edit("params.yaml", "batch: 1", "batch: 9")),
    ),
    Mutation(
        "a comment in params.yaml",
        edit("params.yaml", "letter: a", "letter: a  # the first one"),
        slow=True,
    ),
    Mutation(
        "a helper two imports away, which shows",
        edit("toyflow/alphabet.py", "one == other", "one >= other"),
        because("code toyflow.alphabet: is_same changed", items("count")),
        items("count", "collect", "tell"),
    ),
    Mutation(
        "a helper two imports away, with the same results",
        edit("toyflow/alphabet.py", "one == other", "other == one"),
        because("code toyflow.alphabet: is_same changed", items("count")),
        items("count"),
        slow=True,
    ),
    Mutation(
        "a comment, a docstring and blank lines in code",
        both(
            edit("toyflow/alphabet.py", "Two imports", "# a comment\n\nTwo imports"),
            edit("toyflow/alphabet.py", "    return", "\n    # as it should be\n    return"),
        ),
        dvc_sees=True,  # it hashes whole files; the engine then finds nothing to do, and records the new file
    ),
    Mutation(
        "the code of another stage's room, and of no stage",
        both(write("toyflow/unused.py", "UNUSED = 1\n"), write("toyflow/count/test_count.py", "UNUSED = 1\n")),
        slow=True,
    ),
    Mutation(
        "weights",
        replace_weights,
        because(r"weights toy: \w{12} -> \w{12}", items("look")),
        items("look", "tell"),
    ),
    Mutation(
        "an ONNX export that was tampered with",
        corrupt_export,
    ),
    Mutation(
        "an ONNX export that was tampered with, and something that needs it",
        both(corrupt_export, delete_and_forget("data/looks/one.txt")),
        because("data/looks/one.txt is missing", items("look", videos=(ONE,))),
        items("look", videos=(ONE,)),  # the same bytes came out: the export was made again, not used
    ),
    Mutation(
        "a library and its pin",
        both(edit("constraints.txt", "1.0", "2.0"), lambda toy: toy.install("2.0")),
        because("library toylib: 1.0 -> 2.0", items("count")),
        items("count"),
    ),
    Mutation(
        "a pin that no stage names",
        edit("constraints.txt", "toylib==1.0\n", "toylib==1.0\nother==3.1\n"),
        dvc_sees=True,  # the file of pins is one for all stages
        slow=True,
    ),
    Mutation(
        "a library's build, which is the same release",
        lambda toy: toy.install("1.0+cu130"),
        slow=True,
    ),
    Mutation(
        "the kind of device, any being welcome",
        edit("toyflow/machine.py", "cpu-avx2", "cuda-fp16"),
        slow=True,
    ),
    Mutation(
        "the kind of device, one being asked for",
        both(
            edit("toyflow/machine.py", "cpu-avx2", "cuda-fp16"),
            edit("params.yaml", "device: auto", "device: cpu"),
        ),
        because("device: cpu-avx2 -> cuda-fp16", items("look")),
        items("look"),
    ),
    Mutation(
        "a note that somebody wrote",
        write("data/notes/one.txt", "!"),
        because(
            r"input notes \(data/notes/\w+.txt, written by you\) changed: \w{8} -> \w{8}",
            items("count", videos=(ONE,)),
        ),
        items("count", videos=(ONE,)) | items("collect", "tell"),
        slow=True,
    ),
    Mutation(
        "a note of nobody's video",
        write("data/notes/nobody.txt", "!"),
        dvc_sees=True,  # the folder is one for all items
        slow=True,
    ),
    Mutation(
        "an artifact deleted",
        delete("data/counts/one.txt"),
        because("data/counts/one.txt is missing", items("count", videos=(ONE,))),
        restored=items("count", videos=(ONE,)),
    ),
    Mutation(
        "an artifact deleted, here and in DVC's cache",
        delete_and_forget("data/counts/day/three.txt"),
        because("data/counts/day/three.txt is missing", items("count", videos=(THREE,))),
        items("count", videos=(THREE,)),
        slow=True,
    ),
    Mutation(
        "one of two artifacts of a stage deleted",
        delete("data/facts/two.txt"),
        because("data/facts/two.txt is missing", items("read", videos=(TWO,))),
        restored=items("read", videos=(TWO,)),
        slow=True,
    ),
    Mutation(
        "the artifact over the dataset deleted",
        delete("data/totals/dataset.txt"),
        because("data/totals/dataset.txt is missing", items("collect")),
        restored=items("collect"),
        slow=True,
    ),
    Mutation(
        "an artifact cut off",
        write("data/words/one.txt", "bana"),
        because(f"data/words/one.txt {NOT_AS_MADE}", items("read", videos=(ONE,))),
        restored=items("read", videos=(ONE,)),
    ),
    Mutation(
        "one byte of an artifact",
        flip("data/words/one.txt"),
        because(f"data/words/one.txt {NOT_AS_MADE}", items("read", videos=(ONE,))),
        restored=items("read", videos=(ONE,)),
    ),
    Mutation(
        "one bit that a disk lost, the file's time being the same",
        flip("data/counts/two.txt", keep_time=True),
        because(f"data/counts/two.txt {NOT_AS_MADE}", items("count", videos=(TWO,))),
        restored=items("count", videos=(TWO,)),
        slow=True,
    ),
    Mutation(
        "one byte of an artifact that is a folder",
        flip("data/pages/day__three/more/0.txt"),
        because(f"data/pages/day__three/more/0.txt {NOT_AS_MADE}", items("tell", videos=(THREE,))),
        restored=items("tell", videos=(THREE,)),
        slow=True,
    ),
    Mutation(
        "a recipe edited",
        lambda toy: (toy.edit("data/recipes/count/one.recipe.json", '"error": null', '"error": "boo"'),),
        because("its recipe was edited or is damaged", items("count", videos=(ONE,))),
        restored=items("count", videos=(ONE,)),
    ),
    Mutation(
        "a recipe deleted",
        delete("data/recipes/count/one.recipe.json"),
        because("never made", items("count", videos=(ONE,))),
        restored=items("count", videos=(ONE,)),
        slow=True,
    ),
    Mutation(
        "a hidden file in artifact folders",
        both(write("data/words/.DS_Store", "x"), write("data/pages/one/.DS_Store", "x")),
    ),
    Mutation(
        "a stray file in an artifact folder",
        write("data/counts/notes.txt", "mine"),
        dvc_sees=True,  # no item's: a run of either kind moves it out of the way
    ),
    Mutation(
        "a stray file in an artifact that is a folder",
        write("data/pages/one/more/notes.txt", "mine"),
        because("data/pages/one/more/notes.txt does not belong there", items("tell", videos=(ONE,))),
        restored=items("tell", videos=(ONE,)),
        slow=True,
    ),
    Mutation(
        "what editors and systems leave beside code",
        both(
            write("toyflow/count/.DS_Store", "x"),
            write("toyflow/count/.stage.py.swp", "x"),
            write("toyflow/letters.py~", "x"),
        ),
    ),
)
assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)
