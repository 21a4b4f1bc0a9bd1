"""HDF5 files of geometry and predictions: whole, checked to the last bit, readable by others."""

import resource

import h5netcdf
import numpy as np
import pytest
import xarray

from helpers import flip_bit
from manifold_robustness.errors import StoreError
from manifold_robustness.files.geometry import SCHEMA_VERSION, VARIABLES, read_geometry
from manifold_robustness.files.hdf5 import create_file, open_file
from manifold_robustness.files.predictions import read_predictions, write_predictions
from manifold_robustness.lineage import Origin, how_to_rebuild
from result_files import CLASSES, image_sums, origin, write

CLEAN = Origin("small", "clean", lineage={"small": {"evaluate_accuracy": {"code": "ab"}}})


def test_round_trip_of_the_geometry(tmp_path):
    capacity = np.array([[1, 2], [3, 4], [5, 6.5]])
    path = write(tmp_path / "a.h5", capacity=capacity)
    values, manifolds, attributes = read_geometry(path, origin())
    assert sorted(values) == sorted(VARIABLES)
    assert manifolds["manifold"].tolist() == manifolds["class"].tolist() == [CLASSES] * 3
    assert np.array_equal(values["capacity"], capacity)
    assert values["center_rank"].tolist() == [1, 1, 1]
    assert attributes["n_points"] == 6 and attributes["n_features"] == 100
    said = {key: attributes[key] for key in ("network", "condition", "layer", "lineage")}
    assert said == origin().attributes()


def test_exemplars_are_named_by_their_images(tmp_path):
    manifolds = {
        "manifold_class": [["bee", "bee"], ["ant", "bee"], ["ant", "ant"]],
        "image_index": [[7, 3], [12, 5], [0, 44]],
    }
    path = write(tmp_path / "a.h5", manifolds=manifolds)
    _, found, _ = read_geometry(path, origin())
    assert found["class"].tolist() == manifolds["manifold_class"]
    names = [["image-7", "image-3"], ["image-12", "image-5"], ["image-0", "image-44"]]
    assert found["manifold"].tolist() == names
    with xarray.open_dataset(path, engine="h5netcdf") as data:
        assert data["manifold"].values.tolist() == ["exemplar-0", "exemplar-1"]
        assert data["image_index"].sel(manifold="exemplar-1").values.tolist() == [3, 5, 44]
        assert data["manifold_class"].values.tolist() == manifolds["manifold_class"]
    with xarray.open_dataset(write(tmp_path / "b.h5"), engine="h5netcdf") as data:
        assert "image_index" not in data and data["manifold_class"].values.tolist() == [CLASSES] * 3


def test_replicates_that_tried_fewer_directions_are_padded(tmp_path):
    tried = [np.array([0.5]), np.array([0.4, 0.3, 0.2]), np.array([0.6, 0.1])]
    values, _, _ = read_geometry(write(tmp_path / "a.h5", residual_correlation=tried), origin())
    nan = np.nan
    expected = [[0.5, nan, nan], [0.4, 0.3, 0.2], [0.6, 0.1, nan]]
    assert np.array_equal(values["residual_correlation"], expected, equal_nan=True)


def test_xarray_reads_axes_units_and_equations(tmp_path):
    path = write(tmp_path / "a.h5", capacity=np.arange(6).reshape(3, 2) + 1.0)
    with xarray.open_dataset(path, engine="h5netcdf") as data:
        sizes = {"replicate": 3, "manifold": 2, "projected": 2, "subset": 2}
        assert dict(data.sizes) == sizes
        assert data["manifold"].values.tolist() == CLASSES
        assert float(data["capacity"].sel(manifold="bee", replicate=2)) == 6
        for name, variable in VARIABLES.items():
            assert data[name].dims == variable.dimensions, name
            for key in ("units", "equation", "long_name"):
                assert data[name].attrs[key] == getattr(variable, key) != "", (name, key)
        assert data.attrs["schema_version"] == SCHEMA_VERSION


def test_two_writes_are_the_same_bytes(tmp_path):
    assert write(tmp_path / "a.h5").read_bytes() == write(tmp_path / "b" / "c.h5").read_bytes()


def make_predictions(path):
    classes = ["α", "b", "c"]
    write_predictions(
        path,
        np.array([0, 1, 2, 2]),
        np.array([0, 1, 1, 2]),
        np.arange(3, 7),
        classes,
        image_sums(4),
        CLEAN,
    )
    return path


def test_round_trip_of_predictions(tmp_path):
    path = make_predictions(tmp_path / "a.h5")
    found = read_predictions(path, CLEAN)
    assert (found.predictions.tolist(), found.labels.tolist()) == ([0, 1, 2, 2], [0, 1, 1, 2])
    assert found.indices.tolist() == [3, 4, 5, 6]
    assert found.correct.tolist() == [True, True, False, True]
    assert found.classes == ["α", "b", "c"] and found.lineage == CLEAN.lineage
    assert found.seen == {}
    with h5netcdf.File(path) as file:
        assert file.attrs["accuracy"] == 0.75


def test_what_was_seen_of_a_perturbation_is_kept(tmp_path):
    seen = {"lowest_pixel": 0.0, "highest_pixel": 1.0, "n_gradients": 9, "n_zero_gradients": 1}
    for given in (seen, {**seen, "largest_norm": 0.1}):
        path = tmp_path / "a.h5"
        one = np.zeros(2, int)
        write_predictions(path, one, one, np.arange(2), ["a"], image_sums(2), CLEAN, given)
        assert read_predictions(path, CLEAN).seen == given


def test_predictions_of_one_class_have_a_list_of_one_name(tmp_path):
    write_predictions(tmp_path / "a.h5", *[np.zeros(2, int)] * 3, ["α"], image_sums(2), CLEAN)
    assert read_predictions(tmp_path / "a.h5", CLEAN).classes == ["α"]


def read_clean(path):
    return read_predictions(path, CLEAN)


def read_layer(path):
    return read_geometry(path, origin())


FILES = [(write, read_layer), (make_predictions, read_clean)]


@pytest.mark.parametrize(
    ("make", "read", "wanted"),
    [(write, read_geometry, origin()), (make_predictions, read_predictions, CLEAN)],
    ids=["geometry", "predictions"],
)
def test_a_file_of_another_origin_is_refused(tmp_path, make, read, wanted):
    path = make(tmp_path / "a.h5")
    with pytest.raises(StoreError, match=r"condition fog-1\. Got .*a\.h5, .*condition clean"):
        read(path, wanted.at(condition="fog-1"))
    (network,) = wanted.lineage
    stages = {stage: {**one, "code": "ef"} for stage, one in wanted.lineage[network].items()}
    with pytest.raises(StoreError, match="its code was another"):
        read(path, Origin(network, lineage={network: stages}))


@pytest.mark.parametrize(("make", "read"), FILES, ids=["geometry", "predictions"])
def test_every_flipped_bit_and_every_cut_is_noticed(tmp_path, make, read):
    path = make(tmp_path / "a.h5")
    content = path.read_bytes()
    damaged = [flip_bit(content, k, k % 8) for k in range(0, len(content), len(content) // 150)]
    damaged += [content[:k] for k in range(0, len(content), len(content) // 30)]
    damaged += [content[:-1], content + b"x", flip_bit(content, len(content) - 1)]
    for text in damaged:
        path.write_bytes(text)
        with pytest.raises(StoreError) as caught:
            read(path)
        assert str(path) in str(caught.value) and how_to_rebuild(path) in str(caught.value)


@pytest.mark.parametrize(("make", "read"), FILES, ids=["geometry", "predictions"])
def test_a_file_that_is_missing_or_not_ours_is_refused(tmp_path, make, read):
    with pytest.raises(StoreError, match=r"none\.h5 is missing.*remove it with: rm -f "):
        read(tmp_path / "none.h5")
    with h5netcdf.File(tmp_path / "other.h5", "w") as file:
        file.attrs["classes"] = ["a"]
    with pytest.raises(StoreError, match=r"other\.h5 is .*not ours"):
        read(tmp_path / "other.h5")
    with create_file(tmp_path / "empty.h5", CLEAN) as file:
        file.attrs["schema_version"] = SCHEMA_VERSION
    with pytest.raises(StoreError, match=r"empty\.h5 is .*not ours"):
        read(tmp_path / "empty.h5")


def test_geometry_of_another_schema_is_refused(tmp_path):
    with create_file(tmp_path / "old.h5", origin()) as file:
        file.attrs["schema_version"] = SCHEMA_VERSION + 1
    with pytest.raises(StoreError, match=f"schema version is not {SCHEMA_VERSION}"):
        read_geometry(tmp_path / "old.h5", origin())


def test_a_block_that_fails_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError), create_file(tmp_path / "a.h5", CLEAN):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_an_error_of_the_reader_s_own_is_no_damage(tmp_path):
    with pytest.raises(ZeroDivisionError), open_file(make_predictions(tmp_path / "a.h5")):
        raise ZeroDivisionError


def test_a_full_disk_is_one_sentence(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, limits[1]))
    try:
        with pytest.raises(StoreError, match=r"no room to write .*a\.h5"):
            write(tmp_path / "a.h5")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())
