"""Writes test/parity/fixtures/segmentation.safetensors: mmseg's linear head on frozen tokens, in float64.

Run:    /usr/bin/python3 test/parity/make_segmentation_fixtures.py
Needs:  PyTorch 1.13 on the CPU (Debian: apt-get install python3-torch), nothing else.

A 1 x 1 convolution, bilinear upsampling, cross-entropy with the ignored label 255 whose mean is over all pixels, and AdamW
under a polynomial decay with linear warm-up, written from mmseg 0.x (decode_head.py, cross_entropy_loss.py) and mmcv's hook.
"""

import torch
import torch.nn.functional as F
from make_fixtures import generator, normal, write_safetensors

BATCH, ROWS, COLUMNS, DIM, CLASSES = 2, 3, 4, 5, 4
HEIGHT, WIDTH = 9, 16
UPDATES, WARMUP, RATE, DECAY, RATIO = 6, 2, 4e-2, 0.05, 1e-6
IGNORE = 255


def rate_at(t):
    """mmcv PolyLrUpdaterHook, power 1, min_lr 0, by iteration, with warmup="linear"."""
    value = RATE * (1 - t / UPDATES)
    return value * (1 - (1 - t / WARMUP) * (1 - RATIO)) if t < WARMUP else value


def logits_of(tokens, weight, bias):
    """tokens [B, rows, columns, F] -> [B, K, H, W]"""
    logits = F.conv2d(tokens.permute(0, 3, 1, 2), weight[:, :, None, None], bias)
    return F.interpolate(logits, size=(HEIGHT, WIDTH), mode="bilinear", align_corners=False)


def loss_of(tokens, labels, weight, bias):
    losses = F.cross_entropy(logits_of(tokens, weight, bias), labels, reduction="none", ignore_index=IGNORE)
    return losses.mean()


def train(tokens, labels, weight, bias, decay_bias):
    weight, bias = weight.clone().requires_grad_(), bias.clone().requires_grad_()
    groups = [
        {"params": [weight], "weight_decay": DECAY},
        {"params": [bias], "weight_decay": DECAY if decay_bias else 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.999))
    losses = []
    for t in range(UPDATES):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(t)
        loss = loss_of(tokens, labels, weight, bias)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return {"losses": torch.stack(losses), "weight": weight.detach(), "bias": bias.detach()}


def main():
    gen = generator(41)
    tokens = normal(gen, BATCH, ROWS, COLUMNS, DIM, std=2.0).double()
    weight, bias = normal(gen, CLASSES, DIM, std=0.5).double(), normal(gen, CLASSES, std=0.5).double()
    labels = torch.randint(0, CLASSES, (BATCH, HEIGHT, WIDTH), generator=gen)
    labels[torch.rand(labels.shape, generator=gen) < 0.3] = IGNORE
    w, b = weight.clone().requires_grad_(), bias.clone().requires_grad_()
    loss = loss_of(tokens, labels, w, b)
    loss.backward()
    tensors = {
        **{"tokens": tokens, "labels": labels, "weight": weight, "bias": bias},
        **{"logits": logits_of(tokens, weight, bias).permute(0, 2, 3, 1), "loss": loss},
        **{"dweight": w.grad, "dbias": b.grad, "rates": torch.tensor([rate_at(t) for t in range(UPDATES)])},
    }
    for decay_bias in (True, False):
        after = train(tokens, labels, weight, bias, decay_bias)
        tensors.update({f"{'all' if decay_bias else 'weight'}.{name}": t for name, t in after.items()})
    settings = {"updates": UPDATES, "warmup": WARMUP, "rate": RATE, "decay": DECAY, "ignore": IGNORE}
    write_safetensors("segmentation", tensors, {"settings": settings})


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
