"""What several tests share: the configurations, the very small network, and its data."""

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
NETWORK = f"{ROOT}/tests/configs/tiny_network.py:build"
DIGITS = {"name": "digits", "image_size": 8, "test_crop_padding": 0}


def read_yaml(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def read_schema():
    return read_yaml("rules/schemas/config.schema.yaml")


def read_config(*overlays):
    """Return config.yaml with overlays, merged as the workflow merges them."""
    config = read_yaml("config.yaml")
    for overlay in overlays:
        config = merge(config, read_yaml(overlay))
    return config


def merge(base, overlay):
    """Return `base` with what `overlay` says; mappings merge, everything else is replaced."""
    merged = dict(base)
    for key, value in overlay.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        merged[key] = merge(base[key], value) if both else value
    return merged


def changed(config, path, value):
    """Return a copy of `config` with `value` at a dotted path."""
    key, _, rest = path.partition(".")
    return {**config, key: changed(config[key], rest, value) if rest else value}


def flip_bit(content, place, bit=0):
    """Return bytes with one bit turned over."""
    damaged = bytearray(content)
    damaged[place] ^= 1 << bit
    return bytes(damaged)
