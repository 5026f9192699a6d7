"""Which workers `semflow agent` starts, when `semflow server` refuses, and what `semflow deploy` reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.agents.agent_command import find_devices, plan_workers
from flows.agents.deploy_command import DEPLOYMENTS_FILE, read_deployments
from flows.agents.exchange import Exchange, check_share
from flows.agents.server_command import make_server_environment
from tasks.errors import SemflowError
from tests.conftest import CHECKOUT


def test_a_machine_without_a_gpu_has_one_worker_with_all_processors() -> None:
    (worker,) = plan_workers(Path("/clone"), [], [], range(8))
    assert worker.pool == "semflow-cpu" and worker.processors == frozenset(range(8))
    assert worker.environment["CUDA_VISIBLE_DEVICES"] == ""
    assert worker.environment["SEMFLOW_ROOT"] == "/clone"


def test_each_gpu_has_a_worker_of_its_own_and_a_share_of_the_processors() -> None:
    workers = plan_workers(Path("/clone"), [], ["0", "1"], range(8))
    assert [worker.pool for worker in workers] == ["semflow-gpu"] * 2
    assert [worker.environment["CUDA_VISIBLE_DEVICES"] for worker in workers] == ["0", "1"]
    assert workers[0].processors.isdisjoint(workers[1].processors)
    assert workers[0].processors | workers[1].processors == frozenset(range(8))
    assert len({worker.name for worker in workers}) == 2


def test_two_clones_on_one_machine_are_two_agents() -> None:
    names = {plan_workers(Path(root), [], [], range(2))[0].name for root in ("/a", "/b")}
    assert len(names) == 2


def test_the_coordinators_worker_sees_the_gpus() -> None:
    (worker,) = plan_workers(Path("/clone"), ["semflow"], ["0"], range(4))
    assert worker.pool == "semflow" and "CUDA_VISIBLE_DEVICES" not in worker.environment


def test_more_gpus_than_processors_share_them() -> None:
    workers = plan_workers(Path("/clone"), [], ["0", "1", "2"], range(2))
    assert all(worker.processors for worker in workers)


@pytest.mark.parametrize(
    ("pools", "devices", "words"),
    [(["semflow-gpu"], [], "must have a GPU"), (["other"], [], "--pool must be one of semflow, semflow-cpu")],
)
def test_workers_that_cannot_be_are_refused(pools: list[str], devices: list[str], words: str) -> None:
    with pytest.raises(SemflowError, match=words):
        plan_workers(Path("/clone"), pools, devices, range(2))


def test_devices_are_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_devices("0, 1") == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert find_devices(None) == ["3"]
    with pytest.raises(SemflowError, match="--devices must be numbers"):
        find_devices("cuda:0")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_server_for_this_machine_needs_no_password(host: str) -> None:
    environment = make_server_environment(host, None, None)
    assert environment["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"].endswith(".filesystem")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "server.example.org"])
def test_a_server_that_others_can_reach_needs_one(host: str) -> None:
    with pytest.raises(SemflowError, match="must have a password"):
        make_server_environment(host, None, None)
    environment = make_server_environment(host, "team:secret", "postgresql+asyncpg://x/y")
    assert environment["PREFECT_SERVER_API_AUTH_STRING"] == "team:secret"
    assert environment["PREFECT_API_DATABASE_CONNECTION_URL"] == "postgresql+asyncpg://x/y"


def test_a_password_without_a_user_is_refused() -> None:
    with pytest.raises(SemflowError, match="USER:PASSWORD"):
        make_server_environment("0.0.0.0", "secret", None)


def test_the_deployments_that_come_with_semflow_are_those_of_the_repository(tmp_path: Path) -> None:
    packaged = CHECKOUT / "flows/agents" / DEPLOYMENTS_FILE
    assert packaged.read_text() == (CHECKOUT / DEPLOYMENTS_FILE).read_text()
    found = read_deployments(tmp_path)
    assert [one.full_name for one in found] == ["process_dataset/nightly", "process_batch/cpu", "process_batch/gpu"]
    assert found[0].cron == "0 3 * * *" and found[0].limit == 1 and found[0].flow == "flows.dataset.process_dataset"


def test_a_damaged_deployments_file_is_an_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / DEPLOYMENTS_FILE).write_text("deployments: 3\n")
    with pytest.raises(SemflowError, match=r"prefect\.yaml must list deployments"):
        read_deployments(tmp_path)


def test_sharing_needs_a_dvc_repository_and_a_remote(tmp_path: Path) -> None:
    with pytest.raises(SemflowError, match="must be a DVC repository"):
        Exchange.open_project(tmp_path, "remote")
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("")
    with pytest.raises(SemflowError, match="must have a default DVC remote"):
        Exchange.open_project(tmp_path, "remote")
    with pytest.raises(SemflowError, match="share must be one of remote, cache, got 'ftp'"):
        check_share("ftp")
