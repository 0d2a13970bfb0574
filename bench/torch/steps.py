"""The training steps of `bench -- step` in PyTorch: the same formulas, checked on the same numbers, then timed.

Run:    python3 steps.py FILE [--mode eager|compiled] [--repeats 7] [--warmup 1]
Needs:  PyTorch 1.13 or later, nothing else.

FILE is what problemFile.ts writes. eager: f32, TF32 off. compiled: torch.compile with bf16 autocast. On CUDA where there
is a GPU, else on the CPU. The last line of output is JSON. What the step leaves out of Partwise's, in PyTorch's favour:
MAE's crops (its pictures lie on the device) and the gradient norm.
"""

import argparse
import contextlib
import json
import math
import struct
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

EPS = 1e-6  # of layer norms and of MAE's normalised pixels
# Largest relative error of the loss, and of a gradient's norm as a share of the whole gradient's.
TOLERANCE = {"eager": (1e-5, 1e-4), "compiled": (2e-2, 5e-2)}
SAMPLE_SECONDS, MOST_CALLS = 0.2, 50  # a sample makes as many calls as take about this long


# The models ---------------------------------------------------------------------------------------


def attend(q, k, v):
    """softmax(q k^T / sqrt(d)) v. q, k, v [B, H, N, d]"""
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v)
    return (q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)).softmax(-1) @ v


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        B, N, D = x.shape
        q, k, v = self.qkv(x).reshape(B, N, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        return self.proj(attend(q, k, v).transpose(1, 2).reshape(B, N, D))


class Mlp(nn.Module):
    def __init__(self, width, gelu):
        super().__init__()
        self.gelu = gelu
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate=self.gelu))


class Block(nn.Module):
    """Pre-norm: x += attention(norm1 x);  x += mlp(norm2 x)."""

    def __init__(self, width, heads, gelu="none"):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=EPS)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=EPS)
        self.mlp = Mlp(width, gelu)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, patch, width):
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, stride=patch)

    def forward(self, images):
        """images [B, 3, H, W] -> [B, N, D], tokens row by row."""
        return self.proj(images).flatten(2).transpose(1, 2)


def positions(tokens, width, trained):
    return nn.Parameter(torch.zeros(1, tokens, width), requires_grad=trained)


class Classifier(nn.Module):
    """The reference step's ViT: learned positions, tanh GELU, cross-entropy of the class token."""

    def __init__(self, batch, width, depth, heads, image, patch, classes, **_):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = positions(1 + (image // patch) ** 2, width, trained=True)
        self.patch_embed = PatchEmbed(patch, width)
        self.blocks = nn.ModuleList([Block(width, heads, "tanh") for _ in range(depth)])
        self.norm = nn.LayerNorm(width, eps=EPS)
        self.head = nn.Linear(width, classes)

    def forward(self, images, labels):
        """images [B, 3, H, W], labels [B] -> the mean loss."""
        x = self.patch_embed(images)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return F.cross_entropy(self.head(self.norm(x)[:, 0]).float(), labels)


class MaskedAutoencoder(nn.Module):
    """He et al. 2022, arXiv:2111.06377: the encoder sees the visible patches, the decoder predicts the others."""

    def __init__(self, imageSize, patchSize, embedDim, depth, numHeads, maskRatio, normPixLoss, **decoder):
        super().__init__()
        width, heads = decoder["decoderEmbedDim"], decoder["decoderNumHeads"]
        tokens = (imageSize // patchSize) ** 2
        self.patch, self.keep, self.norm_pix = patchSize, int(tokens * (1 - maskRatio)), normPixLoss
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embedDim))
        self.pos_embed = positions(1 + tokens, embedDim, trained=False)
        self.patch_embed = PatchEmbed(patchSize, embedDim)
        self.blocks = nn.ModuleList([Block(embedDim, numHeads) for _ in range(depth)])
        self.norm = nn.LayerNorm(embedDim, eps=EPS)
        self.decoder_embed = nn.Linear(embedDim, width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.decoder_pos_embed = positions(1 + tokens, width, trained=False)
        self.decoder_blocks = nn.ModuleList([Block(width, heads) for _ in range(decoder["decoderDepth"])])
        self.decoder_norm = nn.LayerNorm(width, eps=EPS)
        self.decoder_pred = nn.Linear(width, 3 * patchSize**2)

    def targets(self, images):
        """[B, 3, H, W] -> [B, N, p p 3], each patch with mean 0 and unbiased variance 1."""
        B, C, H, W = images.shape
        p = self.patch
        x = images.reshape(B, C, H // p, p, W // p, p).permute(0, 2, 4, 3, 5, 1).reshape(B, -1, p * p * C)
        if not self.norm_pix:
            return x
        return (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True) + EPS) ** 0.5

    def forward(self, images, noise):
        """images [B, 3, H, W], noise [B, N]: the patches with the least of it stay -> the loss of the others."""
        shuffle = torch.sort(noise, dim=1, stable=True)[1]
        restore = torch.argsort(shuffle, dim=1)
        chosen = lambda x, ids: torch.gather(x, 1, ids[..., None].expand(-1, -1, x.shape[-1]))
        x = chosen(self.patch_embed(images) + self.pos_embed[:, 1:], shuffle[:, : self.keep])  # [B, M, D]
        x = torch.cat([(self.cls_token + self.pos_embed[:, :1]).expand(len(x), -1, -1), x], 1)
        for block in self.blocks:
            x = block(x)
        x = self.decoder_embed(self.norm(x))  # [B, 1 + M, Dd]
        removed = self.mask_token.to(x.dtype).expand(len(x), noise.shape[1] - self.keep, -1)
        patches = chosen(torch.cat([x[:, 1:], removed], 1), restore)  # [B, N, Dd]
        x = torch.cat([x[:, :1], patches], 1) + self.decoder_pos_embed
        for block in self.decoder_blocks:
            x = block(x)
        predicted = self.decoder_pred(self.decoder_norm(x))[:, 1:]  # [B, N, p p 3]
        by_patch = ((predicted.float() - self.targets(images)) ** 2).mean(-1)  # [B, N]
        is_removed = (restore >= self.keep).float()
        return (by_patch * is_removed).sum() / is_removed.sum()


MODELS = {"reference": Classifier, "mae": MaskedAutoencoder}


# The step -----------------------------------------------------------------------------------------


def read_problem(path):
    """-> (tensors by name, settings, the loss, the gradients' norms by name) of a safetensors file."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    metadata = header.pop("__metadata__")
    dtypes = {"F32": torch.float32, "I32": torch.int32}
    tensors = {}
    for name, entry in header.items():
        shape = entry["shape"]
        begin, count = entry["data_offsets"][0], math.prod(shape)
        flat = torch.frombuffer(data, dtype=dtypes[entry["dtype"]], count=count, offset=begin)
        tensors[name] = flat.reshape(shape)
    norms = json.loads(metadata["gradientNorms"])
    return tensors, json.loads(metadata["settings"]), float(metadata["loss"]), norms


class Step:
    """A model on its device with its batch and AdamW."""

    def __init__(self, tensors, settings, mode, device):
        self.settings, self.device = settings, device
        self.is_mae = settings["kind"] == "mae"
        tensors = dict(tensors)
        self.images = tensors.pop("images").permute(0, 3, 1, 2).contiguous().to(device)
        given = tensors.pop("noise") if self.is_mae else tensors.pop("labels").long()
        self.given = given.to(device)
        self.model = MODELS[settings["kind"]](**{k: v for k, v in settings.items() if k != "kind"})
        self.model.load_state_dict(tensors)
        self.model.to(device)
        self.run = torch.compile(self.model) if mode == "compiled" else self.model
        self.half = mode == "compiled"
        self.optimizer = self.make_optimizer()

    def make_optimizer(self):
        s = self.settings
        trained = [p for p in self.model.parameters() if p.requires_grad]
        decays = lambda p: not self.is_mae or p.ndim > 1
        groups = [
            {"params": [p for p in trained if decays(p)], "weight_decay": s["weightDecay"]},
            {"params": [p for p in trained if not decays(p)], "weight_decay": 0.0},
        ]
        fused = {"fused": True} if self.device == "cuda" and torch.__version__ >= "2" else {}
        return torch.optim.AdamW(
            [g for g in groups if g["params"]], lr=s["lr"], betas=(s["beta1"], s["beta2"]), eps=s["eps"], **fused
        )

    def backward(self, given):
        """Forward and backward; -> the loss."""
        self.optimizer.zero_grad(set_to_none=True)
        context = torch.autocast(self.device, torch.bfloat16) if self.half else contextlib.nullcontext()
        with context:
            loss = self.run(self.images, given)
        loss.backward()
        return loss.detach()

    def __call__(self):
        """One training step, with noise of its own."""
        self.backward(torch.rand_like(self.given) if self.is_mae else self.given)
        self.optimizer.step()

    def wait(self):
        if self.device == "cuda":
            torch.cuda.synchronize()


def check(step, mode, loss, norms):
    """Holds loss and gradients against Partwise's. -> the relative errors; exits if they are too large."""
    found = float(step.backward(step.given))
    total = math.sqrt(sum(norm**2 for norm in norms.values()))
    loss_error = abs(found / loss - 1)
    names = {name for name, p in step.model.named_parameters() if p.grad is not None}
    if names != set(norms):
        sys.exit(f"steps.py: gradients must have the same names; these differ: {sorted(names ^ set(norms))}")
    off = {n: abs(float(p.grad.norm()) - norms[n]) / total for n, p in step.model.named_parameters() if n in norms}
    worst = max(off, key=off.get)
    if not (loss_error <= TOLERANCE[mode][0] and off[worst] <= TOLERANCE[mode][1]):
        sys.exit(
            f"steps.py: loss and gradient norms must be within {TOLERANCE[mode]} of Partwise's; got loss {found} for {loss}, "
            f"and the norm of {worst} off by {off[worst]:.1e} of the whole gradient's"
        )
    return {"loss": found, "lossError": loss_error, "gradientError": off[worst]}


# Time ---------------------------------------------------------------------------------------------


def summarize(samples):
    """Median, quartiles (linear between two samples) and minimum."""
    ordered = sorted(samples)

    def quantile(p):
        at = p * (len(ordered) - 1)
        below, above = math.floor(at), math.ceil(at)
        return ordered[below] + (at - below) * (ordered[above] - ordered[below])

    return {
        **{"median": quantile(0.5), "min": ordered[0], "q1": quantile(0.25), "q3": quantile(0.75)},
        "samples": len(ordered),
    }


def timed(step, calls):
    """Milliseconds per call."""
    start = time.perf_counter()
    for _ in range(calls):
        step()
    step.wait()
    return 1000 * (time.perf_counter() - start) / calls


def measure(path, mode, repeats, warmup):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    about = {
        **{"mode": mode, "torch": torch.__version__, "device": device},
        **({"gpu": torch.cuda.get_device_name()} if device == "cuda" else {"threads": torch.get_num_threads()}),
    }
    if mode == "compiled" and not hasattr(torch, "compile"):
        return {**about, "skipped": f"PyTorch {torch.__version__} has no torch.compile; it came with 2.0"}
    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    tensors, settings, loss, norms = read_problem(path)
    start = time.perf_counter()
    step = Step(tensors, settings, mode, device)
    agreement = check(step, mode, loss, norms)
    step()
    step.wait()
    first = 1000 * (time.perf_counter() - start)
    timed(step, 2)
    calls = max(1, min(MOST_CALLS, round(1000 * SAMPLE_SECONDS / timed(step, 1))))
    samples = [timed(step, calls) for _ in range(warmup + repeats)][warmup:]
    spread = summarize(samples)
    return {
        **about,
        **agreement,
        "firstCallMs": first,
        "ms": spread,
        "imagesPerSecond": 1000 * len(step.images) / spread["median"],
        **({"peakBytes": torch.cuda.max_memory_allocated()} if device == "cuda" else {}),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A training step of bench -- step in PyTorch.")
    parser.add_argument("file")
    parser.add_argument("--mode", choices=list(TOLERANCE), default="eager")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--warmup", type=int, default=1)
    given = parser.parse_args()
    print(json.dumps(measure(given.file, given.mode, given.repeats, given.warmup)))
