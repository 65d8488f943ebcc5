"""The list of attacks and faults: each number has its tests, here or elsewhere, or a reason for none."""

from __future__ import annotations

import ast
import re
from pathlib import Path

CASES = range(1, 51)
# Where a case is tested outside of this folder: file::test.
ELSEWHERE = {
    9: ("server/test_gate.py::test_nothing_outside_the_page_is_served",),
    11: (
        "server/test_uploads.py::test_a_photo_comes_back_with_its_face",
        "server/test_gate.py::test_every_answer_carries_the_security_headers",
    ),
    13: ("server/test_gate.py::test_another_site_cannot_change_anything",),
    16: (
        "server/test_gate.py::test_a_foreign_host_name_is_refused",
        "server/test_gate.py::test_two_host_headers_are_refused",
        "server/test_gate.py::test_a_socket_to_a_foreign_host_name_is_denied",
    ),
    18: ("server/test_command_line.py::test_an_address_that_others_can_reach_needs_a_token",),
    19: (
        "server/test_errors.py::test_a_body_that_is_not_strictly_json_is_invalid",
        "server/test_errors.py::test_an_invalid_body_is_not_repeated",
        "server/test_documents.py::test_a_value_out_of_its_range_is_refused",
    ),
    20: (
        "server/test_live.py::test_a_bad_message_is_an_error_and_the_socket_stays",
        "server/test_live.py::test_the_tenth_bad_message_closes_the_socket",
    ),
    21: ("server/test_live.py::test_a_message_over_64_kilobytes_closes_the_socket_only",),
    # Both edit one tree: neither is late, so none is told that its parent is stale.
    26: (
        "server/test_live.py::test_two_sockets_of_a_session_do_not_disturb_each_other",
        "server/test_history.py::test_an_edit_after_undo_makes_a_branch_and_loses_nothing",
        "storage/test_storage.py::test_writers_of_several_threads_wait_for_each_other",
    ),
    35: (
        "models/test_hostile_pickles.py::test_a_hostile_pickle_is_refused_and_nothing_runs",
        "models/test_hostile_pickles.py::test_a_tensor_larger_than_its_storage_is_refused",
        "models/test_hostile_pickles.py::test_the_whole_way_refuses_by_name_and_nothing_runs",
        "server/test_catalogue.py::test_a_foreign_file_that_is_no_generator_is_refused_in_a_sentence",
    ),
    36: ("models/test_hostile_torch_files.py::test_torch_load_is_never_asked",),
    37: (
        "models/test_checkpoint.py::test_a_lying_header_length_is_refused",
        "models/test_checkpoint.py::test_tensors_outside_the_file_are_refused",
        "models/test_checkpoint.py::test_other_number_types_are_refused",
    ),
    38: (
        "models/test_bundle.py::test_one_changed_byte_is_refused_with_both_hashes",
        "server/test_checkpoints_command.py::test_one_changed_bit_is_found_and_its_file_named",
    ),
    39: (
        "server/test_model_library.py::"
        "test_a_replaced_file_is_loaded_at_the_refresh_and_shows_no_old_picture",
    ),
    40: ("storage/test_blobs.py::test_a_full_disk_is_a_problem_and_leaves_no_half_blob",),
    43: ("server/test_errors.py::test_an_unexpected_error_tells_nothing_and_is_logged",),
    44: (
        "server/test_telemetry.py::test_case_44_no_message_can_begin_a_line_of_its_own",
        "deploy/test_entry_point.py::test_case_44_an_address_makes_no_line_in_the_log",
    ),
    49: (
        "deploy/test_entry_point.py::test_case_49_a_stop_closes_sockets_with_1012_and_ends_well",
        "server/test_projections.py::test_after_a_stop_of_the_server_projections_go_on",
    ),
}
DOES_NOT_APPLY: dict[int, str] = {}


def names_in(path: Path) -> set[str]:
    """Names of the test functions of a file."""
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_case_is_tested_or_has_a_reason(repository: Path) -> None:
    here = [name for path in (repository / "tests" / "attack").glob("test_*.py") for name in names_in(path)]
    found = [re.match(r"test_case_(\d+)(?:_and_(\d+))?_", name) for name in here]
    numbered = {int(number) for match in found if match for number in match.groups() if number}
    assert set(CASES) <= numbered | set(ELSEWHERE) | set(DOES_NOT_APPLY)
    assert not (numbered | set(ELSEWHERE)) & set(DOES_NOT_APPLY)


def test_what_is_tested_elsewhere_is_there(repository: Path) -> None:
    for references in ELSEWHERE.values():
        for reference in references:
            file, _, name = reference.partition("::")
            assert name in names_in(repository / "tests" / file), reference
