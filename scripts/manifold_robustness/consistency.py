"""What the parts of a configuration ask of each other, and of what is on disk before a run.

Each raises a `ConfigurationError` of one sentence; `experiment.read_experiment` calls them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .configuration import read_config
from .conventions import FEWEST_BALANCED, greatest_center_rank
from .errors import ConfigurationError
from .networks import Network, read_layers, require_layers
from .wording import cut, listed, shown

if TYPE_CHECKING:
    from .experiment import Figure

OLDER_LAYOUT = ("model", "accuracy", "images", "activations", "geometry")


def require_own_run(config: dict, overlays: Sequence[str | Path], base: Path) -> None:
    """An overlay's results don't stand among those of the base alone."""
    overlays = [path for path in overlays if Path(path).resolve() != base.resolve()]
    if overlays and config["run"] == read_config([base]).get("run"):
        raise ConfigurationError(
            f"config: {listed(overlays)} must name a run: of its own, since "
            f"results/{config['run']} holds the results of {base.name} itself"
        )


def require_newer_layout(run: str) -> None:
    """A run's folder holds no results that today's rules would not find."""
    results = Path("results", run)
    if any(
        (results / "model" / name).is_file() for name in ("weights.safetensors", "metrics.json")
    ):
        old = [name for name in OLDER_LAYOUT if (results / name).is_dir()]
        raise ConfigurationError(
            f"{results} holds results of an older layout ({', '.join(old)}); every network has a "
            f"folder of its own now. Remove them (rm -r {results}), move them away, or give run: "
            "another name"
        )


def require_references(
    config: dict, networks: Sequence[Network], figures: Mapping[str, "Figure"]
) -> None:
    """What one part of the configuration says of another."""
    styles = {name: figure.style for name, figure in figures.items()}
    images = config["images"]
    per_manifold = 1 if images["manifolds"] == "exemplar" else images["n_points"]
    n_images = images["n_manifolds"] * per_manifold * images["replicates"]
    for figure, style in styles.items():
        if style.get("image", 0) >= n_images:
            raise ConfigurationError(
                f"config: figures.{figure}.image is {style['image']}, but must be less than "
                f"{n_images}, the number of selected images"
            )
    shown_layers = {name: style["layer"] for name, style in styles.items() if "layer" in style}
    for network in networks:
        for figure, layer in shown_layers.items():
            drawn = network.recorded is None or figures[figure].of_geometry_alone
            if drawn and layer not in ("last", *network.analysed):
                raise ConfigurationError(
                    f"config: figures.{figure}.layer is {cut(layer, 60)}, but must be last or one "
                    f"of {listed(network.analysed)}, the analysed layers of the network "
                    f"{network.name}"
                )
        if network.recorded:
            continue
        path = layers_file(config["run"], network.name)
        known = read_layers(path, network)
        if known:
            source = (
                f" (so says {path}; remove that file if the architecture's own code has changed)"
            )
            require_layers(network.layers, known, network.name, source)
    _require_geometry(config["geometry"], images)
    padding, size = config["data"]["test_crop_padding"], config["data"]["image_size"]
    if padding > size // 2:
        raise ConfigurationError(
            f"config: data.test_crop_padding is {padding}, but must be at most half of "
            f"data.image_size, which is {size}"
        )


def require_attacked(perturbations: Sequence[dict], networks: Sequence[str]) -> None:
    """A network that an attack is from must be one of the run."""
    for entry in perturbations:
        attacked = entry.get("attack_from")
        if attacked is not None and attacked not in networks:
            raise ConfigurationError(
                f"config: perturbations, family {entry['family']}: attack_from is "
                f"{shown(attacked)}, but must be one of the run's networks, "
                f"{listed(networks) or 'none'}"
            )


def _require_geometry(geometry, images):
    """What the geometry asks of the manifolds."""
    rank, most = geometry["center_rank"], greatest_center_rank(images["n_manifolds"])
    if not isinstance(rank, str) and rank > most:
        raise ConfigurationError(
            f"config: geometry.center_rank is {rank}, but must be auto, supported or at most "
            f"P - 3 = {most}"
        )
    too_large = [count for count in geometry["subsets"] if count >= images["n_points"]]
    if too_large:
        raise ConfigurationError(
            f"config: geometry.subsets has {too_large[0]}, but must have numbers below "
            f"images.n_points, which is {images['n_points']}"
        )
    if geometry["joint"] and images["n_manifolds"] < FEWEST_BALANCED:
        raise ConfigurationError(
            f"config: geometry.joint needs images.n_manifolds of at least {FEWEST_BALANCED}, for "
            f"labels to balance; it is {images['n_manifolds']}. Give more, or set geometry.joint: "
            "false"
        )
    if geometry["joint"] and geometry["margin"] > 0:
        raise ConfigurationError(
            f"config: geometry.joint has no margin, but geometry.margin is {geometry['margin']:g}; "
            "set one of them to false or 0"
        )


def require_images(images: dict, declared: dict, data: dict) -> None:
    """As many classes and test images as are asked for, where the data set's numbers are known."""
    n_classes = declared.get("n_classes") or data.get("content", {}).get("n_classes")
    there = declared.get("n_test")
    if images["manifolds"] == "exemplar":
        needed = images["n_manifolds"] * images["replicates"]
        if n_classes and there and needed > n_classes * there:
            raise ConfigurationError(
                f"config: images.n_manifolds {images['n_manifolds']} x images.replicates "
                f"{images['replicates']} exemplars need {needed} test images, but the data set has "
                f"{n_classes * there}; lower one of them"
            )
        return
    if n_classes and images["n_manifolds"] > n_classes:
        raise ConfigurationError(
            f"config: images.n_manifolds is {images['n_manifolds']}, but the data set has "
            f"{n_classes} classes"
        )
    needed = images["n_points"] * images["replicates"]
    if there and needed > there:
        raise ConfigurationError(
            f"config: images.n_points {images['n_points']} x images.replicates "
            f"{images['replicates']} needs {needed} test images per class, but the data set has "
            f"{there}; lower one of them"
        )


def layers_file(run: str, network: str) -> Path:
    """Return the file with a network's layers, beside its weights."""
    return Path("results", run, network, "weights", "layers.json")
