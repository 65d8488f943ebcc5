"""The table of jobs under everything that two servers and a user may do, in any order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select

from server.problems import Problem
from server.storage import job_states, jobs, queue, sessions
from server.storage.database import Database
from server.storage.folder_blobs import FolderBlobs
from server.storage.tables import JobHistoryRow, JobRow
from tests.server.job_rows import claimed_job, new_job

SERVERS = st.sampled_from(["one", "two"])
WAITING, FINISHED = ("queued", "paused"), ("succeeded", "failed", "cancelled")
MANY = jobs.QueueLimits(1000, 1000)


@dataclass
class Expected:
    """What a job must be."""

    state: str = "queued"
    owner: str | None = None
    wish: str | None = None
    alive: bool = True
    checkpoint: str | None = None


class JobMachine(RuleBasedStateMachine):
    """expected is changed as the documents say; the table is changed by the code; they must stay the same."""

    def __init__(self, database: Database, blobs: FolderBlobs) -> None:
        super().__init__()
        self.database, self.blobs = database, blobs
        self.session = sessions.create(database, {}).id
        self.expected: dict[UUID, Expected] = {}
        self.written = 0

    def teardown(self) -> None:
        with self.database.write() as transaction:
            transaction.execute(delete(JobHistoryRow))
            transaction.execute(delete(JobRow))

    def chosen(self, data: st.DataObject) -> tuple[UUID, Expected]:
        job = data.draw(st.sampled_from(list(self.expected)))
        return job, self.expected[job]

    @rule()
    def create(self) -> None:
        self.expected[new_job(self.database, self.session, MANY).id] = Expected()

    @rule(server=SERVERS)
    def claim(self, server: str) -> None:
        waiting = [job for job, now in self.expected.items() if now.state == "queued"]
        job = claimed_job(self.database, server)
        assert (None if job is None else job.id) == (waiting[0] if waiting else None)
        if job is not None:
            now = self.expected[job.id]
            assert (job.state_blob, job.wish) == (now.checkpoint, now.wish)
            now.state, now.owner, now.alive = "running", server, True

    @precondition(lambda self: self.expected)
    @rule(server=SERVERS, data=st.data())
    def take_a_checkpoint(self, server: str, data: st.DataObject) -> None:
        job, now = self.chosen(data)
        self.written += 1
        blob = self.blobs.put(f"{job} {self.written}".encode())
        changed = job_states.checkpoint(self.database, job, server, job_states.Progress({}), blob)
        mine = now.state == "running" and now.owner == server
        assert (changed.row is not None) == mine
        if mine:
            now.checkpoint = blob
        for unused in changed.unused:
            self.blobs.discard(unused)
            self.blobs.erase(unused)

    @precondition(lambda self: self.expected)
    @rule(server=SERVERS, state=st.sampled_from([*WAITING, *FINISHED]), data=st.data())
    def end(self, server: str, state: str, data: st.DataObject) -> None:
        job, now = self.chosen(data)
        ending = job_states.Ending(state, job_states.Progress({}))
        mine = now.state == "running" and now.owner == server
        changed = job_states.end(self.database, job, server, ending)
        assert (changed.row is not None) == mine
        if mine:
            now.state, now.owner, now.wish = state, None, None
            if state in FINISHED:
                assert changed.unused == ([now.checkpoint] if now.checkpoint else [])
                now.checkpoint = None

    @precondition(lambda self: self.expected)
    @rule(state=st.sampled_from(["cancelled", "paused"]), data=st.data())
    def wish(self, state: str, data: st.DataObject) -> None:
        job, now = self.chosen(data)
        if now.state in FINISHED and now.state != state:
            with pytest.raises(Problem, match="already_finished"):
                job_states.wish(self.database, job, state)
            return
        job_states.wish(self.database, job, state)
        if now.state == "running":
            now.wish = state
        elif now.state == "queued" or (now.state == "paused" and state == "cancelled"):
            now.state, now.wish = state, None
            now.checkpoint = None if state in FINISHED else now.checkpoint

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        job, now = self.chosen(data)
        if now.state in FINISHED:
            with pytest.raises(Problem, match="already_finished"):
                job_states.resume(self.database, job)
            return
        job_states.resume(self.database, job)
        now.state = "queued" if now.state == "paused" else now.state
        now.wish = None if now.wish == "paused" else now.wish

    @rule(server=SERVERS)
    def die(self, server: str) -> None:
        """A server stops renewing: its leases run out."""
        mine = [job for job, now in self.expected.items() if now.owner == server and now.state == "running"]
        rows = job_states.renew(self.database, server, timedelta(seconds=-1), mine)
        assert {row.id for row in rows} == set(mine)
        for job in mine:
            self.expected[job].alive = False

    @rule()
    def look_for_lost_jobs(self) -> None:
        lost = {job for job, now in self.expected.items() if now.state == "running" and not now.alive}
        assert {row.id for row in job_states.requeue_lost(self.database, [])} == lost
        for job in lost:
            self.expected[job].state, self.expected[job].owner = "queued", None

    @invariant()
    def the_table_is_as_expected(self) -> None:
        with self.database.read() as transaction:
            rows = {row.id: row for row in transaction.scalars(select(JobRow))}
        assert set(rows) == set(self.expected)
        for job, now in self.expected.items():
            row = rows[job]
            assert (row.state, row.lease_owner, row.wish) == (now.state, now.owner, now.wish)
            assert row.state_blob == now.checkpoint
            assert (row.lease_until is None) == (now.state != "running")
            assert (row.finished_at is None) == (now.state not in FINISHED)
            if row.state_blob is not None:
                self.blobs.read(row.state_blob)


def test_jobs_go_only_as_documented(database: Database, blobs: FolderBlobs) -> None:
    class Here(JobMachine):
        def __init__(self) -> None:
            super().__init__(database, blobs)

    few = settings(max_examples=4, stateful_step_count=20, deadline=None, derandomize=True, database=None)
    run_state_machine_as_test(Here, settings=few)


def test_two_servers_never_begin_the_same_job(database: Database, url: str, session_id: UUID) -> None:
    asked = [new_job(database, session_id, MANY).id for _ in range(30)]
    other = Database(url)

    def work(server: int) -> list[UUID]:
        begun = []
        while (job := claimed_job((database, other)[server % 2], f"server {server}")) is not None:
            begun.append(job.id)
        return begun

    with ThreadPoolExecutor(6) as pool:
        begun = [job for jobs_ in pool.map(work, range(6)) for job in jobs_]
    assert sorted(begun, key=str) == sorted(asked, key=str)
    other.close()


def test_the_last_place_in_the_queue_is_given_once(database: Database, session_id: UUID) -> None:
    limits = jobs.QueueLimits(3, 64)

    def ask(_: int) -> bool:
        with suppress(Problem):
            new_job(database, session_id, limits)
            return True
        return False

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(ask, range(12))) == 3
    assert len(queue.waiting_jobs(database)) == 3
