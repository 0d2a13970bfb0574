"""Writes test/parity/fixtures/pictures.safetensors: what torchvision does to pictures with fixed parameters.

Run:    /usr/bin/python3 test/parity/make_picture_fixtures.py
Needs:  PyTorch 1.13 and torchvision 0.14 (Debian: apt-get install python3-torchvision).

Tensors, float64, levels 0..255 (divided by 255 on the way in and multiplied on the way out). Two things are Pillow's
rather than torchvision's, because the official pipelines transform Pillow pictures: gray is .299 R + .587 G + .114 B (torchvision's
tensors take .2989), and a blur repeats the edge (torchvision reflects it).
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from make_fixtures import write_safetensors
from torchvision.transforms import functional_tensor

BATCH, SIDE = 6, 12


def gray(img, num_output_channels=1):
    r, g, b = img.unbind(dim=-3)
    return (0.299 * r + 0.587 * g + 0.114 * b).unsqueeze(-3)


functional_tensor.rgb_to_grayscale = gray
CHANGES = [
    functional_tensor.adjust_brightness,
    functional_tensor.adjust_contrast,
    functional_tensor.adjust_saturation,
    functional_tensor.adjust_hue,
]


def jitter(image, drawn):
    for index in drawn[4:].long().tolist():
        image = CHANGES[index](image, float(drawn[index]))
    return image


def blur(image, sigma, reach):
    if sigma == 0:
        return image
    t = torch.arange(-reach, reach + 1, dtype=torch.float64)
    w = torch.exp(-(t**2) / (2 * sigma**2))
    w = w / w.sum()
    x = F.pad(image[None], (reach, reach, reach, reach), mode="replicate")
    x = F.conv2d(x, w.view(1, 1, 1, -1).repeat(3, 1, 1, 1), groups=3)
    return F.conv2d(x, w.view(1, 1, -1, 1).repeat(3, 1, 1, 1), groups=3)[0]


FILL = (124, 116, 104)


def pillow(change):
    """An operation of Pillow on whole levels."""

    def run(image):
        picture = Image.fromarray((image * 255).round().byte().permute(1, 2, 0).numpy())
        return torch.from_numpy(np.asarray(change(picture)).copy()).permute(2, 0, 1).double() / 255

    return run


def moved(transform):
    """A transform of Pillow, channel by channel in floats, so that nothing is rounded."""

    def run(image):
        channels = [
            np.asarray(transform(Image.fromarray((channel * 255).float().numpy()), fill))
            for channel, fill in zip(image, FILL)
        ]
        return (torch.from_numpy(np.stack(channels)).double() / 255).clamp(0, 1)

    return run


def affine(*matrix):
    return moved(
        lambda im, fill: im.transform(im.size, Image.AFFINE, matrix, resample=Image.BICUBIC, fillcolor=fill)
    )


def solarize_add(picture):
    return picture.point([min(255, level + 99) if level < 128 else level for level in range(256)] * 3)


def rand_augment():
    """[(operation, a, b), what timm does with these]"""
    angle = 27.0
    radians = math.radians(angle)
    return [
        ((1, 0, 0), functional_tensor.autocontrast),
        ((2, 0, 0), pillow(ImageOps.equalize)),
        ((3, 0, 0), functional_tensor.invert),
        (
            (4, math.cos(radians), math.sin(radians)),
            moved(lambda im, fill: im.rotate(angle, resample=Image.BICUBIC, fillcolor=fill)),
        ),
        ((5, 128, 0), pillow(lambda im: ImageOps.posterize(im, 1))),
        ((6, 26, 0), pillow(lambda im: ImageOps.solarize(im, 26))),
        ((7, 99, 0), pillow(solarize_add)),
        ((8, 1.81, 0), lambda im: functional_tensor.adjust_saturation(im, 1.81)),
        ((9, 0.19, 0), lambda im: functional_tensor.adjust_contrast(im, 0.19)),
        ((10, 1.81, 0), lambda im: functional_tensor.adjust_brightness(im, 1.81)),
        ((11, 1.81, 0), lambda im: functional_tensor.adjust_sharpness(im, 1.81)),
        ((12, 0.27, 0), affine(1, 0.27, 0, 0, 1, 0)),
        ((13, -0.27, 0), affine(1, 0, 0, -0.27, 1, 0)),
        ((14, 0.405, 0), affine(1, 0, 0.405 * SIDE, 0, 1, 0)),
        ((15, -0.405, 0), affine(1, 0, 0, 0, 1, -0.405 * SIDE)),
    ]


def main():
    generator = torch.Generator().manual_seed(11)
    levels = torch.randint(0, 256, (BATCH, SIDE, SIDE, 3), generator=generator).double()
    levels[1] = levels[1].mean(-1, keepdim=True).round().expand(-1, -1, 3)  # a picture that has no hue
    levels[2] = torch.randint(0, 2, levels[2].shape, generator=generator).double() * 255  # pure colours
    orders = torch.tensor([[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1], [0, 2, 1, 3], [1, 0, 2, 3]])
    factors = torch.tensor(
        [
            [1.4, 0.6, 1.4, 0.1],
            [0.6, 1.4, 0.6, -0.1],
            [1.2, 0.8, 0.7, 0.5],
            [0.9, 1.3, 1.2, -0.37],
            [1.0, 1.0, 1.0, 0.0],
            [0.0, 0.3, 2.0, 0.05],
        ]
    )
    drawn = torch.cat([factors, orders.float()], 1)
    images = levels.permute(0, 3, 1, 2) / 255
    back = lambda many: torch.stack(many).permute(0, 2, 3, 1) * 255
    sigmas = torch.tensor([0.1, 0.5, 1.0, 2.0, 0.0, 1.7])
    changes = rand_augment()
    write_safetensors(
        "pictures",
        {
            "levels": levels,
            "jitter.drawn": drawn,
            "jitter": back([jitter(x, d) for x, d in zip(images, drawn)]),
            "gray": back([gray(x).expand(3, -1, -1) for x in images]),
            "solarize": back([functional_tensor.solarize(x, 128 / 255) for x in images]),
            "randAugment.drawn": torch.tensor([drawn for drawn, _ in changes], dtype=torch.float64),
            "randAugment": torch.stack([back([change(x) for x in images]) for _, change in changes]),
            "blur.sigma": sigmas,
            "blur": back([blur(x, float(s), 6) for x, s in zip(images, sigmas)]),
        },
        {},
    )


main()
