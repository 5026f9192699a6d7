"""Events of task runs, as Prefect's server records them."""

from __future__ import annotations

import uuid

from flows.prefect_door.task_run_events import RETRYING, RUNNING, FlowRunRef, TaskRunRecord, make_state_event


def test_two_states_of_an_item_never_have_the_same_time_however_it_is_rounded() -> None:
    flow = FlowRunRef(uuid.UUID(int=1), "flow")
    for n in range(1000):
        run, when = TaskRunRecord("one", "read", "read one", None), 1_795_800_515 + n * 1.234567e-7
        first, second = (make_state_event(flow, run, state, when)["occurred"] for state in (RUNNING, RETRYING))
        assert first < second
