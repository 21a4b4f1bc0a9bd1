"""The table of certificates: how many test images are proven right, within which radius."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from .files.certificates import Certificates, read_certificates
from .lineage import Origin, require_agreement
from .smoothing import exact_interval, radii_of_table


def collect_certificates(files: Iterable[tuple[str, str, dict, str | Path]]) -> pd.DataFrame:
    """Return one row per (network, sigma, radius).

    ``certified_accuracy`` is the share of the images whose answer is proven right for every
    perturbation of at most this Euclidean norm, with its two-sided Clopper-Pearson interval over
    images; ``abstained`` the share of those that nothing is proven of, ``mean_radius`` the mean of
    the radii, 0 where the answer is wrong or none. The last radius is the greatest that so many
    draws can prove.

    Parameters
    ----------
    files : iterable of (network, level, lineage, path)
        `level` names the noise, as the file's place does.

    Raises
    ------
    StoreError
        For a file of another network or level, or one that was made from other settings.
    """
    found, lineages = [], []
    for network, level, lineage, path in files:
        one = read_certificates(path, Origin(network, level, lineage=lineage))
        found.append((network, one))
        lineages.append((path, one.lineage))
    require_agreement(lineages)
    return pd.concat([_rows(network, one) for network, one in found], ignore_index=True)


def certified_classes(files: Iterable[tuple[str, str, dict, str | Path]]) -> pd.DataFrame:
    """Return one row per (network, sigma, class): the mean radius of the class's images.

    0 for an image whose answer is wrong or none. Parameters and errors are those of
    :func:`collect_certificates`.
    """
    rows = []
    for network, level, lineage, path in files:
        one = read_certificates(path, Origin(network, level, lineage=lineage))
        proven = np.maximum(one.right_within, 0.0)
        for label, name in enumerate(one.classes):
            own = one.label == label
            rows.append(
                {
                    "network": network,
                    "sigma": one.sigma,
                    "manifold": name,
                    "n_images": int(own.sum()),
                    "mean_radius": float(proven[own].mean()) if own.any() else np.nan,
                }
            )
    return pd.DataFrame(rows)


def _rows(network: str, one: Certificates) -> pd.DataFrame:
    radii = radii_of_table(one.n_estimation, one.alpha, one.sigma)
    within, n_images = one.right_within, len(one.label)
    rounding = 1e-12 * radii[-1]  # the greatest radius is computed once here and once there
    counts = [int((within >= radius - rounding).sum()) for radius in radii]
    low, high = zip(*(exact_interval(count, n_images) for count in counts), strict=True)
    return pd.DataFrame(
        {
            "network": network,
            "sigma": one.sigma,
            "radius": radii,
            "n_images": n_images,
            "n_certified": counts,
            "certified_accuracy": np.array(counts) / n_images,
            "certified_accuracy_low": low,
            "certified_accuracy_high": high,
            "abstained": float(one.abstained.mean()),
            "mean_radius": float(np.maximum(within, 0.0).mean()),
            "n_selection": one.n_selection,
            "n_estimation": one.n_estimation,
            "alpha": one.alpha,
        }
    )
