"""Stores: the same bytes for the same content, and no more memory than their shape says."""

import hashlib
import json
import os
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from numcodecs import Blosc

from helpers import NETWORK, ROOT, flip_bit
from manifold_robustness.errors import StoreError
from manifold_robustness.files.stamps import LARGEST_METADATA
from manifold_robustness.files.stores import ArraySpec, create_store, how_to_rebuild, read_store
from manifold_robustness.files.zips import PlainZip, remove_times
from manifold_robustness.lineage import Origin

ORIGIN = Origin("small", lineage={"small": {"train_network": {"code": "ab"}}})
SHAPE, CHUNKS = (2, 3, 4), (1, 3, 4)
SPECS = {"x": ArraySpec(SHAPE, "float64", ("a", "b", "c"), CHUNKS)}
VALUES = np.random.default_rng(0).standard_normal(SHAPE)

# Both bases: of 30 points, the head's 10 features stay as they are.
WRITE = f"""
import sys
import numpy as np
import torch
from manifold_robustness.files.images import write_images
from manifold_robustness.lineage import Origin
from manifold_robustness.network.activations import extract_activations
from manifold_robustness.network.weights import initial_network
folder, lineage = sys.argv[1], {{"small": {{"train_network": {{"code": "ab"}}}}}}
origin = Origin("small", "clean", lineage=lineage)
images = np.random.default_rng(0).random((2, 5, 6, 3, 8, 8), dtype=np.float32)
places = np.arange(60).reshape(2, 5, 6)
write_images(f"{{folder}}/images.zarr.zip", images, places, places, origin, {{}})
network = initial_network({NETWORK!r}, "none", None, 10, seed=1).eval()
paths = {{layer: f"{{folder}}/{{layer}}.zarr.zip" for layer in ("input", "first", "head")}}
extract_activations(network, images, paths, "auto", origin, {{}}, torch.device("cpu"))
"""


def write(path, values=VALUES):
    with create_store(path, SPECS, ORIGIN, {"classes": ["α", "b"]}) as arrays:
        for replicate, part in enumerate(values):
            arrays["x"][replicate] = part
    return path


def read(path):
    return read_store(path, ["x"], ORIGIN)[0][0]


@pytest.mark.slow
def test_two_processes_write_the_same_bytes(tmp_path):
    found = []
    for k in range(2):
        time.sleep(3 * k)  # a zip file says times to two seconds
        folder = tmp_path / str(k)
        folder.mkdir()
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, "-c", WRITE, folder], cwd=ROOT, env=environment, check=True)
        found.append({p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()})
    assert found[0] == found[1] and len(found[0]) == 4


def test_the_day_does_not_matter(tmp_path, monkeypatch):
    one = write(tmp_path / "one.zarr.zip").read_bytes()
    later = time.time() + 1e7
    monkeypatch.setattr(time, "time", lambda: later)
    assert write(tmp_path / "two.zarr.zip").read_bytes() == one
    assert write(tmp_path / "three.zarr.zip", VALUES + 1).read_bytes() != one


def test_times_are_removed_and_nothing_else(tmp_path):
    path, members = tmp_path / "a.zip", {"b": b"123", "a/α": b"", "c": bytes(1000)}
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name, (2031, 5, 6, 7, 8, 10)), content)
        big = zipfile.ZipInfo("big", (2031, 5, 6, 7, 8, 10))
        with file.open(big, "w", force_zip64=True) as member:
            member.write(b"45")
    before = path.read_bytes()
    remove_times(path)
    after = path.read_bytes()
    assert sum(a != b for a, b in zip(before, after, strict=True)) <= 2 * 4 * 4
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        assert {name: file.read(name) for name in members} == members and file.read("big") == b"45"
        assert {one.date_time for one in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def rebuilt(path, target, change=None, **options):
    """Write the members of a store anew, as ``change(name, content)`` says."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", **options) as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(name, content) if change else content)
    return target


def described(**settings):
    """Return a change of the array's metadata: as ``zarr.json`` names them."""

    def change(name, content):
        if name != "x/zarr.json":
            return content
        return json.dumps(json.loads(content) | settings)

    return change


def claiming(size, which="x/c/1/0/0"):
    """Return a change of a chunk: its header says another size."""

    def change(name, content):
        return content[:4] + size.to_bytes(4, "little") + content[8:] if name == which else content

    return change


def grid(*chunks):
    return {"name": "regular", "configuration": {"chunk_shape": chunks}}


ZSTD = {"name": "zstd", "configuration": {"level": 0, "checksum": False}}
BYTES = {"name": "bytes", "configuration": {"endian": "little"}}
BLOSC = {
    "name": "blosc",
    "configuration": {
        "typesize": 8, "cname": "zstd", "clevel": 3, "shuffle": "shuffle", "blocksize": 0
    },
}  # fmt: skip
REFUSED = {
    "a chunk that claims 2 GiB": (claiming(2**31 - 1), r"claims 2147483647 bytes, and .* has 96"),
    "a chunk that claims less": (claiming(95), r"claims 95 bytes"),
    "a chunk without a header": (
        lambda name, content: content[:15] if "/c/1" in name else content,
        r"1 chunks of x are missing",
    ),
    "other codecs": (described(codecs=[BYTES, ZSTD]), r"other codecs"),
    "no codec": (described(codecs=[BYTES]), r"other codecs"),
    "twice compressed": (described(codecs=[BYTES, BLOSC, BLOSC]), r"other codecs"),
    "chunks beyond the shape": (described(chunk_grid=grid(4, 3, 4)), r"do not divide x of shape"),
    "chunks that divide nothing": (described(chunk_grid=grid(1, 2, 4)), r"do not divide x"),
    "larger chunks": (described(shape=[2, 3, 8], chunk_grid=grid(1, 3, 8)), r"claims 96 bytes"),
    "another type": (described(data_type="float32", fill_value=0.0), r"claims 96 bytes.* has 48"),
    "no end of chunks": (described(shape=[2**40, 3, 4]), r"chunks of x are missing"),
    "another order of bytes": (
        described(codecs=[{**BYTES, "configuration": {"endian": "big"}}, BLOSC]),
        r"other codecs",
    ),
    "numbers of another kind": (described(data_type="complex128"), r"holds complex128, none of"),
    "chunks of several sizes": (
        described(chunk_grid={**grid(1, 3, 4), "name": "rectilinear"}),
        r"other chunks than regular",
    ),
    "chunks under other names": (
        described(chunk_key_encoding={"name": "v2", "configuration": {"separator": "."}}),
        r"or elsewhere",
    ),
    "transformed": (described(storage_transformers=[{"name": "cipher"}]), r"or elsewhere"),
    "an older version": (described(zarr_format=2), r"x is no array of version 3"),
    "no array": (described(node_type="group"), r"x is no array of version 3"),
    "no text": (
        lambda name, content: b"\xff{" if name == "x/zarr.json" else content,
        r"truncated, damaged or not ours",
    ),
    "metadata without end": (
        lambda name, content: content + b" " * LARGEST_METADATA if name == "zarr.json" else content,
        r"zarr\.json has .* bytes, more than",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_as_its_shape_says_is_refused(tmp_path, case):
    change, message = REFUSED[case]
    path = rebuilt(write(tmp_path / "good.zarr.zip"), tmp_path / "x.zarr.zip", change)
    with pytest.raises(StoreError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value) and how_to_rebuild(path) in str(caught.value)


def test_the_same_store_unchanged_is_read(tmp_path):
    path = rebuilt(write(tmp_path / "good.zarr.zip"), tmp_path / "x.zarr.zip")
    assert np.array_equal(read(path), VALUES)


def test_members_that_a_zip_file_compresses_are_refused(tmp_path):
    path = rebuilt(
        write(tmp_path / "good.zarr.zip"), tmp_path / "x", compression=zipfile.ZIP_DEFLATED
    )
    with pytest.raises(StoreError, match="compressed by more than its codec"):
        read(path)


def test_a_name_that_is_there_twice_is_refused(tmp_path):
    path = write(tmp_path / "x.zarr.zip")
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("x/c/1/0/0", file.read("x/c/0/0/0"))
    with pytest.raises(StoreError, match="x/c/1/0/0 twice"):
        read(path)


def test_a_member_that_is_longer_than_the_file_is_refused(tmp_path):
    path = write(tmp_path / "x.zarr.zip")
    content = path.read_bytes()
    with zipfile.ZipFile(path) as file:
        size = file.getinfo("x/c/1/0/0").file_size
    place = content.rindex(size.to_bytes(4, "little") * 2)  # in the directory: both of its sizes
    for byte in (place + 3, place + 7):
        content = flip_bit(content, byte, bit=6)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"claims \d{10} bytes of a file of \d{4}"):
        read(path)


BOMB = """
import resource, sys
from manifold_robustness.errors import StoreError
from manifold_robustness.files.stores import read_store
from manifold_robustness.lineage import Origin
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    lineage = {"small": {"train_network": {"code": "ab"}}}
    read_store(sys.argv[1], ["x"], Origin("small", lineage=lineage))
except StoreError as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
def test_a_bomb_is_refused_before_it_takes_memory(tmp_path):
    """A chunk of 256 MiB of zeros, which are 1 MiB; its header claims that and, changed, 2 GiB."""
    chunk = Blosc(cname="zstd", clevel=9).encode(np.zeros(2**28, np.uint8))
    assert len(chunk) < 2**20

    def explode(name, content):
        return chunk if name == "x/c/1/0/0" else content

    good = write(tmp_path / "good.zarr.zip")
    true = rebuilt(good, tmp_path / "true.zarr.zip", explode)
    false = rebuilt(good, tmp_path / "false.zarr.zip", claiming(2**31 - 16))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    for path, claimed in ((true, 2**28), (false, 2**31 - 16)):
        said, grown = subprocess.run(
            [sys.executable, "-c", BOMB, path],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.splitlines()
        assert f"claims {claimed} bytes" in said and how_to_rebuild(path) in said
        assert int(grown) < 2**15  # KiB


def test_the_checks_take_next_to_no_time(tmp_path):
    """Of a hundred chunks, against reading them; the best of several, as others run too."""
    shape = (10, 10, 30, 833)
    values = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    spec = ArraySpec(shape, "float32", tuple("abcd"), (1, 1, *shape[2:]))
    path = tmp_path / "large.zarr.zip"
    with create_store(path, {"x": spec}, ORIGIN, {}) as arrays:
        for place in np.ndindex(10, 10):
            arrays["x"][place] = values[place]

    def best(action):
        times = []
        for _ in range(10):
            start = time.perf_counter()
            action()
            times.append(time.perf_counter() - start)
        return min(times)

    opened = best(lambda: PlainZip(path).close())
    assert opened < 0.1 * best(lambda: read(path))
