"""Metrics of a merged data set, made of the merged recipes while git merges.

Git calls the driver for each file alone and in no order that can be relied on, so that each call finds both sides'
`dvc.lock` itself: ours at HEAD, theirs by the variable `GITHEAD_<commit>` that `git merge` sets. In a rebase or a
cherry-pick there is none; ours stay then, and the next run writes the metrics of the merged data set. So it does where
both sides have equal metrics of a stage, as two films of the same sums give: git calls no driver for equal files.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from flows.engine.dvc_store.dvc_config import LOCK_FILE
from flows.engine.dvc_store.dvc_lock import DirHash, FileHash, StageRecord, parse_lock, update_lock_text
from flows.engine.dvc_store.git_commands import run_git
from flows.engine.dvc_store.lock_union import UnionMerge
from flows.engine.metrics_file import METRICS_FOLDER, render_metrics
from flows.engine.recipe import RECIPE_FOLDER, RECIPE_SUFFIX, parse_recipe
from flows.engine.storage import Storage
from tasks.artifacts.artifact import DATASET_ITEM

HEAD_VARIABLE = re.compile(r"GITHEAD_([0-9a-f]{40,64})")


class LockTexts(NamedTuple):
    """Three versions of a `dvc.lock`."""

    base: str
    ours: str
    theirs: str


@dataclass(frozen=True)
class MetricsMerge:
    """The merge of the metrics of one project."""

    storage: Storage
    union: UnionMerge

    def merge_file(self, texts: LockTexts, stage: str) -> str | None:
        """The metrics of `stage` for the merged recipes; None where the recipes cannot be had."""
        merged = parse_lock(self.union.merge_locks(*texts))
        return self.render(merged[stage]) if stage in merged else None

    def update_lock(self, texts: LockTexts, merged: str) -> str:
        """The `merged` lock with the hashes of the metrics that `merge_file` gives where it is called for them.

        Git calls it for those alone that both sides changed, and differently.
        """
        before, mine, other = (parse_lock(text) for text in texts)
        changed: list[StageRecord] = []
        for name, record in parse_lock(merged).items():
            path = f"{METRICS_FOLDER}/{name}.json"
            sides = [side[name].outs.get(path) if name in side else None for side in (before, mine, other)]
            if path in record.outs and len({str(side) for side in sides}) == len(sides):
                text = self.render(record)
                if text is not None:
                    data = text.encode()
                    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
                    changed.append(replace(record, outs={**record.outs, path: FileHash(md5, len(data))}))
        return update_lock_text(merged, changed)

    def render(self, record: StageRecord) -> str | None:
        """The text of a stage's metrics by the recipes that its record names; None where they cannot be had."""
        held = record.outs.get(f"{RECIPE_FOLDER}/{record.name}")
        if not isinstance(held, DirHash):
            return None
        listing = self.union.listings.get(held.md5) or self.union.load(held.md5)
        if listing is None:
            return None
        md5s = [md5 for name, md5 in listing.items() if name.endswith(RECIPE_SUFFIX)]
        if not self.storage.ensure_local(md5s):
            return None
        recipes = [parse_recipe(self.storage.objects.object_path(md5).read_text(encoding="utf-8")) for md5 in md5s]
        known = [recipe for recipe in recipes if recipe is not None]
        over_dataset = any(recipe.video == DATASET_ITEM for recipe in known)
        return (
            render_metrics(record.name, known, has_quantiles=not over_dataset) if len(known) == len(recipes) else None
        )


def find_lock_texts(root: Path, environment: Mapping[str, str] | None = None) -> LockTexts | None:
    """The `dvc.lock` of the merge that goes on in the project at `root`; None where it is no merge of two branches."""
    heads = [match[1] for name in environment or os.environ if (match := HEAD_VARIABLE.fullmatch(name))]
    if len(heads) != 1:
        return None
    found = run_git(root, ["merge-base", "HEAD", heads[0]])
    if found is None or found.returncode:
        return None
    base = found.stdout.decode().split()[0]
    texts = [_read_lock(root, commit) for commit in (base, "HEAD", heads[0])]
    return LockTexts(*texts) if texts[1] and texts[2] else None


def _read_lock(root: Path, commit: str) -> str:
    done = run_git(root, ["show", f"{commit}:./{LOCK_FILE}"])
    return "" if done is None or done.returncode else done.stdout.decode()
