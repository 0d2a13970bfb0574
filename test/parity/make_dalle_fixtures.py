"""Writes fixtures/dalle/{legacy.pkl,encoder.pkl,state.pth} and fixtures/dalle.safetensors: a tiny DALL-E encoder in PyTorch.

Run:    /usr/bin/python3 test/parity/make_dalle_fixtures.py
Needs:  PyTorch 1.13 on the CPU (Debian: apt-get install python3-torch), nothing else.

The published encoder.pkl is a whole module, an object of class dall_e.encoder.Encoder. This one has the same classes, names
and attributes, with 4 channels and 8 tokens:
  legacy.pkl    the module in float32, in the container of before PyTorch 1.6, as the published file may be
  encoder.pkl   the module in float16, in the zip container
  state.pth     its state dict in float16, zip
  dalle.safetensors   pictures as our encoders get them, and the logits of legacy.pkl
"""

import sys
import types
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn

from make_fixtures import FOLDER, generator, relative_error, write_safetensors

WIDTH, TOKENS, BLOCKS, SIDE, BATCH = 4, 8, 1, 16, 2
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


class Conv2d(nn.Module):
    def __init__(self, n_in, n_out, kw, use_float16=True):
        super().__init__()
        self.n_in, self.n_out, self.kw, self.use_float16 = n_in, n_out, kw, use_float16
        self.device, self.requires_grad = torch.device("cpu"), False
        std = (n_in * kw**2 / 3) ** -0.5  # large, so that what the blocks add counts
        self.w = nn.Parameter(torch.randn(n_out, n_in, kw, kw, generator=GEN) * std)
        self.b = nn.Parameter(torch.randn(n_out, generator=GEN) * 0.03)

    def forward(self, x):
        return F.conv2d(x, self.w, self.b, padding=self.kw // 2)


class EncoderBlock(nn.Module):
    def __init__(self, n_in, n_out, n_layers):
        super().__init__()
        self.n_in, self.n_out, self.n_hid, self.n_layers = n_in, n_out, n_out // 4, n_layers
        self.device, self.requires_grad = None, False
        self.post_gain = 1 / n_layers**2
        self.id_path = Conv2d(n_in, n_out, 1) if n_in != n_out else nn.Identity()
        widths = [(n_in, self.n_hid, 3), (self.n_hid, self.n_hid, 3), (self.n_hid, self.n_hid, 3), (self.n_hid, n_out, 1)]
        path = OrderedDict()
        for i, sizes in enumerate(widths, 1):
            path[f"relu_{i}"] = nn.ReLU()
            path[f"conv_{i}"] = Conv2d(*sizes)
        self.res_path = nn.Sequential(path)

    def forward(self, x):
        return self.id_path(x) + self.post_gain * self.res_path(x)


class Encoder(nn.Module):
    def __init__(self, n_hid, n_blk_per_group, vocab_size):
        super().__init__()
        self.n_hid, self.n_blk_per_group, self.vocab_size, self.input_channels = n_hid, n_blk_per_group, vocab_size, 3
        self.device, self.requires_grad, self.use_mixed_precision = torch.device("cpu"), False, True
        blocks = OrderedDict(input=Conv2d(3, n_hid, 7))
        width = n_hid
        for group in range(1, 5):
            inside = OrderedDict()
            for block in range(1, n_blk_per_group + 1):
                out = n_hid * 2 ** (group - 1)
                inside[f"block_{block}"] = EncoderBlock(width, out, 4 * n_blk_per_group)
                width = out
            if group < 4:
                inside["pool"] = nn.MaxPool2d(kernel_size=2)
            blocks[f"group_{group}"] = nn.Sequential(inside)
        head = OrderedDict(relu=nn.ReLU(), conv=Conv2d(width, vocab_size, 1, use_float16=False))
        blocks["output"] = nn.Sequential(head)
        self.blocks = nn.Sequential(blocks)

    def forward(self, x):
        return self.blocks(x)


def publish(module, *classes):
    """Lets pickles call classes of this file by the names that the published file has."""
    sys.modules[module] = types.ModuleType(module)
    for cls in classes:
        cls.__module__ = module
        setattr(sys.modules[module], cls.__name__, cls)


def save():
    folder = FOLDER / "dalle"
    folder.mkdir(exist_ok=True)
    encoder = Encoder(WIDTH, BLOCKS, TOKENS)
    colours = torch.rand(BATCH, SIDE // 8, SIDE // 8, 3, generator=GEN)  # of squares, so that their tokens differ
    squares = colours.repeat_interleave(8, 1).repeat_interleave(8, 2)
    pictures = (0.7 * squares + 0.3 * torch.rand(squares.shape, generator=GEN) - MEAN) / STD

    def logits(dtype):
        levels = pictures.to(dtype) * STD.to(dtype) + MEAN.to(dtype)
        mapped = 0.8 * levels.permute(0, 3, 1, 2) + 0.1
        return encoder.to(dtype)(mapped).permute(0, 2, 3, 1)

    # A short text in place of the source of each class, which this container holds and nobody reads.
    torch.serialization.get_source_lines_and_file = lambda cls: ([f"class {cls.__name__}: ...\n"], 1, "source.py")
    torch.save(encoder, folder / "legacy.pkl", _use_new_zipfile_serialization=False)
    with torch.no_grad():
        exact, single = logits(torch.float64), logits(torch.float32)
    torch.save(encoder.half(), folder / "encoder.pkl")
    torch.save(encoder.state_dict(), folder / "state.pth")
    top = exact.topk(2, -1).values
    write_safetensors(
        "dalle",
        {"pictures": pictures, "logits": exact},
        {
            "about": "pictures [B, H, W, 3] standardised by ImageNet's statistics; logits [B, H/8, W/8, tokens]",
            "float32_error": str(float(relative_error(single, exact))),
            "least_margin": str(float((top[..., 0] - top[..., 1]).min())),
        },
    )


if __name__ == "__main__":
    GEN = generator(10)
    publish("dall_e")
    publish("dall_e.utils", Conv2d)
    publish("dall_e.encoder", EncoderBlock, Encoder)
    save()
