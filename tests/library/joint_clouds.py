"""What the joint program is tested on, and its stages by hand."""

import numpy as np

from library.geometry_clouds import clouds_with_duplicates, gaussian_clouds, relu_clouds
from manifold_robustness.geometry.joint import draw_jointly, joint_frame, solve_all

MEASURES = (
    "capacity",
    "radius",
    "dimension",
    "utility",
    "center_alignment",
    "axis_alignment",
    "center_axis_alignment",
)
CLOUDS = {
    "fewer points than features": gaussian_clouds(6, 12, 100),
    "more points than features": gaussian_clouds(6, 30, 40),
    "output layer": gaussian_clouds(10, 12, 10, radius=0.3),
    "nothing separable": gaussian_clouds(10, 20, 6, radius=1.5),
    "duplicate points": clouds_with_duplicates(6, 12, 60),
    "the same manifold twice": gaussian_clouds(6, 8, 50)[[0, 1, 2, 3, 4, 0]],
    "sparse": relu_clouds(6, 20, 80),
    "far from the origin": 1000.0 + gaussian_clouds(6, 12, 50),
    "tight": gaussian_clouds(6, 12, 50, radius=1e-3),
    "symmetric segments": gaussian_clouds(6, 1, 40)
    + np.array([[1.0], [-1.0]]) * np.random.default_rng(1).standard_normal((6, 1, 40)),
    "points that differ in number": [gaussian_clouds(1, m, 50, m)[0] for m in (2, 17, 40, 5, 9)],
}


def solved(clouds, n_draws, labels="balanced", center=True, seed=0):
    """The stages by hand: coordinates, numbers of points, vectors, labels, programs."""
    everything = np.concatenate(list(clouds))
    if center:
        everything = everything - everything.mean(0)
    coordinates = joint_frame(everything, 1e-14 * np.abs(everything).max())
    n_points = np.array([len(cloud) for cloud in clouds])
    vectors, signs = draw_jointly(coordinates.shape[1], len(clouds), n_draws, labels, seed)
    return coordinates, n_points, vectors, signs, solve_all(coordinates, n_points, vectors, signs)


def nearly_dependent(noise, n_points=20):
    """Manifolds whose points lie in few dimensions, coarse as pixels are, but for some noise."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 4, (10, n_points, 24)) @ rng.standard_normal((24, 400))
    return coarse + noise * np.abs(coarse).max() * rng.standard_normal(coarse.shape)
