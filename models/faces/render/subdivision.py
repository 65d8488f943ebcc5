"""One step of Catmull-Clark subdivision as a sparse matrix (Catmull and Clark 1978)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


@dataclass(frozen=True)
class Subdivision:
    """new = matrix @ old; the first V rows are the moved old vertices."""

    matrix: sparse.csr_matrix  # [V + E + F, V] float32
    quads: NDArray[np.int64]  # [4F, 4]
    parent: NDArray[np.int64]  # [4F] quad of the old mesh


def catmull_clark(vertices: int, quads: NDArray[np.int64]) -> Subdivision:
    """Subdivides quads [F, 4]. Edges with other than two faces are borders and stay sharp."""
    faces = len(quads)
    edges = np.concatenate([np.sort(quads[:, [k, (k + 1) % 4]], axis=1) for k in range(4)])
    edges, edge_of, face_count = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
    edge_of = edge_of.reshape(4, faces)
    count = len(edges)
    border = face_count != 2

    def incidence(
        rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]
    ) -> sparse.csr_matrix:
        return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)

    corner = np.repeat(np.arange(faces), 4)
    edge_corner = np.repeat(np.arange(count), 2)
    face_points = incidence(corner, quads.ravel(), (faces, vertices)) / 4
    edge_middles = incidence(edge_corner, edges.ravel(), (count, vertices)) / 2
    edge_faces = incidence(edge_of.ravel(), np.tile(np.arange(faces), 4), (count, faces))
    edge_points = (
        sparse.diags(np.where(border, 1.0, 0.5)) @ edge_middles
        + sparse.diags(np.where(border, 0.0, 0.25)) @ edge_faces @ face_points
    )

    vertex_faces = incidence(quads.ravel(), corner, (vertices, faces))
    vertex_edges = incidence(edges.ravel(), edge_corner, (vertices, count))
    valence = np.asarray(vertex_faces.sum(axis=1)).ravel()
    edge_valence = np.asarray(vertex_edges.sum(axis=1)).ravel()
    on_border = np.zeros(vertices, bool)
    on_border[edges[border].ravel()] = True
    inside = (valence > 0) & ~on_border
    n = np.where(valence > 0, valence, 1)
    moved = (
        sparse.diags(np.where(inside, 1 / n**2, 0)) @ vertex_faces @ face_points
        + sparse.diags(np.where(inside, 2 / n / np.maximum(edge_valence, 1), 0)) @ vertex_edges @ edge_middles
        + sparse.diags(np.where(inside, (n - 3) / n, 1.0))
    )
    border_edges = incidence(edges[border].ravel(), np.repeat(np.flatnonzero(border), 2), (vertices, count))
    smooth_border = on_border & (np.asarray(border_edges.sum(axis=1)).ravel() == 2)
    moved = (
        sparse.diags(np.where(smooth_border, 0.5, 1.0)) @ moved
        + sparse.diags(np.where(smooth_border, 0.25, 0.0)) @ border_edges @ edge_middles
    )

    matrix = sparse.vstack([moved, edge_points, face_points]).tocsr().astype(np.float32)
    middle = vertices + count + np.arange(faces)
    new_quads = np.concatenate(
        [
            np.stack([quads[:, k], vertices + edge_of[k], middle, vertices + edge_of[(k - 1) % 4]], axis=1)
            for k in range(4)
        ]
    )
    return Subdivision(matrix, new_quads, np.tile(np.arange(faces), 4))


def triangles(quads: NDArray[np.int64]) -> NDArray[np.int32]:
    """[2F, 3]: first the triangles (0, 1, 2) of all quads, then (0, 2, 3)."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
