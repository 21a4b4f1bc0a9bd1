"""Manifold geometry: capacity, radius, dimension and center correlation of clouds of points."""

from .analysis import (
    ManifoldGeometry,
    analyze_manifolds,
    analyze_replicates,
    draw_gaussian_vectors,
)
from .anchors import AnchorPoints, find_anchor_points
from .centers import (
    CenterStructure,
    find_center_structure,
    find_center_structures,
    remove_directions,
)
from .dimensionality import TotalDimensionality, total_dimensionality
from .frame import ManifoldFrame, manifold_frame
from .joint import JointGeometry, analyze_jointly
from .readout import ReadoutAccuracy, readout_accuracy
from .simulation import SimulatedCapacity, simulate_capacity
from .solvers import SOLVERS, kkt_residuals
from .statistics import AnchorStatistics, anchor_statistics

__all__ = [
    "SOLVERS",
    "AnchorPoints",
    "AnchorStatistics",
    "CenterStructure",
    "JointGeometry",
    "ManifoldFrame",
    "ManifoldGeometry",
    "ReadoutAccuracy",
    "SimulatedCapacity",
    "TotalDimensionality",
    "analyze_jointly",
    "analyze_manifolds",
    "analyze_replicates",
    "anchor_statistics",
    "draw_gaussian_vectors",
    "find_anchor_points",
    "find_center_structure",
    "find_center_structures",
    "kkt_residuals",
    "manifold_frame",
    "readout_accuracy",
    "remove_directions",
    "simulate_capacity",
    "total_dimensionality",
]
