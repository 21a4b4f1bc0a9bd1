"""Data sets: the embedded digits, CIFAR-10 in its own format, and a folder of images."""

import hashlib
import pickle
import struct
import tarfile
import tracemalloc
import urllib.error
import zlib

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image
from sklearn.datasets import load_digits

from helpers import DIGITS, NETWORK, read_config
from manifold_robustness.configuration import merge
from manifold_robustness.declarations import plugin_names, read_declaration
from manifold_robustness.errors import DataError
from manifold_robustness.experiment import read_experiment
from manifold_robustness.network.data_sets import (
    SPLITS,
    class_names,
    gather_images,
    labels_of,
    load_split,
)
from manifold_robustness.network.data_sets.image_folder import FolderImages
from manifold_robustness.network.torchvision_import import torchvision

v2 = torchvision.transforms.v2
RNG = np.random.default_rng(0)
CIFAR10_CLASSES = class_names({"name": "cifar10"})


def images_of(data):
    return gather_images(data, np.arange(len(data)))


# The digits


def test_digits_are_split_once_and_for_all():
    parts = {split: load_split(DIGITS, split) for split in SPLITS}
    assert {split: len(data) for split, data in parts.items()} == {
        "train": 647,
        "validation": 150,
        "test": 1000,
    }
    assert (np.bincount(labels_of(parts["test"])) == 100).all()
    assert (np.bincount(labels_of(parts["validation"])) == 15).all()
    assert class_names(DIGITS) == list("0123456789")
    # Every image of scikit-learn's stands in exactly one part, with its label.
    ours = sorted(
        (image[0].tobytes(), label)
        for data in parts.values()
        for image, label in zip(images_of(data), labels_of(data), strict=True)
    )
    bunch = load_digits()
    pixels = (bunch.images / 16).astype(np.float32)
    assert ours == sorted(
        (image.tobytes(), label) for image, label in zip(pixels, bunch.target, strict=True)
    )


def test_the_split_of_the_digits_is_part_of_the_experiment():
    found = hashlib.sha256(labels_of(load_split(DIGITS, "test")).astype("<i8").tobytes())
    assert found.hexdigest()[:12] == "8bb9fd0ae494"


@pytest.mark.parametrize("size", [4, 8, 16, 20])
def test_digits_have_three_equal_channels_of_any_size(size):
    image, label = load_split({**DIGITS, "image_size": size}, "validation")[3]
    assert image.shape == (3, size, size) and image.dtype == torch.float32
    assert image.min() >= 0 and 0.5 < image.max() <= 1
    assert torch.equal(image[0], image[1]) and torch.equal(image[0], image[2])
    assert isinstance(label, int)


# Random crops of test images


def test_a_test_image_is_cropped_out_of_a_frame_of_zeros_once_and_for_all():
    plain, cropped = (
        load_split({**DIGITS, "test_crop_padding": padding}, "test") for padding in (0, 2)
    )
    places = set()
    for index in range(60):
        image, label = plain[index]
        framed = torch.zeros(3, 12, 12)
        framed[:, 2:10, 2:10] = image
        found = [
            (top, left)
            for top in range(5)
            for left in range(5)
            if torch.equal(cropped[index][0], framed[:, top : top + 8, left : left + 8])
        ]
        assert found and cropped[index][1] == label
        assert torch.equal(cropped[index][0], cropped[index][0])  # at every pass
        places.update(found)
    assert {0, 4} <= {top for top, _ in places} and {0, 4} <= {left for _, left in places}
    assert len(cropped) == len(plain) and (labels_of(cropped) == labels_of(plain)).all()


def test_only_test_images_are_cropped():
    for split in ("train", "validation"):
        plain, other = (load_split({**DIGITS, "test_crop_padding": p}, split) for p in (0, 2))
        assert torch.equal(plain[5][0], other[5][0])


# CIFAR-10


class Python2Pickler(pickle._Pickler):
    """Writes bytes as strings of Python 2, in which CIFAR-10's batches were pickled."""

    def save_string(self, value):
        self.write(pickle.BINSTRING + struct.pack("<i", len(value)) + value)
        self.memoize(value)

    dispatch = {**pickle._Pickler.dispatch, bytes: save_string}  # noqa: RUF012


@pytest.fixture
def cifar10(tmp_path, monkeypatch):
    """A small data set in CIFAR-10's own format on disk; return its settings and its content."""
    data_set = torchvision.datasets.CIFAR10
    folder = tmp_path / data_set.base_folder
    folder.mkdir()
    content = {}

    def write(name, batch):
        with open(folder / name, "wb") as file:
            Python2Pickler(file, protocol=2).dump(batch)
        return hashlib.md5((folder / name).read_bytes()).hexdigest()

    def write_batch(name, n_images):
        pixels = RNG.integers(0, 256, (n_images, 3072), dtype=np.uint8)
        labels = RNG.integers(0, 10, n_images).tolist()
        content[name] = pixels.reshape(-1, 3, 32, 32), labels
        return name, write(name, {b"data": pixels, b"labels": labels})

    names = [f"data_batch_{k}" for k in range(1, 6)]
    monkeypatch.setattr(data_set, "train_list", [write_batch(name, 20) for name in names])
    monkeypatch.setattr(data_set, "test_list", [write_batch("test_batch", 30)])
    meta = {"filename": "batches.meta", "key": "label_names"}
    meta["md5"] = write(
        "batches.meta", {b"label_names": [name.encode() for name in CIFAR10_CLASSES]}
    )
    monkeypatch.setattr(data_set, "meta", meta)
    tries = []

    def no_network(*arguments, **_):
        tries.append(arguments)
        raise urllib.error.URLError("no network here")

    monkeypatch.setattr("urllib.request.urlopen", no_network)
    settings = {
        "name": "cifar10",
        "test_crop_padding": 0,
        "root": str(tmp_path),
        "image_size": 32,
        "split_seed": 42,
        "validation_share": 0.1,
    }
    return settings, content, folder, tries


def test_cifar10_pixels_and_labels(cifar10):
    settings, content, _, tries = cifar10
    pixels, labels = content["test_batch"]
    data = load_split(settings, "test")
    assert np.array_equal(images_of(data), pixels.astype(np.float32) / 255)
    assert labels_of(data).tolist() == labels
    assert class_names(settings) == list(torchvision.datasets.CIFAR10(settings["root"]).classes)
    assert not tries


def test_cifar10_training_images_are_cut_in_two_by_the_split_seed(cifar10):
    settings, content, _, _ = cifar10
    pixels = np.concatenate([content[f"data_batch_{k}"][0] for k in range(1, 6)])
    labels = np.concatenate([content[f"data_batch_{k}"][1] for k in range(1, 6)])
    parts = [load_split(settings, split) for split in ("train", "validation")]
    assert [len(part) for part in parts] == [90, 10]
    seeded = torch.Generator().manual_seed(42)
    for part, chosen in zip(
        parts, torch.utils.data.random_split(range(100), [90, 10], seeded), strict=True
    ):
        assert np.array_equal(images_of(part), pixels[list(chosen)].astype(np.float32) / 255)
        assert labels_of(part).tolist() == labels[list(chosen)].tolist()
    other = load_split({**settings, "split_seed": 43}, "validation")
    assert not np.array_equal(images_of(other), images_of(parts[1]))


def test_cifar10_at_another_size(cifar10):
    settings, content, _, _ = cifar10
    small = images_of(load_split({**settings, "image_size": 16}, "test"))
    assert small.shape == (30, 3, 16, 16) and small.min() >= 0 and small.max() <= 1
    means = content["test_batch"][0].mean((2, 3)) / 255
    assert np.allclose(small.mean((2, 3)), means, atol=0.03)


@pytest.mark.parametrize("damage", ["missing", "changed"])
@pytest.mark.parametrize("name", ["test_batch", "data_batch_3", "batches.meta"])
def test_cifar10_files_that_are_missing_or_damaged(cifar10, name, damage):
    settings, _, folder, tries = cifar10
    if damage == "missing":
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(b"x" + (folder / name).read_bytes())
    with pytest.raises(DataError) as caught:
        load_split(settings, "test")
    message = str(caught.value)
    assert f"Got none or damaged ones of {name}, and they could not be downloaded" in message
    assert str(folder) in message and "no network here" in message
    assert "cifar-10-python.tar.gz" in message and "https://" in message and "put it" in message
    assert tries and "\n" not in message


def test_cifar10_without_any_file(cifar10, tmp_path):
    settings, _, _, _ = cifar10
    with pytest.raises(DataError) as caught:
        load_split({**settings, "root": str(tmp_path / "nowhere")}, "train")
    for name in ["data_batch_1", "data_batch_5", "test_batch", "batches.meta", "nowhere"]:
        assert name in str(caught.value)


def test_an_archive_that_the_user_puts_there_is_unpacked(cifar10, tmp_path, monkeypatch):
    settings, content, folder, tries = cifar10
    data_set = torchvision.datasets.CIFAR10
    archive = tmp_path / data_set.filename
    with tarfile.open(archive, "w:gz") as file:
        file.add(folder, data_set.base_folder)
    monkeypatch.setattr(data_set, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    (folder / "batches.meta").unlink()
    assert labels_of(load_split(settings, "test")).tolist() == content["test_batch"][1]
    assert (folder / "batches.meta").is_file() and not tries


# A folder of images


@pytest.fixture
def folder(tmp_path):
    """Settings of a folder of 10 and 20 images of odd sizes; class k is of one brightness."""
    for label, (name, count) in enumerate([("ant", 10), ("bee", 20)]):
        (tmp_path / name).mkdir()
        for k in range(count):
            grey = 50 + 100 * label + k
            mode, colour = [("L", grey), ("RGB", (grey,) * 3), ("RGBA", (grey, grey, grey, 255))][
                k % 3
            ]
            size = [(9, 12), (12, 9), (40, 7), (6, 6)][k % 4]
            Image.new(mode, size, colour).save(tmp_path / name / f"{k:02}.png")
    return {
        "name": "image_folder",
        "test_crop_padding": 0,
        "root": str(tmp_path),
        "image_size": 8,
        "split_seed": 1,
        "validation_share": 0.25,
        "test_share": 0.2,
    }


def test_a_folder_is_split_per_class(folder):
    parts = [load_split(folder, split) for split in SPLITS]
    assert class_names(folder) == ["ant", "bee"]
    assert [np.bincount(labels_of(part)).tolist() for part in parts] == [[6, 12], [2, 4], [2, 4]]
    levels = [np.round(images_of(part).mean((1, 2, 3)) * 255).astype(int) for part in parts]
    every = np.concatenate(levels).tolist()
    assert sorted(every) == [*range(50, 60), *range(150, 170)]  # each image once, none changed
    for part, level in zip(parts, levels, strict=True):
        assert np.array_equal(labels_of(part), level // 100)
    other = load_split({**folder, "split_seed": 2}, "test")
    assert not np.array_equal(images_of(other), images_of(parts[2]))
    assert np.array_equal(images_of(load_split(folder, "test")), images_of(parts[2]))


def test_images_of_any_size_become_square(folder):
    for split in SPLITS:
        images = images_of(load_split({**folder, "image_size": 10}, split))
        assert images.shape[1:] == (3, 10, 10) and images.dtype == np.float32
        assert images.min() >= 0 and images.max() <= 1


@pytest.mark.parametrize("split", ["train", "test"])
def test_an_empty_split_is_refused(folder, split):
    share = {"train": 1.0, "test": 0.01}[split]
    with pytest.raises(DataError, match=f"images in the {split} split .*Got none; give it more"):
        load_split({**folder, "test_share": share}, split)


def test_a_folder_that_is_none_is_refused(folder, tmp_path):
    with pytest.raises(
        DataError, match=r"data\.root: need a folder.* Got .*nowhere, which is none"
    ):
        class_names({**folder, "root": str(tmp_path / "nowhere")})
    with pytest.raises(DataError, match=r"data\.root: need a folder with one folder of images"):
        load_split({**folder, "root": str(tmp_path / "ant")}, "test")


def test_an_image_that_is_damaged_is_named(folder, tmp_path):
    path = tmp_path / "ant" / "00.png"
    path.write_bytes(path.read_bytes()[:40])
    (tmp_path / "bee" / "00.png").write_text("no image")
    data = [load_split(folder, split) for split in SPLITS]
    for name in ("ant", "bee"):
        with pytest.raises(DataError, match=rf"Got .*{name}/00\.png .*; mend or remove it"):
            for part in data:
                images_of(
                    torch.utils.data.Subset(
                        part, np.flatnonzero(labels_of(part) == (name == "bee"))
                    )
                )


# What files hold


def picture(folder, name="a.png"):
    """The one image of a folder of a single class, as the network sees it."""
    data = FolderImages(
        ["a"],
        [(str(folder / name), 0)],
        lambda image: v2.functional.to_dtype(
            v2.functional.to_image(image), torch.float32, scale=True
        ),
    )
    return data[0][0].numpy()


GREY16 = np.array([[0, 1, 255], [256, 32832, 65535]], np.uint16)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_grey_of_16_bits_keeps_all_of_them(name, tmp_path):
    Image.fromarray(GREY16).save(tmp_path / name)
    found = picture(tmp_path, name)
    assert found.shape == (3, 2, 3) and found.dtype == np.float32
    assert np.array_equal(found, np.broadcast_to(GREY16.astype(np.float32) / 65535, (3, 2, 3)))


def test_grey_of_16_bits_of_either_byte_order_and_scale(tmp_path):
    Image.fromarray(GREY16.astype(">u2")).save(tmp_path / "a.tif")
    assert np.array_equal(picture(tmp_path, "a.tif")[0], GREY16.astype(np.float32) / 65535)
    Image.fromarray(GREY16).save(tmp_path / "b.tif", tiffinfo={262: 0})  # white is zero
    assert np.allclose(picture(tmp_path, "b.tif")[0], 1 - GREY16 / 65535)
    (tmp_path / "c.pgm").write_bytes(b"P5 2 1 1023\n" + bytes([1, 255, 3, 255]))
    assert np.allclose(picture(tmp_path, "c.pgm")[0], [[511 / 1023, 1]], atol=1e-5)


def test_a_colour_that_is_transparent_in_16_bits_is_white(tmp_path):
    Image.fromarray(GREY16).save(tmp_path / "a.png", transparency=256)
    assert picture(tmp_path)[0, 1, 0] == 1 and picture(tmp_path)[0, 0, 2] == np.float32(255 / 65535)


def test_floats_are_taken_as_they_are(tmp_path):
    values = np.array([[0, 0.25], [0.501, 1]], np.float32)
    Image.fromarray(values).save(tmp_path / "a.tiff")
    assert np.array_equal(picture(tmp_path, "a.tiff"), np.broadcast_to(values, (3, 2, 2)))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.float32([[0, 255]]), "floats from 0 to 255"),
        (np.float32([[-0.5, 1]]), "floats from -0.5 to 1"),
        (np.float32([[np.nan, 1]]), "floats from nan to nan"),
        (np.float32([[0, np.inf]]), "floats from 0 to inf"),
        (np.int32([[-7, 70000]]), "other whole numbers from -7 to 70000"),
    ],
)
def test_values_that_do_not_say_what_white_is_are_refused(values, said, tmp_path):
    Image.fromarray(values).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=rf"data\.root: need .* Got .*a\.tif with {said}; scale"):
        picture(tmp_path, "a.tif")


RGB = RNG.integers(0, 256, (4, 5, 3), dtype=np.uint8)
EIGHT = v2.functional.to_dtype(v2.functional.to_image(RGB), torch.float32, scale=True).numpy()


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.ppm", "a.tif", "a.webp", "a.gif"])
def test_colours_of_8_bits_are_what_they_are_in_every_format(name, tmp_path):
    image = Image.fromarray(RGB)
    if name == "a.gif":  # 20 pixels of 20 colours
        image = image.quantize(256, dither=Image.Dither.NONE)
    image.save(tmp_path / name, **({"lossless": True} if name == "a.webp" else {}))
    assert np.array_equal(picture(tmp_path, name), EIGHT)


@pytest.mark.parametrize(
    ("mode", "colour", "seen"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 77, (77, 77, 77)),
        ("CMYK", (255, 0, 0, 0), (0, 255, 255)),
        ("RGBA", (200, 100, 0, 255), (200, 100, 0)),
        ("RGBA", (200, 100, 0, 0), (255, 255, 255)),
        ("RGBA", (0, 0, 0, 128), (127, 127, 127)),
        ("LA", (0, 0), (255, 255, 255)),
        ("LA", (50, 255), (50, 50, 50)),
        ("PA", (0, 0), (255, 255, 255)),
    ],
)
def test_every_mode_is_seen_on_white(mode, colour, seen, tmp_path):
    Image.new(mode, (2, 2), colour).save(tmp_path / "a.tif")
    assert np.allclose(picture(tmp_path, "a.tif") * 255, np.reshape(seen, (3, 1, 1)))


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_a_colour_that_is_transparent_is_white(mode, tmp_path):
    image = Image.new("RGB", (2, 1), (9, 9, 9))
    image.putpixel((1, 0), (70, 70, 70))
    image = image.quantize(2) if mode == "P" else image.convert(mode)
    key = image.getpixel((0, 0))
    image.save(tmp_path / "a.png", transparency=key)
    assert np.allclose(picture(tmp_path)[:, 0] * 255, [[255, 70]] * 3)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_an_orientation_is_applied(name, tmp_path):
    image = Image.new("RGB", (16, 8), "white")
    image.paste((0, 0, 0), (0, 0, 8, 8))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # the top is at the right
    image.save(tmp_path / name, exif=exif)
    found = picture(tmp_path, name)
    assert found.shape == (3, 16, 8)
    assert found[:, :6].max() < 0.1 and found[:, 10:].min() > 0.9


def test_deep_grey_is_turned_too(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    Image.fromarray(GREY16).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(picture(tmp_path)[0], GREY16[::-1, ::-1].astype(np.float32) / 65535)


def test_orientation_data_that_cannot_be_read_say_nothing(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.webp", lossless=True, exif=b"Exif\0\0MM\0?\0\0\0\x08")
    assert np.array_equal(picture(tmp_path, "a.webp"), EIGHT)


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tif"])
def test_of_several_pictures_the_first_one_counts(name, tmp_path):
    first, second = (Image.new("RGB", (2, 2), colour) for colour in ("white", "black"))
    first.save(tmp_path / name, save_all=True, append_images=[second])
    assert picture(tmp_path, name).min() == 1


def write_png(path, width, height, bits=8, rows=b""):
    """Write a PNG file of red, green and blue; without rows it doesn't hold what its head says."""
    head = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
            for kind, content in chunks
        )
    )


def test_colours_of_16_bits_are_right_to_the_8_bits_that_are_kept(tmp_path):
    values = RNG.integers(0, 65536, (3, 4, 3), dtype=np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    write_png(tmp_path / "a.png", 4, 3, 16, rows)
    assert np.abs(picture(tmp_path) - np.moveaxis(values, -1, 0) / 65535).max() <= 1 / 255


def test_an_image_that_would_fill_the_memory_is_refused_by_its_header(tmp_path):
    write_png(tmp_path / "a.png", 20_000, 20_000)
    tracemalloc.start()
    with pytest.raises(DataError, match=r"at most 179 megapixels\. Got .*a\.png .*shrink"):
        picture(tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 2e6
    tracemalloc.stop()


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"just text", b"P6 0 0 255 "])
def test_what_is_no_image_is_named(content, tmp_path):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(DataError, match=r"images that can be read\. Got .*a\.png \(.*\); mend or"):
        picture(tmp_path)


def test_no_other_program_is_started_to_read_an_image(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.eps")
    (tmp_path / "a.eps").rename(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"Got .*a\.png \(cannot identify image"):
        picture(tmp_path)


def test_an_image_without_pixels_is_named(tmp_path):
    write_png(tmp_path / "a.png", 0, 7)
    with pytest.raises(DataError, match=r"Got .*a\.png \("):
        picture(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.tif", "a.bmp", "a.webp", "a.pgm"])
def test_a_damaged_image_is_read_or_named_never_more(name, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    image = Image.fromarray(RGB.repeat(4, 0))
    image = Image.fromarray(GREY16) if name == "a.pgm" else image
    image.save(tmp_path / name, **({} if name in ("a.gif", "a.bmp", "a.pgm") else {"exif": exif}))
    whole = (tmp_path / name).read_bytes()
    rng, refused = np.random.default_rng(1), 0
    for _ in range(400):
        content = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        for place in rng.integers(0, min(len(content), 300), 3):
            content[place] = rng.integers(256)
        (tmp_path / name).write_bytes(content)
        try:
            found = picture(tmp_path, name)
            assert found.shape[0] == 3 and found.min() >= 0 and found.max() <= 1
        except DataError as error:
            assert name in str(error) and "\n" not in str(error)
            refused += 1
    assert refused > 40


# Which files and folders count


def test_hidden_folders_and_files_and_other_endings_are_skipped(folder, tmp_path):
    before = images_of(load_split(folder, "train"))
    for name in (".git", ".ipynb_checkpoints", "ant/.ipynb_checkpoints"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (8, 8)).save(tmp_path / name / "a.png")
    for name in ("ant/._00.png", "ant/notes.txt", "bee/00.npy", "loose.png"):
        (tmp_path / name).write_text("no image")
    assert class_names(folder) == ["ant", "bee"]
    assert np.array_equal(images_of(load_split(folder, "train")), before)


def test_links_out_of_the_folder_are_followed(folder, tmp_path):
    elsewhere = tmp_path.with_name(f"{tmp_path.name} elsewhere")
    (tmp_path / "bee").rename(elsewhere)
    (tmp_path / "bee").symlink_to(elsewhere)
    assert np.bincount(labels_of(load_split(folder, "train"))).tolist() == [6, 12]


def test_a_class_without_images_is_named(folder, tmp_path):
    (tmp_path / "cat\nfish").mkdir()
    (tmp_path / "cat\nfish" / "readme.txt").touch()
    with pytest.raises(
        DataError, match=r"images in the folder of every class \(.*png.*Got none in cat\\nfish of"
    ) as caught:
        class_names(folder)
    assert "\n" not in str(caught.value)


def test_a_folder_with_hidden_folders_only_is_refused(folder, tmp_path):
    (tmp_path / "only" / ".git").mkdir(parents=True)
    with pytest.raises(DataError, match="need a folder with one folder of images per class"):
        class_names({**folder, "root": str(tmp_path / "only")})


def test_the_workflow_counts_the_classes_that_are_loaded(folder, tmp_path):
    """What the configuration is checked against is what the jobs will find."""
    (tmp_path / ".git").mkdir()
    config = merge(read_config("tests/configs/tiny.yaml"), {"data": folder})
    config["images"] = {**config["images"], "n_manifolds": 2}
    config["geometry"] = {**config["geometry"], "joint": False}
    config["networks"] = [{"name": "a", "architecture": NETWORK, "weights": "none"}]
    assert read_experiment(config).data["content"]["n_classes"] == len(class_names(folder))


# Any of them


def test_gather_images_keeps_the_shape_of_the_indices():
    data = load_split(DIGITS, "test")
    indices = np.array([[3, 999], [0, 3]])
    images = gather_images(data, indices)
    assert images.shape == (2, 2, 3, 8, 8) and images.dtype == np.float32
    assert np.array_equal(images[0, 1], data[999][0].numpy())
    assert np.array_equal(images[0, 0], images[1, 1])


# What a data set declares


def test_each_data_set_declares_what_the_workflow_asks_for():
    assert {"cifar10", "digits", "image_folder"} <= set(plugin_names("network/data_sets"))
    for name in plugin_names("network/data_sets"):
        declared = read_declaration("network/data_sets", name, "data set")
        options = declared["options"]["properties"].values()
        assert declared["title"] and all("default" in option for option in options)
        assert declared.get("watched", "root") in ("root", *declared["settings"])


class Asked(dict):
    """Settings that remember which of them were asked for."""

    def __init__(self, settings):
        super().__init__(settings)
        self.keys_asked = set()

    def __getitem__(self, key):
        self.keys_asked.add(key)
        return super().__getitem__(key)


@pytest.mark.parametrize("name", ["digits", "cifar10", "image_folder"])
def test_a_data_set_declares_all_the_settings_that_it_reads(name, request):
    fixtures = {"cifar10": "cifar10", "image_folder": "folder"}
    settings = request.getfixturevalue(fixtures[name]) if name in fixtures else DIGITS
    settings = Asked(settings[0] if name == "cifar10" else settings)
    class_names(settings)
    for split in SPLITS:
        load_split(settings, split)
    declared = read_declaration("network/data_sets", name, "data set")["settings"]
    assert settings.keys_asked == {*declared, "name", "image_size", "test_crop_padding"}


def test_the_declared_numbers_are_those_of_the_digits():
    declared = read_declaration("network/data_sets", "digits", "data set")
    labels = labels_of(load_split(DIGITS, "test"))
    assert np.bincount(labels).tolist() == [declared["n_test"]] * declared["n_classes"]
    assert len(class_names(DIGITS)) == declared["n_classes"]
