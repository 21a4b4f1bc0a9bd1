"""Zarr stores: what is read is what was written, or an error that says how to rebuild it."""

import json
import os
import resource
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import zarr

from helpers import ROOT, flip_bit
from manifold_robustness.errors import StoreError
from manifold_robustness.files.stores import (
    SCHEMA_VERSION,
    ArraySpec,
    StoredArray,
    create_store,
    create_stores,
    read_points,
    read_store,
)
from manifold_robustness.lineage import Origin, how_to_rebuild

VALUES = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)
ORIGIN = Origin("small", layer="conv1", lineage={"small": {"train_network": {"code": "ab"}}})
SPECS = {"x": ArraySpec(VALUES.shape, "float32", ("a", "b", "c"), (1, 3, 4), "metre")}


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "x.zarr.zip"
    with create_store(path, SPECS, ORIGIN, {"classes": ["α", "b"]}) as arrays:
        arrays["x"][...] = VALUES
    return path


def read(path, name="x", wanted=ORIGIN):
    (values,), _ = read_store(path, [name], wanted)
    return values


def read_or_refuse(path):
    """Return whether a store is refused in our words; fail where it gives other data."""
    try:
        (values,), attributes = read_store(path, ["x"], ORIGIN)
    except StoreError as error:
        assert str(path) in str(error) and how_to_rebuild(path) in str(error)
        return True
    assert np.array_equal(values, VALUES) and attributes["classes"] == ["α", "b"]
    return False


def test_round_trip(store):
    (values, again), attributes = read_store(store, ["x", "x"], ORIGIN)
    assert values.dtype == np.float32 and np.array_equal(values, VALUES)
    assert np.array_equal(again, VALUES)
    assert attributes == {
        "network": "small",
        "layer": "conv1",
        "lineage": ORIGIN.lineage,
        "classes": ["α", "b"],
        "software": {"numpy": np.__version__, "zarr": zarr.__version__},
        "schema_version": SCHEMA_VERSION,
    }


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("chunks", [None, (1, 1, 3, 4), (2, 1, 3, 2), (1, 3, 1, 4)])
def test_it_is_read_as_zarr_itself_reads_it(tmp_path, dtype, chunks):
    values = (100 * np.random.default_rng(0).standard_normal((4, 3, 3, 4))).astype(dtype)
    path, spec = tmp_path / "x.zarr.zip", ArraySpec((4, 3, 3, 4), dtype, tuple("abcd"), chunks)
    with create_store(path, {"x": spec}, ORIGIN, {"classes": ["α"]}) as arrays:
        arrays["x"][...] = values
    with zarr.storage.ZipStore(path, mode="r") as file:
        group = zarr.open_group(file, mode="r")
        found, described = group["x"][...], dict(group.attrs)
    (own,), attributes = read_store(path, ["x"], ORIGIN)
    assert own.dtype == found.dtype == dtype and attributes == described
    assert np.array_equal(own, found) and np.array_equal(own, values)
    parts = StoredArray(path, "x", ORIGIN, values.shape)
    for place in np.ndindex(4, 3):
        assert np.array_equal(parts[place[0]][place[1]], values[place])


def test_who_reads_or_solves_does_not_wait_for_zarr(store):
    code = (
        "import sys, solve_geometry\nfrom manifold_robustness.files.stores import read_store\n"
        "from manifold_robustness.lineage import Origin\n"
        f"read_store({str(store)!r}, ['x'], {ORIGIN!r})\nprint(*sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    command = [sys.executable, "-c", code]
    loaded = subprocess.check_output(command, env=environment, text=True).split()
    assert "manifold_robustness.files.chunks" in loaded
    assert not {"zarr", "torch", "pandas", "scipy"} & set(loaded)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (ORIGIN.at(layer="fc"), r"layer fc\. Got .*x\.zarr\.zip, which is of the layer conv1"),
        (ORIGIN.at(network="other"), "which is of the network small"),
        (
            Origin("small", lineage={"small": {"train_network": {"code": "cd"}}}),
            "the training of the network small, its code was another",
        ),
    ],
)
def test_a_store_of_another_origin_is_refused_whole_or_in_part(store, wanted, words):
    for reading in (
        lambda: read(store, wanted=wanted),
        lambda: StoredArray(store, "x", wanted, VALUES.shape)[0][0],
    ):
        with pytest.raises(StoreError, match=words) as caught:
            reading()
        assert how_to_rebuild(store) in str(caught.value)


def test_an_array_can_be_read_part_by_part(store):
    array = StoredArray(store, "x", ORIGIN, VALUES.shape)
    assert array.shape == (2, 3, 4) and len(array) == 2 and array[1].shape == (3, 4)
    assert [[part.tolist() for part in rows] for rows in array] == VALUES.tolist()
    assert np.array_equal(array[-1][-1], VALUES[1, 2])
    with pytest.raises(IndexError):
        array[2]


def test_a_part_of_a_damaged_store_is_refused(store):
    array, content = StoredArray(store, "x", ORIGIN, VALUES.shape), store.read_bytes()
    with zipfile.ZipFile(store) as file:
        chunk = file.getinfo("x/c/1/0/0")
    store.write_bytes(flip_bit(content, chunk.header_offset + 60))
    assert np.array_equal(array[0][2], VALUES[0, 2])
    with pytest.raises(StoreError, match="remove it with: rm -f"):
        array[1][0]


def test_only_many_numbers_are_read_one_manifold_at_a_time(tmp_path, monkeypatch):
    values, path = np.ones((1, 2, 3, 4)), tmp_path / "points.zarr.zip"
    spec = ArraySpec(values.shape, "float64", tuple("rmpf"), (1, 1, 3, 4))
    with create_store(path, {"activations": spec}, ORIGIN, {}) as arrays:
        for manifold in range(2):
            arrays["activations"][0, manifold] = values[0, manifold]
    monkeypatch.setattr("manifold_robustness.files.stores.MANY", 24)
    whole, described = read_points(path, ORIGIN)
    assert isinstance(whole, np.ndarray)
    monkeypatch.setattr("manifold_robustness.files.stores.MANY", 23)
    points, attributes = read_points(path, ORIGIN)
    assert isinstance(points, StoredArray) and points.shape == values.shape
    assert np.array_equal(points[0][1], values[0, 1]) and attributes == described


def test_axes_and_units_are_written(store):
    with zipfile.ZipFile(store) as file:
        described = json.loads(file.read("x/zarr.json"))
    assert described["dimension_names"] == ["a", "b", "c"]
    assert described["attributes"] == {"units": "metre"}


def test_values_that_are_not_numbers_and_zeros_are_kept(tmp_path):
    values = np.zeros((2, 2))
    values[0] = np.nan, np.inf
    path = tmp_path / "y.zarr.zip"
    specs = {"y": ArraySpec((2, 2), "float64", ("a", "b"), (1, 2))}
    with create_store(path, specs, ORIGIN, {}) as arrays:
        arrays["y"][...] = values
    assert np.array_equal(read(path, "y"), values, equal_nan=True)


def test_a_store_that_was_cut_short_is_refused(store):
    content = store.read_bytes()
    for length in [0, 1, *range(10, len(content), 37), len(content) - 1]:
        store.write_bytes(content[:length])
        assert read_or_refuse(store), length


def test_a_flipped_bit_is_refused_or_harmless(store):
    content = store.read_bytes()
    refused = 0
    for place in range(0, len(content), 5):
        store.write_bytes(flip_bit(content, place, bit=place % 8))
        refused += read_or_refuse(store)
    assert refused > 0.7 * len(content) / 5


def test_a_chunk_that_was_never_written_is_an_error(tmp_path):
    path = tmp_path / "half.zarr.zip"
    with create_store(path, SPECS, ORIGIN, {}) as arrays:
        arrays["x"][0] = VALUES[0]
    with pytest.raises(StoreError, match="1 chunks of x are missing"):
        read(path)


@pytest.mark.parametrize("elsewhere", [None, "x/c/2/0/0", "x/c/1"])
def test_a_chunk_that_was_lost_is_an_error(store, tmp_path, elsewhere):
    path = tmp_path / "lost.zarr.zip"
    with zipfile.ZipFile(store) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            kept = elsewhere if name.startswith("x/c/1") else name
            if kept:
                new.writestr(kept, old.read(name))
    with pytest.raises(StoreError, match="1 chunks of x are missing"):
        read(path)


def test_another_schema_is_refused(store):
    content = store.read_bytes()
    path = store.with_name("newer.zarr.zip")
    with zipfile.ZipFile(store) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "zarr.json":
                found = json.loads(text)
                found["attributes"]["schema_version"] = SCHEMA_VERSION + 1
                text = json.dumps(found).encode()
            new.writestr(name, text)
    with pytest.raises(StoreError, match=f"schema version is {SCHEMA_VERSION + 1}, not"):
        read(path)
    assert store.read_bytes() == content


def test_what_is_no_store_is_refused(tmp_path, store):
    with pytest.raises(StoreError, match="does not exist; remove it with: rm -f "):
        read(tmp_path / "none.zarr.zip")
    with pytest.raises(StoreError, match="it holds no array y"):
        read(store, "y")
    with zipfile.ZipFile(tmp_path / "zip.zarr.zip", "w") as file:
        file.writestr("readme", "nothing")
    with pytest.raises(StoreError, match="not ours"):
        read(tmp_path / "zip.zarr.zip")


def test_several_stores_at_once_stand_all_or_none(tmp_path):
    stores = {name: (tmp_path / name, SPECS, ORIGIN.at(layer=name), {}) for name in "ab"}
    with pytest.raises(RuntimeError), create_stores(stores) as arrays:
        arrays["a"]["x"][...] = VALUES
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    with create_stores(stores) as arrays:
        for k, name in enumerate("ab"):
            arrays[name]["x"][...] = VALUES + k
    for k, name in enumerate("ab"):
        assert np.array_equal(read(tmp_path / name, wanted=ORIGIN.at(layer=name)), VALUES + k)


def test_a_full_disk_leaves_no_partial_store(tmp_path):
    values = np.random.default_rng(0).random(20_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    specs = {"x": ArraySpec(values.shape, "float64", ("a",))}
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with (
            pytest.raises(StoreError, match="no room to write"),
            create_store(tmp_path / "x", specs, ORIGIN, {}) as arrays,
        ):
            arrays["x"][...] = values
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())
