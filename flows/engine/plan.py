"""The state of every item (one video, one stage): what would run, and why. Nothing is computed.

An item is fresh when its recipe has the key expected now and its files have the recorded bytes. Marks of files come
from one scan per folder and recipes from one table, so that a plan costs some microseconds per item.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from flows.engine.declaration import ArtifactKind, Declaration
from flows.engine.inventory import Inventory
from flows.engine.item_state import NOT_UP_TO_DATE, ItemState
from flows.engine.outcome import Item
from flows.engine.project import Project
from flows.engine.raw_input import format_raw_input
from flows.engine.recipe import Recipe, make_key
from flows.engine.stale_reasons import explain_stale
from flows.engine.video_selection import select_dataset_videos
from tasks.artifacts.artifact import DATASET_ITEM
from tasks.content_hash import combine_hashes


@dataclass
class Plan:
    """The state of every item; the run replaces states as items are computed."""

    project: Project
    inventory: Inventory
    states: dict[Item, ItemState] = field(default_factory=dict[Item, ItemState])
    _digests: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """(artifact folder, video) to the content hash of the artifact, where it exists."""
    _accepted: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    _chosen: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    _makers: dict[str, list[tuple[str, bool, bool]]] = field(default_factory=dict[str, list[tuple[str, bool, bool]]])

    @classmethod
    def examine_project(cls, project: Project) -> Plan:
        """Examine every item, in the order of the stages."""
        plan = cls(project, Inventory.scan_project(project))
        for declaration in project.declarations:
            for video in project.list_owners(declaration):
                plan.set_state(plan.examine_item(declaration, video))
        project.state.flush()
        return plan

    def set_state(self, state: ItemState) -> None:
        """Replace the state of one item."""
        self.states[state.item] = state
        for folder, files in state.outputs.items():
            self._digests[folder, state.item.video] = combine_hashes({name: md5 for name, (md5, _) in files.items()})

    def drop_item(self, item: Item, reason: str) -> None:
        """Mark an item as blocked because its artifacts were removed."""
        for kind in self.project.by_name[item.stage].outputs:
            self._digests.pop((kind.folder, item.video), None)
        if item in self.states:
            self.states[item] = ItemState(item, "blocked", reason)

    def examine_item(self, declaration: Declaration, video: str) -> ItemState:
        """The state of one item; the states of the items that it reads must be known."""
        item = Item(video, declaration.name)
        if declaration.name in self.project.fixed_stages:
            return self._take_as_given(declaration, item)
        waits: Item | None = None
        for source in self.find_sources(item):
            before = self.states[source]
            if before.status in ("failed", "blocked") and not declaration.over_dataset:
                origin = source.stage if before.status == "failed" else before.reason.removeprefix("after ")
                return ItemState(item, "blocked", f"after {origin}", recorded=before.recorded)
            if before.status == "stale" and waits is None:
                waits = source
        if waits is not None:
            return ItemState(item, "stale", f"waits for {waits}")
        inputs = self._inputs(declaration, video)
        if inputs is None:
            return ItemState(item, "blocked", self.project.describe_missing(video), recorded=False)
        return self._compare(declaration, item, inputs)

    def find_sources(self, item: Item) -> list[Item]:
        """The items that `item` reads from."""
        declaration = self.project.by_name[item.stage]
        found: dict[Item, None] = {}
        for maker, over_dataset, whole in self._reads(declaration):
            if over_dataset:
                found[Item(DATASET_ITEM, maker)] = None
            elif whole:
                found |= dict.fromkeys(Item(owner, maker) for owner in self.select_videos(declaration))
            else:
                found[Item(item.video, maker)] = None
        return list(found)

    def _reads(self, declaration: Declaration) -> list[tuple[str, bool, bool]]:
        """The stages that a stage reads: name, whether it has one item for the dataset, whether all items are read."""
        known = self._makers.get(declaration.name)
        if known is None:
            arguments = [
                (self.project.producers[kind.folder], argument in declaration.dataset_inputs)
                for argument, kind in declaration.inputs.items()
                if kind.folder in self.project.producers and not kind.is_raw and not kind.user_path
            ]
            known = list(dict.fromkeys((maker.name, maker.over_dataset, whole) for maker, whole in arguments))
            self._makers[declaration.name] = known
        return known

    def select_videos(self, declaration: Declaration) -> list[str]:
        """The videos that a stage over the dataset reads; none where its user input cannot be read."""
        if declaration.name not in self._chosen:
            self._chosen[declaration.name] = select_dataset_videos(self.project, declaration, self.inventory)
        return self._chosen[declaration.name]

    def list_available(self, declaration: Declaration, kind: ArtifactKind) -> list[str]:
        """The selected videos that have an artifact of class `kind`; a video with a recorded fault has none."""
        return [video for video in self.select_videos(declaration) if (kind.folder, video) in self._digests]

    def choose_method(self, declaration: Declaration, recipe: Recipe | None) -> str:
        """The digest of the method for the item's key: the recipe's where it is equivalent to the present one.

        With `compute.device: auto` a result from another kind of device is equivalent; with a named device it is not.
        """
        if recipe is not None and recipe.method in self.find_equal_methods(declaration):
            return recipe.method
        return declaration.method.digest

    def find_equal_methods(self, declaration: Declaration) -> frozenset[str]:
        """Digests of the recorded methods that are equivalent to the present one of the stage."""
        found = self._accepted.get(declaration.name)
        if found is None:
            today = declaration.method
            methods = self.project.recipe_store.methods.items()
            alike = {
                name
                for (stage, name), method in methods
                if stage == declaration.name and method.digest_on_any_device == today.digest_on_any_device
            }
            wanted = self.project.compute["device"]
            if wanted != "auto":
                alike = {
                    name
                    for name in alike
                    if self.project.recipe_store.methods[declaration.name, name].device.partition("-")[0]
                    == today.device.partition("-")[0]
                }
            found = self._accepted[declaration.name] = frozenset(alike)
        return found

    def forget_equal_methods(self, stage: str) -> None:
        """Let `find_equal_methods` look again, after a method was added to the recipe store."""
        self._accepted.pop(stage, None)

    def _inputs(self, declaration: Declaration, video: str) -> dict[str, str] | None:
        """Content hash of each input of the item; None where its raw video is neither on this machine nor recorded."""
        found: dict[str, str] = {}
        for argument, kind in declaration.inputs.items():
            if argument in declaration.dataset_inputs:
                owners = self.list_available(declaration, kind)
                found[argument] = combine_hashes({owner: self._digests[kind.folder, owner] for owner in owners})
            elif kind.is_raw:
                md5 = self.inventory.find_raw_md5(self.project.videos[video])
                if md5 is None:
                    return None
                found[argument] = format_raw_input(md5, self.project.videos[video].relative, video)
            elif kind.user_path:
                found[argument] = self.inventory.hash_user_input(kind, video)
            else:
                maker = self.project.producers[kind.folder]
                found[argument] = self._digests[kind.folder, DATASET_ITEM if maker.over_dataset else video]
        return found

    def _take_as_given(self, declaration: Declaration, item: Item) -> ItemState:
        """The state of an item whose recipe was made by another project, which holds all videos."""
        recipe = self.project.recipe_store.recipes.get((declaration.name, self.project.artifact_stem(item.video)))
        if recipe is None:
            return ItemState(item, "blocked", "is not made yet", recorded=False)
        if recipe.error is not None:
            return ItemState(item, "failed", recipe.error, recipe.key, recipe.method, recipe.inputs)
        trouble = self.inventory.compare_outputs(declaration, item.video, recipe.outputs)
        if trouble is not None:
            return ItemState(item, "blocked", trouble.message, recorded=False)
        return ItemState(item, "fresh", "", recipe.key, recipe.method, recipe.inputs, recipe.outputs)

    def _compare(  # noqa: PLR0911  one return per status
        self, declaration: Declaration, item: Item, inputs: dict[str, str]
    ) -> ItemState:
        """The state that follows from the item's recipe, given the content hashes of its inputs."""
        stem = self.project.artifact_stem(item.video)
        store = self.project.recipe_store
        recipe = store.recipes.get((declaration.name, stem))
        method = self.choose_method(declaration, recipe)
        if recipe is not None and recipe.method == method and recipe.inputs == inputs:
            key = recipe.key  # already computed: hashing is a fifth of a plan's time
        else:
            key = make_key(declaration.name, method, inputs)

        def stale(reason: str) -> ItemState:
            same = recipe is not None and recipe.key == key and recipe.error is None
            if self.lacks_raw(declaration, item.video) and not (same or self.project.state.find_outputs(key)):
                missing = self.project.describe_missing(item.video)
                return ItemState(item, "blocked", f"{missing}; {reason}", recorded=False)
            return ItemState(item, "stale", reason, key, method, inputs)

        if recipe is None:
            return stale(store.invalid.get((declaration.name, stem), "never made"))
        if recipe.key != key:
            return stale(explain_stale(self.project, declaration, recipe, inputs, self.find_equal_methods(declaration)))
        if (declaration.name, recipe.method) not in store.methods:
            return stale("its method was edited or is missing")
        if recipe.error is not None:
            return ItemState(item, "failed", recipe.error, key, method, inputs)
        trouble = self.inventory.compare_outputs(declaration, item.video, recipe.outputs)
        if trouble is None:
            return ItemState(item, "fresh", "", key, method, inputs, recipe.outputs)
        if trouble.is_missing and not declaration.keeps_artifacts:
            return ItemState(item, "dropped", "", key, method, inputs, recipe.outputs)
        if trouble.is_missing and self.inventory.is_in_remote(recipe.outputs):
            return ItemState(item, "remote", "", key, method, inputs, recipe.outputs)
        return stale(trouble.message)

    def lacks_raw(self, declaration: Declaration, video: str) -> bool:
        """Whether the stage reads the raw file, and it is not on this machine."""
        return (
            video != DATASET_ITEM
            and self.project.videos[video].file is None
            and any(kind.is_raw for kind in declaration.inputs.values())
        )


def select_items(
    plan: Plan, videos: Collection[str] | None = None, stages: Collection[str] | None = None
) -> dict[Item, ItemState]:
    """The states of `videos` and `stages` (all by default), grouped by video, the dataset's last.

    An item that depends on a stale item outside the selection cannot be computed, and is blocked.
    """
    states, project = plan.states, plan.project
    names = [d.name for d in project.declarations if stages is None or d.name in stages]
    owners = (*(project.videos if videos is None else videos), DATASET_ITEM)
    chosen = [item for video in owners for name in names if (item := Item(video, name)) in states]
    wanted = set(chosen)
    never = {item for item, state in states.items() if state.status == "stale" and item not in wanted}
    blocked: dict[Item, ItemState] = {}
    for item, state in states.items() if never else ():
        if item not in wanted or state.status != "stale":
            continue
        lacking = next((source for source in plan.find_sources(item) if source in never), None)
        if lacking is not None:
            never.add(item)
            blocked[item] = ItemState(item, "blocked", f"{lacking}{NOT_UP_TO_DATE}", recorded=False)
    return {item: blocked.get(item, states[item]) for item in chosen}
