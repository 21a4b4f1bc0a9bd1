"""What several tests share: the configurations, the very small network, and its data."""

from pathlib import Path

import yaml

from manifold_robustness.configuration import read_config as read_files

ROOT = Path(__file__).resolve().parents[1]
NETWORK = f"{ROOT}/tests/configs/tiny_network.py:build"
DIGITS = {"name": "digits", "image_size": 8, "test_crop_padding": 0}


def read_yaml(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def read_published(name):
    """Return published values as a job gets them: without what says which run they belong to."""
    values = read_yaml(f"rules/published/{name}.yaml")
    return {key: values[key] for key in ("sources", "values")}


def read_schema():
    return read_yaml("rules/schemas/config.schema.yaml")


def read_config(*overlays):
    """Return config.yaml with overlays, merged as the workflow merges them."""
    return read_files([ROOT / name for name in ("config.yaml", *overlays)])


def changed(config, path, value):
    """Return a copy of `config` with `value` at a dotted path."""
    key, _, rest = path.partition(".")
    return {**config, key: changed(config[key], rest, value) if rest else value}


def flip_bit(content, place, bit=0):
    """Return bytes with one bit turned over."""
    damaged = bytearray(content)
    damaged[place] ^= 1 << bit
    return bytes(damaged)
