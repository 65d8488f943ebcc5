"""Everything that can be refused, by code: the one exception that engine, storage and routes raise."""

from __future__ import annotations

# code: (HTTP status, title). The title is the same for every occurrence; the detail says what is wrong here.
CATALOGUE: dict[str, tuple[int, str]] = {
    "bad_request": (400, "The request cannot be read"),
    "bad_message": (400, "The message cannot be read"),
    "bad_host": (400, "Unknown host"),
    "token_needed": (401, "An access token is needed"),
    "wrong_token": (401, "The access token is not right"),
    "cross_origin": (403, "Request from another site"),
    "quota_reached": (403, "Your limit is reached"),
    "not_found": (404, "Not found"),
    "unknown_session": (404, "No such session"),
    "unknown_photo": (404, "No such photo"),
    "unknown_face": (404, "No such face"),
    "unknown_job": (404, "No such job"),
    "unknown_direction": (404, "No such direction"),
    "unknown_task": (404, "No such task"),
    "unknown_node": (404, "No such step in the history"),
    "unknown_item": (404, "No such picture in the gallery"),
    "unknown_film": (404, "No such film"),
    "unknown_candidate": (404, "No such candidate"),
    "no_preview": (404, "No picture yet"),
    "method_not_allowed": (405, "Method not allowed"),
    "too_slow": (408, "The request came too slowly"),
    "already_finished": (409, "The job has already finished"),
    "still_searching": (409, "A search is still under way"),
    "first_node": (409, "The first step stays"),
    "name_taken": (409, "The name is taken"),
    "gallery_full": (409, "The gallery is full"),
    "session_full": (409, "The session is full"),
    "too_many_directions": (409, "There are too many directions"),
    "not_continuable": (409, "The result cannot be continued like this"),
    "model_changed": (409, "The model was replaced"),
    "idempotency_conflict": (409, "The idempotency key was used for something else"),
    "body_too_large": (413, "The request is too large"),
    "image_too_many_pixels": (413, "The picture has too many pixels"),
    "unsupported_image": (415, "Not a supported picture"),
    "recipe_too_large": (413, "The edit is too large for a picture"),
    "invalid_request": (422, "The request is not valid"),
    "image_damaged": (422, "The picture is damaged"),
    "image_too_small": (422, "The picture is too small"),
    "no_face": (422, "No face found"),
    "unusable_face": (422, "The face cannot be used"),
    "unknown_model": (422, "No such model"),
    "unknown_latent": (422, "No such latent"),
    "latent_of_other_model": (422, "The latent belongs to another model"),
    "not_projectable": (422, "The model cannot be searched"),
    "not_editable": (422, "The model has no attribute editing"),
    "not_measurable": (422, "The model cannot read attributes"),
    "flow_does_not_fit": (422, "The flow does not fit the generator"),
    "flow_does_not_converge": (422, "The flow cannot be integrated"),
    "direction_of_other_generator": (422, "The direction belongs to another generator"),
    "bad_direction": (422, "The direction cannot be used"),
    "bad_recipe": (422, "The recipe cannot be read"),
    "no_recipe": (422, "There is nothing to restore in the file"),
    "bad_latent": (422, "The latent cannot be used"),
    "made_with_another_model": (422, "It was made with another model"),
    "film_too_long": (422, "The film is too long"),
    "film_does_not_fit": (422, "This cannot be filmed"),
    "document_does_not_fit": (422, "The document does not fit the model"),
    "walk_needs_faces": (422, "The walk has too few faces"),
    "not_finite": (422, "The picture cannot be computed"),
    "too_many_tasks": (429, "Too many tasks are waiting"),
    "too_many_jobs": (429, "Too many projections are waiting"),
    "too_many_requests": (429, "Too many requests"),
    "no_video": (501, "Video cannot be written"),
    "internal_error": (500, "Something went wrong in the server"),
    "diverged": (500, "The projection diverged"),
    "stored_file_lost": (500, "A stored file is lost"),
    "no_model": (503, "There is no model"),
    "database_busy": (503, "The database is busy"),
    "storage_unavailable": (503, "The storage does not answer"),
    "too_many_connections": (503, "Too many live connections"),
    "model_preparing": (503, "The model is being prepared"),
    "model_unavailable": (503, "The model cannot be used"),
    "face_detector_missing": (503, "The face detector is missing"),
    "perceptual_missing": (503, "The perceptual distance is missing"),
    "queue_full": (503, "The queue is full"),
    "gpu_out_of_memory": (503, "Out of memory on the GPU"),
    "cluster_busy": (503, "The cluster is busy"),
    "replica_lost": (503, "What computed it has stopped"),
    "worker_lost": (503, "The GPU stopped working"),
    "not_ready": (503, "The server is not ready"),
    "storage_full": (507, "The disk is full"),
}


class Problem(Exception):
    """A refusal with a code of CATALOGUE, one sentence for the user, and a hint at what to do."""

    def __init__(self, code: str, detail: str, hint: str = "", retry_after_s: int | None = None) -> None:
        super().__init__(code, detail, hint, retry_after_s)
        self.status, self.title = CATALOGUE[code]
        self.code, self.detail, self.hint, self.retry_after_s = code, detail, hint, retry_after_s

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


def unknown_session() -> Problem:
    """For whatever belongs to a session that is not there."""
    return Problem("unknown_session", "There is no such session.", "Reload the page to start a new one.")
