"""The progress log: lines appended by workers, read by the command."""

import multiprocessing

import pytest

from beam_pipelines.progress import NO_PROGRESS, Advance, ProgressLog


@pytest.fixture
def log(tmp_path) -> ProgressLog:
    return ProgressLog(str(tmp_path / "progress"))


def add_many(log: ProgressLog, step: str) -> None:
    for row in range(500):
        log.add(Advance(step, "orders", rows=row))


def test_what_was_added_is_read(log):
    advances = [Advance("generate", "orders", rows=3, files=1, bytes=99), Advance("load", "customers", planned=7)]
    for advance in advances:
        log.add(advance)
    _, read = log.read(0)
    assert read == advances


def test_reading_goes_on_from_the_offset(log):
    log.add(Advance("generate", "orders", rows=1))
    offset, _ = log.read(0)
    assert log.read(offset) == (offset, [])
    log.add(Advance("generate", "orders", rows=2))
    assert [advance.rows for advance in log.read(offset)[1]] == [2]


def test_a_log_that_nobody_has_written_is_empty(log):
    assert log.read(0) == (0, [])


def test_half_a_line_is_left_for_the_next_read(log):
    log.add(Advance("generate", "orders", rows=1))
    with open(log.path, "ab") as file:  # noqa: PTH123 - as a worker that is in the middle of it
        file.write(b'{"step": "load", "tab')
    offset, read = log.read(0)
    assert [advance.rows for advance in read] == [1]
    with open(log.path, "ab") as file:  # noqa: PTH123 - see above
        file.write(b'le": "orders", "rows": 2}\n')
    assert [advance.rows for advance in log.read(offset)[1]] == [2]


def test_without_a_path_nothing_is_logged():
    NO_PROGRESS.add(Advance("generate", "orders"))
    assert NO_PROGRESS.read(0) == (0, [])


def test_lines_of_several_processes_do_not_mix(log):
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=add_many, args=(log, f"step{i}")) for i in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    _, read = log.read(0)
    for i in range(3):
        assert [advance.rows for advance in read if advance.step == f"step{i}"] == list(range(500))
