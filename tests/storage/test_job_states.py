"""What may become of a job, in which order, and who may change it: without a server around it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from server.problems import Problem
from server.storage import job_states, jobs, latents, queue, sessions
from server.storage.blobs import BlobStore
from server.storage.database import Database
from server.storage.tables import JobRow
from tests.server.job_rows import OWNER, claimed_job, new_job

PAST = timedelta(seconds=-1)
NOTHING = job_states.Progress({})


def end(database: Database, job_id: UUID, state: str) -> JobRow | None:
    return job_states.end(database, job_id, OWNER, job_states.Ending(state, NOTHING)).row


def test_sessions_take_turns(database: Database) -> None:
    busy, patient, late = (sessions.create(database, {}).id for _ in range(3))
    for session_id in (busy, busy, busy, patient, patient, late):
        new_job(database, session_id)
    foreseen = [row.session_id for row in queue.waiting_jobs(database)]
    order = []
    while (job := claimed_job(database)) is not None:
        order.append(job.session_id)
        end(database, job.id, "succeeded")
    assert order == [busy, patient, late, busy, patient, busy] == foreseen


def test_whose_turn_is_longest_ago_goes_first(database: Database) -> None:
    first, second = (sessions.create(database, {}).id for _ in range(2))
    for session_id in (first, second):
        new_job(database, session_id)
        claimed_job(database)
    again = [new_job(database, session_id).id for session_id in (second, first)]
    assert queue.positions(database) == {again[1]: 1, again[0]: 2}


def test_a_guess_waits_for_nobody(database: Database, session_id: UUID) -> None:
    search, guess = new_job(database, session_id).id, new_job(database, session_id, steps=0).id
    assert queue.positions(database) == {guess: 1, search: 2}
    for expected in (guess, None):
        job = queue.claim_next(database, OWNER, timedelta(minutes=1), guesses_only=True)
        assert (job.id if job else None) == expected


def test_a_finished_job_never_changes(database: Database, session_id: UUID) -> None:
    job = new_job(database, session_id)
    claimed_job(database)
    assert end(database, job.id, "cancelled") is not None
    for state in ("cancelled", "failed", "succeeded", "queued", "paused"):
        assert end(database, job.id, state) is None
    assert job_states.record(database, job.id, OWNER, {"step": 1}) is None
    for change in (job_states.resume, lambda d, j: job_states.wish(d, j, "paused")):
        with pytest.raises(Problem, match="already_finished"):
            change(database, job.id)
    assert job_states.wish(database, job.id, "cancelled").row is not None  # as it is already
    row = jobs.get(database, job.id)
    assert (row.state, row.step, row.wish) == ("cancelled", 0, None)


def test_a_job_that_was_cancelled_while_it_waited_is_not_claimed(
    database: Database, session_id: UUID
) -> None:
    job = new_job(database, session_id)
    cancelled = job_states.wish(database, job.id, "cancelled").row
    assert cancelled is not None
    assert (cancelled.state, cancelled.finished_at is None) == ("cancelled", False)
    assert claimed_job(database) is None


def test_only_the_holder_of_the_lease_changes_a_running_job(database: Database, session_id: UUID) -> None:
    job = new_job(database, session_id)
    claimed_job(database)
    assert job_states.record(database, job.id, "another", {"step": 7}) is None
    assert job_states.end(database, job.id, "another", job_states.Ending("failed", NOTHING)).row is None
    assert job_states.renew(database, "another", timedelta(minutes=1), [job.id]) == []
    assert job_states.renew(database, OWNER, timedelta(minutes=1), []) == []
    assert [row.id for row in job_states.renew(database, OWNER, timedelta(minutes=1), [job.id])] == [job.id]
    assert jobs.get(database, job.id).step == 0


def test_a_job_whose_lease_ran_out_is_queued_again_and_keeps_its_checkpoint(
    database: Database, blobs: BlobStore, session_id: UUID
) -> None:
    alive, lost = new_job(database, session_id), new_job(database, session_id)
    claimed_job(database)
    claimed_job(database, lease=PAST)
    progress = job_states.Progress({"step": 5}, [{"step": 5}], [{"step": 1}])
    state = blobs.put(b"state")
    assert job_states.checkpoint(database, lost.id, OWNER, progress, state).unused == []
    assert job_states.requeue_lost(database, [lost.id]) == []  # the machine only slept
    job_states.wish(database, lost.id, "cancelled")
    (again,) = job_states.requeue_lost(database, [])
    assert (again.id, again.state, again.step, again.state_blob) == (lost.id, "queued", 5, state)
    assert again.wish == "cancelled"  # whoever claims it does what was asked for
    assert jobs.history(database, lost.id) == ([{"step": 5}], [{"step": 1}])
    assert jobs.get(database, alive.id).state == "running"


def test_a_newer_checkpoint_takes_the_place_of_an_older_one(
    database: Database, blobs: BlobStore, session_id: UUID
) -> None:
    job = new_job(database, session_id)
    claimed_job(database)
    first, second = blobs.put(b"first"), blobs.put(b"second")
    job_states.checkpoint(database, job.id, OWNER, NOTHING, first)
    assert job_states.checkpoint(database, job.id, OWNER, NOTHING, second).unused == [first]
    result = job_states.Result(blobs.put(b"latent"), blobs.put(b"picture"))
    ending = job_states.Ending("succeeded", NOTHING, result)
    changed = job_states.end(database, job.id, OWNER, ending)
    assert changed.unused == [second]
    assert changed.row is not None
    assert changed.row.latent_id is not None
    assert latents.read(database, blobs, changed.row.latent_id) == b"latent"


def test_a_pause_keeps_the_place_and_a_resume_queues_again(
    database: Database, blobs: BlobStore, session_id: UUID
) -> None:
    job = new_job(database, session_id)
    claimed_job(database)
    wished = job_states.wish(database, job.id, "paused").row
    assert wished is not None
    assert (wished.state, wished.wish) == ("running", "paused")
    state = blobs.put(b"state")
    job_states.end(database, job.id, OWNER, job_states.Ending("paused", NOTHING, state_blob=state))
    assert claimed_job(database) is None
    assert job_states.resume(database, job.id).state == "queued"
    again = claimed_job(database)
    assert again is not None
    assert (again.state_blob, again.wish) == (state, None)
    assert job_states.wish(database, job.id, "paused").row is not None
    assert job_states.resume(database, job.id).wish is None


def test_paused_jobs_count_as_waiting(database: Database, session_id: UUID) -> None:
    limits = jobs.QueueLimits(1, 64)
    job_states.wish(database, new_job(database, session_id, limits).id, "paused")
    with pytest.raises(Problem, match="too_many_jobs"):
        new_job(database, session_id, limits)
