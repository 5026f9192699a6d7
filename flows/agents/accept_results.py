"""Accept what agents hand in: a recipe becomes the project's own only if every link of its chain checks.

Its key must be the one that this project expects for the item now: the same method (code, parameters, weights,
libraries), and inputs with the content that the accepted recipes before it name, down to the MD5 and the path of the
raw video. So no result can get to another video, whatever the order in which batches end. Its objects must exist.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from flows.agents.exchange import Exchange
from flows.agents.results import ItemResult
from flows.engine.item_jobs import make_job
from flows.engine.item_state import UP_TO_DATE, ItemState
from flows.engine.job_execution import restore_outputs
from flows.engine.outcome import Item
from flows.engine.plan import Plan
from flows.engine.recipe import Outputs, Recipe, compare_methods
from flows.engine.recorded_fault import record_fault
from flows.engine.recorded_results import RecordedResults

Verdict = Literal["accepted", "known", "early", "refused"]
"""known: the item is up to date with the same bytes. early: something that it reads is not accepted yet."""


@dataclass
class ResultAcceptor:
    """Checks results against the plan, and writes the recipes of those that it accepts."""

    plan: Plan
    exchange: Exchange
    _past: RecordedResults = field(init=False)
    makers: dict[Item, str] = field(default_factory=dict[Item, str])
    """Item to the agent whose result was accepted."""

    def __post_init__(self) -> None:
        self._past = RecordedResults(self.plan.project, None)

    def accept_result(  # noqa: PLR0911  one return per verdict
        self, result: ItemResult, existing: set[str]
    ) -> tuple[Verdict, str]:
        """The verdict on a result with a recipe, and the reason of a refusal; an accepted one is in the plan then.

        `existing`: what `find_existing` gives.
        """
        plan, item, recipe = self.plan, result.item, result.recipe
        assert recipe is not None
        declaration = plan.project.by_name.get(item.stage)
        if declaration is None or item not in plan.states:
            return "refused", f"{item} is not an item of this project"
        if result.method is not None:
            self._learn_method(result)
        before = plan.states[item]
        if before.status in (*UP_TO_DATE, "failed"):
            return self._compare_with_known(result, recipe, before.key)
        if any(plan.states[source].status not in UP_TO_DATE for source in plan.find_sources(item)):
            return "early", ""
        state = plan.examine_item(declaration, item.video)
        if state.status in UP_TO_DATE:  # what it reads has the same content as before
            plan.set_state(state)
            return self._compare_with_known(result, recipe, state.key)
        if state.status != "stale":
            return "refused", f"{item} is {state.status} here: {state.reason}"
        equal = plan.find_equal_methods(declaration)
        if recipe.method != declaration.method.digest and recipe.method not in equal:
            return "refused", f"{item} was computed otherwise by {result.agent}: {self._difference(result)}"
        if dict(recipe.inputs) != dict(state.inputs):
            changed = [name for name in state.inputs if state.inputs[name] != recipe.inputs.get(name)]
            return "refused", f"{item} was computed by {result.agent} from another {', '.join(changed) or 'input'}"
        trouble = "" if recipe.error is not None else self._find_lacking(item, recipe.outputs, existing)
        if trouble:
            return "refused", trouble
        self._keep(result, recipe)
        return "accepted", ""

    def find_existing(self, results: Iterable[ItemResult]) -> set[str]:
        """Those of the objects that results promise, of artifacts that are kept, which are in the exchange."""
        by_name = self.plan.project.by_name
        promised = {
            md5
            for result in results
            if result.recipe is not None and result.item.stage in by_name and by_name[result.item.stage].keeps_artifacts
            for files in result.recipe.outputs.values()
            for md5, _ in files.values()
        }
        return self.exchange.transfer.find_existing(promised)

    def _compare_with_known(self, result: ItemResult, recipe: Recipe, key: str) -> tuple[Verdict, str]:
        """A second result for an item: equal bytes are welcome, others are refused and both agents are named."""
        store, project = self.plan.project.recipe_store, self.plan.project
        known = store.recipes.get((recipe.stage, project.artifact_stem(recipe.video)))
        if recipe.key != key or known is None or _plain(known.outputs) == _plain(recipe.outputs):
            return "known", ""
        first = self.makers.get(result.item, "an earlier run")
        return "refused", f"{result.item} has other bytes by {result.agent} than by {first}, whose result stays"

    def _learn_method(self, result: ItemResult) -> None:
        """Add a method to those that may be equal to the present one (another kind of device)."""
        method = result.method
        assert method is not None
        methods = self.plan.project.recipe_store.methods
        if (method.stage, method.digest) not in methods:
            methods[method.stage, method.digest] = method
            self.plan.forget_equal_methods(method.stage)

    def _difference(self, result: ItemResult) -> str:
        own = self.plan.project.by_name[result.item.stage].method
        if result.method is None:
            return "its method is not known"
        return "; ".join(compare_methods(own, result.method, lambda module, *_: f"{module} differs")[:3])

    def _find_lacking(self, item: Item, outputs: Outputs, existing: set[str]) -> str:
        declaration = self.plan.project.by_name[item.stage]
        if set(outputs) != {kind.folder for kind in declaration.outputs} or not all(outputs.values()):
            return f"{item} must have artifacts in {', '.join(kind.folder for kind in declaration.outputs)}"
        if not declaration.keeps_artifacts:
            return ""
        lacking = [md5 for files in outputs.values() for md5, _ in files.values() if md5 not in existing]
        return (
            f"{item} must have its bytes where the machines exchange data, got no object {lacking[0]}"
            if lacking
            else ""
        )

    def _keep(self, result: ItemResult, recipe: Recipe) -> None:
        """Make the recipe the project's own; the bytes stay where they are, unless the cache is shared."""
        project, item = self.plan.project, result.item
        declaration = project.by_name[item.stage]
        method = project.recipe_store.methods.get((item.stage, recipe.method), declaration.method)
        if recipe.error is not None:
            state = ItemState(item, "stale", "", recipe.key, recipe.method, recipe.inputs)
            record_fault(self.plan, state, recipe.error)
        else:
            with project.state.batch_writes():
                project.recipe_store.write_recipe(project.artifact_stem(item.video), recipe, method)
                project.state.save_outputs(item, recipe.key, recipe.outputs)
                if result.outcome.result == "computed":
                    project.state.save_timing(item.stage, item.video, result.outcome.seconds, result.outcome.frames)
            state = self.plan.examine_item(declaration, item.video)
            if state.status == "stale":  # in a shared cache the bytes are here already
                job = make_job(self.plan, self._past, state, is_restore_only=True)
                restore_outputs(job, project.root)
                self.plan.inventory.scan_outputs(declaration, item.video)
                state = self.plan.examine_item(declaration, item.video)
            self.plan.set_state(state)
        self.makers[item] = result.agent


def _plain(outputs: Outputs) -> dict[str, dict[str, tuple[str, int]]]:
    return {folder: {name: (md5, size) for name, (md5, size) in files.items()} for folder, files in outputs.items()}
