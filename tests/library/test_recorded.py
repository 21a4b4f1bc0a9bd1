"""One's own recordings from the shell: what is read, what is told, what is refused."""

import subprocess
import sys
from pathlib import Path

import h5netcdf
import h5py
import numpy as np
import pytest
import zarr

from helpers import ROOT, read_yaml
from manifold_robustness import recorded
from manifold_robustness.__main__ import main
from manifold_robustness.errors import DataError
from manifold_robustness.files.recordings import read_recording
from manifold_robustness.geometry import analyze_jointly, analyze_manifolds
from manifold_robustness.intervals import student_interval
from manifold_robustness.seeds import entropy

POINTS = np.random.default_rng(0).normal(size=(4, 9, 30)) + 2 * np.eye(4, 30)[:, None]
NAMES = ["unit2", "unit10", "a", "b"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_npy(path):
    np.save(path / "points.npy", POINTS)
    return "points.npy"


def write_npz(path):
    np.savez(path / "points.npz", **dict(zip(NAMES, POINTS, strict=True)))
    return "points.npz"


def write_zarr(path):
    zarr.save_array(path / "points.zarr", POINTS)
    return "points.zarr"


def write_group(path):
    group = zarr.open_group(path / "group.zarr", mode="w")
    for name, cloud in zip(NAMES, POINTS, strict=True):
        group.create_array(name, data=cloud)
    return "group.zarr"


def write_hdf5(path):
    with h5py.File(path / "points.h5", "w") as file:
        file["recording/spikes"] = POINTS
        file["recording/times"] = np.arange(5)
    return "points.h5"


def write_folder(path):
    (path / "clouds").mkdir()
    for name, cloud in zip(NAMES, POINTS, strict=True):
        np.save(path / "clouds" / f"{name}.npy", cloud)
    return "clouds"


WRITERS = [write_npy, write_npz, write_zarr, write_group, write_hdf5, write_folder]


@pytest.mark.parametrize("writer", WRITERS)
def test_every_kind_of_file_gives_the_same_clouds(writer, folder):
    recording = read_recording(writer(folder))
    if recording.names == ("0", "1", "2", "3"):
        assert np.array_equal(recording.stacked(), POINTS)
    else:
        assert recording.names == ("a", "b", "unit2", "unit10")  # numbers count as numbers
        assert np.array_equal(recording.stacked(), POINTS[[2, 3, 0, 1]])


def test_the_shell_gives_what_the_library_gives(folder, capsys):
    main([write_npy(folder), "--joint", "--probes", "40", "--seed", "3"])
    alone = analyze_manifolds(POINTS, n_gaussian_vectors=40, seed=entropy(3, "gaussian vectors", 0))
    joint = analyze_jointly(POINTS, n_draws=40, seed=entropy(3, "joint draws", 0))
    with h5netcdf.File("points-geometry.h5") as file:
        assert np.array_equal(file["capacity"][0], alone.capacity)
        assert file["joint_capacity"][0] == pytest.approx(joint.capacity, rel=1e-9)
        assert file["capacity"].attrs["equation"].startswith("Chung")
        assert [one.decode() for one in file["manifold"][...]] == ["0", "1", "2", "3"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "points.npy: 4 manifolds of 9 points each, 30 features"
    told = {line.split()[0]: line.split()[1:] for line in lines if line.strip()}
    assert float(told["capacity"][0]) == pytest.approx(alone.mean_capacity, rel=1e-3)
    assert float(told["capacity"][1]) == pytest.approx(alone.mean_capacity_error, rel=1e-3)
    assert float(told["radius"][1]) == pytest.approx(alone.mean_radius_error, rel=1e-3)
    assert float(told["joint_capacity"][0]) == pytest.approx(joint.capacity, rel=1e-3)
    assert float(told["2"][0]) == pytest.approx(alone.capacity[2], rel=1e-3)


def test_fewer_points_shuffled_classes_and_a_readout(folder, capsys):
    main([write_npz(folder), "--subsets", "6", "4", "--shuffle", "--readout", "--probes", "20"])
    out = capsys.readouterr().out
    assert "shuffled_capacity" in out and "readout_accuracy" in out
    rows = out.partition("With fewer points")[2].splitlines()
    assert [line.split()[0] for line in rows[1:4]] == ["points", "4", "6"]
    assert float(rows[2].split()[1]) > float(rows[3].split()[1])  # few points: a higher capacity


def test_a_draw_makes_numbers_of_points_equal(folder, capsys):
    clouds = {"long": POINTS[0], "short": POINTS[1, :5], "third": POINTS[2]}
    np.savez("points.npz", **clouds)
    with pytest.raises(SystemExit, match=r"Got 5 in short and 9 in long of points.npz; .*--draw 5"):
        main(["points.npz"])
    main(["points.npz", "--draw", "5", "--probes", "20"])
    assert "3 manifolds of 5 points each" in capsys.readouterr().out
    (drawn,) = read_recording("points.npz").drawn(5, 1, 0)
    for name, cloud in zip(drawn.names, drawn.clouds, strict=True):
        rows = {row.tobytes() for row in clouds[name]}
        assert len({row.tobytes() for row in cloud} & rows) == 5


def cut_short():
    np.save("a.npy", POINTS)
    content = Path("a.npy").read_bytes()
    Path("a.npy").write_bytes(content[:-1])


def folder_with_a_text():
    write_folder(Path())
    Path("clouds/b.npy").write_text("1 2 3")


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (None, ["none.npy"], "There is no none.npy"),
        (lambda: open("a.csv", "w").close(), ["a.csv"], "Need points in .npy, .npz"),
        (lambda: open("a.npy", "w").close(), ["a.npy"], "numpy.save has written. a.npy is none"),
        (lambda: open("a.h5", "w").close(), ["a.h5"], "Need points that can be read. a.h5"),
        (lambda: np.save("a.npy", np.zeros((3, 4))), ["a.npy"], r"a of the shape \(3, 4\)"),
        (lambda: np.save("a.npy", np.zeros((3, 4, 5), complex)), ["a.npy"], "real numbers"),
        (lambda: np.save("a.npy", np.array([None])), ["a.npy"], "a.npy holds an array of objects"),
        (cut_short, ["a.npy"], r"a.npy was cut short: its array needs \d+ bytes, and \d+ are"),
        (folder_with_a_text, ["clouds"], "clouds/b.npy is none"),
        (lambda: np.savez("a.npz", x=POINTS, y=POINTS), ["a.npz"], "say which: --array x"),
        (lambda: np.savez("a.npz", x=POINTS), ["a.npz", "--array", "z"], "Need an array z in"),
        (lambda: np.save("a.npy", POINTS[:1]), ["a.npy"], "at least two manifolds"),
        (lambda: np.save("a.npy", POINTS * np.nan), ["a.npy"], "Need finite points"),
        (lambda: np.save("a.npy", POINTS), ["a.npy", "--draw", "10"], "Need 10 points"),
        (lambda: np.save("a.npy", POINTS), ["a.npy", "--draw", "1"], "at least two points"),
        (lambda: np.save("a.npy", POINTS), ["a.npy", "--subsets", "10"], "subsets of at least 2"),
        (lambda: np.save("a.npy", POINTS), ["a.npy", "--subsets", "9"], "fewer than the 9 that"),
        (lambda: np.save("a.npy", POINTS), ["a.npy", "--probes", "0"], "at least one probe"),
        (lambda: np.save("a.npy", POINTS), ["a.npy", "--probes", "1"], "at least 2 probes"),
        (lambda: np.save("a.npy", POINTS), ["a.npy", "--seed", "-1"], "seed of integers >= 0"),
        (lambda: np.save("a.npy", POINTS), ["a.npy", "--margin", "-1"], "finite margin >= 0"),
        (lambda: np.save("a.npy", POINTS), ["a.npy", "--center-rank", "few"], "Need a center rank"),
        (lambda: np.save("a.npy", POINTS[:3]), ["a.npy", "--joint"], "at least 4 manifolds"),
        (lambda: np.save("a.npy", POINTS), ["a.npy", "--joint", "--margin", "1"], "no margin"),
        (lambda: np.save("a.npy", POINTS), ["a.npy", "--draw", "2", "--seed", "-1"], "seed of"),
        (lambda: np.savez("a.npz", x=POINTS[:0]), ["a.npz"], "Need at least two manifolds"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(make, arguments, message, folder):
    if make:
        make()
    with pytest.raises(SystemExit, match=message):
        main(arguments)
    assert not list(folder.glob("*-geometry.h5"))


def test_an_output_that_is_there_is_kept(folder):
    write_npy(folder)
    (folder / "points-geometry.h5").write_text("mine")
    with pytest.raises(SystemExit, match=r"points-geometry.h5 is there already.*--force"):
        main(["points.npy"])
    assert (folder / "points-geometry.h5").read_text() == "mine"
    main(["points.npy", "--force", "--probes", "5"])
    assert h5py.is_hdf5("points-geometry.h5")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("points.h5", "output that is not the input"),
        ("other/../points.h5", "output that is not the input"),
        ("points.zarr/all.h5", "would be written into points.zarr"),
        ("other", "other is a folder"),
        (".", "is a folder"),
        ("/", "is a folder"),
        ("all.txt", "ends with .h5, .hdf5, .nc, since it is HDF5. Got all.txt"),
        ("none/all.h5", "none is no folder that is there"),
        ("points.npy/all.h5", "points.npy is no folder that is there"),
    ],
)
def test_an_output_that_can_t_be_is_refused_before_any_work(output, message, folder, monkeypatch):
    """The input most of all is never written over."""
    write_npy(folder)
    (folder / "other").mkdir()
    given = write_zarr(folder) if output.startswith("points.zarr") else write_hdf5(folder)
    monkeypatch.setattr("manifold_robustness.__main__.analyse", None)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(SystemExit, match=message):
        main([given, "--output", output, "--force"])
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_output_may_stand_beside_the_arrays_of_a_folder(folder, monkeypatch):
    monkeypatch.chdir(write_folder(folder))
    main([".", "--probes", "5"])
    assert Path("clouds-geometry.h5").exists()
    main([".", "--probes", "5", "--force"])


def test_points_that_look_transposed_are_doubted(folder, capsys):
    np.save("points.npy", POINTS.transpose(0, 2, 1))
    main(["points.npy", "--probes", "5"])
    assert "Is it transposed?" in capsys.readouterr().out


def test_the_defaults_are_those_of_the_configuration():
    ours = read_yaml(ROOT / "config.yaml")["geometry"]
    off = {"joint", "readout"}  # that cost more, and each has an option
    assert {k: v for k, v in ours.items() if k not in {"layers", *off}} == {
        key: value for key, value in recorded.DEFAULTS.items() if key not in off
    }
    assert not any(recorded.DEFAULTS[key] for key in off)


def test_the_shell_loads_no_torch():
    code = "import sys, manifold_robustness.__main__; sys.exit('torch' in sys.modules)"
    folder = Path(recorded.__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)


def test_disjoint_draws_have_intervals_over_them(folder, capsys):
    main([write_npy(folder), "--draw", "4", "--replicates", "2", "--probes", "20", "--joint"])
    first, second = read_recording("points.npy").drawn(4, 2, 0)
    for one, other in zip(first.clouds, second.clouds, strict=True):
        assert not {row.tobytes() for row in one} & {row.tobytes() for row in other}
    seeds = [entropy(0, "gaussian vectors", replicate) for replicate in (0, 1)]
    alone = [
        analyze_manifolds(one.stacked(), n_gaussian_vectors=20, seed=seed).mean_capacity
        for one, seed in zip((first, second), seeds, strict=True)
    ]
    mean, low, high = student_interval(1 / np.array(alone))
    told = capsys.readouterr().out
    assert "4 manifolds of 2 disjoint draws of 4 points each" in told
    (line,) = (one for one in told.splitlines() if one.startswith("capacity "))
    high = "inf" if low <= 0 else f"{1 / low:.4g}"
    assert line.split()[1] == f"{1 / mean:.4g}" and line.split()[4] == high
    with h5py.File("points-geometry.h5") as file:
        assert file["capacity"].shape == (2, 4)
    with pytest.raises(SystemExit, match="Need the number of points for --replicates"):
        main(["points.npy", "--replicates", "2"])
    with pytest.raises(SystemExit, match="Need 3 x 4 points of each manifold"):
        main(["points.npy", "--draw", "4", "--replicates", "3", "--force"])


def test_numbers_are_as_precise_as_they_are_kept(folder, capsys):
    """An offset that single precision would drown the points in changes nothing."""
    found = []
    for offset in (0, 2.0**20):
        np.save("points.npy", POINTS + offset)
        main(["points.npy", "--joint", "--probes", "20", "--force"])
        with h5py.File("points-geometry.h5") as file:
            found.append((file["joint_rank"][0], file["joint_capacity"][0]))
    assert found[0][0] == found[1][0]
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-6)


def test_a_file_that_holds_other_things_too(folder, capsys):
    """Arrays of three and of two axes, nested groups, and what is no array of numbers."""
    group = zarr.open_group(folder / "deep.zarr", mode="w")
    group.create_group("day").create_array("spikes", data=POINTS)
    assert read_recording("deep.zarr").stacked().shape == POINTS.shape
    words = np.array(["a", None], dtype=object)
    np.savez("mixed.npz", movie=POINTS, a=POINTS[0], b=POINTS[1], labels=words, time=np.arange(3))
    with pytest.raises(DataError, match=r"arrays \(n_points, n_features\) alone.*--array movie"):
        read_recording("mixed.npz")
    assert read_recording("mixed.npz", ["movie"]).source == "mixed.npz, array movie"
    two = read_recording("mixed.npz", ["a", "b"])
    assert two.names == ("a", "b") and np.array_equal(two.stacked(), POINTS[:2])
    with h5py.File("empty.h5", "w") as file:
        file["nothing"] = h5py.Empty("f")
        file["points"] = POINTS
    assert read_recording("empty.h5").stacked().shape == POINTS.shape
    content = (folder / "mixed.npz").read_bytes()
    (folder / "cut.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match="can be read"):
        read_recording("cut.npz")


def test_features_that_differ_are_named(folder):
    np.savez("points.npz", a=POINTS[0], b=POINTS[1, :, :7])
    with pytest.raises(DataError, match="Got 7 in b and 30 in a"):
        read_recording("points.npz").stacked()
