"""Every family on CUDA: unchanged, the same in each run, and as on the CPU but for rounding."""

import copy

import pytest
import torch

from attacked import CPU, accuracy, attack, trained_network, unseen_images
from manifold_robustness.network.devices import place, prepare_device

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")

FAMILIES = {
    "fgsm": (0.1, {}),
    "fgsm, fast adversarial training's": (0.1, {"random_start": True, "relative_step": 1.25}),
    "bim": (0.1, {}),
    "pgd": (0.1, {}),
    "pgd, l2": (0.5, {"norm": "l2", "restarts": 2}),
    "pgd, dlr": (0.1, {"loss": "dlr"}),
    "apgd": (0.1, {"steps": 30}),
    "apgd, l2": (0.5, {"norm": "l2", "steps": 30}),
    "deepfool": (0.5, {}),
    "jsma": (0.2, {}),
    "sign_noise": (0.1, {}),
    "uniform": (0.1, {}),
    "gaussian": (0.1, {}),
}
NOISES = ("sign_noise", "uniform", "gaussian")
OF_ROUNDING = 0.02  # share of images that another rounding may lead elsewhere


@pytest.fixture(scope="module")
def networks():
    """The same network on the CPU and on CUDA, there laid out as every job lays it out."""
    cuda = prepare_device(1)
    assert cuda.type == "cuda"
    return {CPU: trained_network(), cuda: place(copy.deepcopy(trained_network()), cuda)}


def attacked(name, networks, device, n_images=300, **more):
    strength, options = FAMILIES[name]
    images, labels = unseen_images(n_images)
    family = name.partition(",")[0]
    return attack(
        family, strength, images, labels, networks[device], device=device, **options | more
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_on_cuda_is_that_on_the_cpu_but_for_rounding(name, networks):
    """It fools as many images, and its perturbations are the same in nearly all of them.

    A sign or a choice that falls with the rounding turns single values of an image over, and an
    iterated attack goes on from there. So images are compared by what most of their values are.
    """
    images, labels = unseen_images()
    ours, theirs = (attacked(name, networks, device) for device in reversed(networks))
    assert ours.device == CPU and ours.dtype == torch.float32
    if name in NOISES:
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-6)
    differ = (ours - theirs).abs().flatten(1) > 1e-3
    assert (differ.double().mean(1) > 0.1).double().mean() < 0.1
    left = [accuracy(trained_network(), one, labels) for one in (images, theirs, ours)]
    assert abs(left[2] - left[1]) <= OF_ROUNDING
    assert name in NOISES or left[2] < left[0] - 0.1


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_on_cuda_gives_the_same_images_in_any_company(name, networks):
    """To the last bit, at one size of a batch: twice, and in the reverse order."""
    *_, cuda = networks
    images, labels = unseen_images(120)
    strength, options = FAMILIES[name]
    family, given = name.partition(",")[0], {"device": cuda, **options}
    found = attack(family, strength, images, labels, networks[cuda], **given)
    again = attack(family, strength, images, labels, networks[cuda], **given)
    turned = attack(
        family,
        strength,
        images.flip(0),
        labels.flip(0),
        networks[cuda],
        indices=range(119, -1, -1),
        **given,
    )
    assert torch.equal(again, found) and torch.equal(turned.flip(0), found)


def test_paths_of_jsma_are_nested_on_cuda(networks):
    *_, cuda = networks
    images, _ = unseen_images(100)
    less, more = (
        attack("jsma", share, *unseen_images(100), networks[cuda], device=cuda)
        for share in (0.1, 0.3)
    )
    assert (more[less != images] == less[less != images]).all()
    assert (less != images).flatten(1).any(1).sum() > 50
