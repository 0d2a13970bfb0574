"""Writes test/parity/fixtures/: what PyTorch computes, for the parity tests to compare with.

Run:    /usr/bin/python3 test/parity/make_fixtures.py
Needs:  PyTorch 1.13 on the CPU (Debian: apt-get install python3-torch), nothing else.

Everything is written from the formulas of the papers with plain torch functions. References are computed in float64
from float32 inputs and stored as float32; each file's metadata says how far PyTorch's own float32 result lies from them
(relative L2 error), so that our float32 can be measured by the same yardstick. The numbers depend on the seed alone.
"""

import json
import math
import struct
from pathlib import Path

import torch
import torch.nn.functional as F

SEED = 20230123
FOLDER = Path(__file__).parent / "fixtures"
IMAGE, PATCH, CHANNELS = 16, 4, 3
GRID = IMAGE // PATCH
TOKENS = GRID * GRID
EPS = 1e-6
VIT = dict(width=32, depth=2, heads=4)
DECODER = dict(width=16, depth=2, heads=2)
CLASSES = 5
SETTINGS = {"imageSize": IMAGE, "patchSize": PATCH, **VIT, "mlpRatio": 4, "eps": EPS}


# The container ------------------------------------------------------------------------------------


def write_safetensors(name, tensors, metadata):
    """Writes tensors (all stored as F32 or I32) and string metadata to fixtures/<name>.safetensors."""
    header, blobs, offset = {}, [], 0
    metadata = {"torch": torch.__version__, "seed": SEED, **metadata}
    header["__metadata__"] = {k: v if isinstance(v, str) else json.dumps(v) for k, v in metadata.items()}
    for key, tensor in tensors.items():
        tensor = torch.as_tensor(tensor).detach().contiguous()
        is_float = tensor.is_floating_point()
        tensor = tensor.to(torch.float32 if is_float else torch.int32)
        blob = tensor.numpy().astype("<f4" if is_float else "<i4").tobytes()
        header[key] = {
            "dtype": "F32" if is_float else "I32",
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(blob)],
        }
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (FOLDER / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def prefixed(prefix, tensors):
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def relative_error(value, reference):
    """|value - reference| / |reference| in the L2 norm."""
    value, reference = value.double(), reference.double()
    return float((value - reference).norm() / reference.norm().clamp_min(1e-300))


def errors(values, references):
    """Relative errors by name, and of everything together under "*"."""
    by_name = {name: relative_error(values[name], reference) for name, reference in references.items()}
    flat = lambda d: torch.cat([d[name].double().flatten() for name in references])
    return {"*": relative_error(flat(values), flat(references)), **by_name}


def cast(tensors, dtype):
    return {name: t.to(dtype) if t.is_floating_point() else t for name, t in tensors.items()}


# Random inputs ------------------------------------------------------------------------------------


def generator(offset=0):
    return torch.Generator().manual_seed(SEED + offset)


def normal(gen, *shape, std=1.0, mean=0.0):
    return torch.randn(*shape, generator=gen) * std + mean


# The Vision Transformer ---------------------------------------------------------------------------


def block_parameters(gen, prefix, width):
    """One pre-norm block with timm's names. Larger than the usual init, so that no gradient is negligible."""
    p = norm_parameters(gen, f"{prefix}.norm1", width)
    p.update(linear_parameters(gen, f"{prefix}.attn.qkv", 3 * width, width))
    p.update(linear_parameters(gen, f"{prefix}.attn.proj", width, width))
    p.update(norm_parameters(gen, f"{prefix}.norm2", width))
    p.update(linear_parameters(gen, f"{prefix}.mlp.fc1", 4 * width, width))
    p.update(linear_parameters(gen, f"{prefix}.mlp.fc2", width, 4 * width))
    return p


def norm_parameters(gen, name, width):
    weight = normal(gen, width, std=0.1, mean=1.0)
    return {f"{name}.weight": weight, f"{name}.bias": normal(gen, width, std=0.1)}


def linear_parameters(gen, name, fan_out, fan_in):
    weight = normal(gen, fan_out, fan_in, std=fan_in**-0.5)
    return {f"{name}.weight": weight, f"{name}.bias": normal(gen, fan_out, std=0.1)}


def encoder_parameters(gen, pos_embed):
    width = VIT["width"]
    pixels = CHANNELS * PATCH * PATCH
    p = {
        "cls_token": normal(gen, 1, 1, width, std=0.5),
        "pos_embed": pos_embed,
        "patch_embed.proj.weight": normal(gen, width, CHANNELS, PATCH, PATCH, std=pixels**-0.5),
        "patch_embed.proj.bias": normal(gen, width, std=0.1),
    }
    for i in range(VIT["depth"]):
        p.update(block_parameters(gen, f"blocks.{i}", width))
    p.update(norm_parameters(gen, "norm", width))
    return p


def linear(p, name, x):
    return F.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])


def layer_norm(p, name, x):
    return F.layer_norm(x, x.shape[-1:], p[f"{name}.weight"], p[f"{name}.bias"], EPS)


def attention(q, k, v, bias=None):
    """softmax(q k^T / sqrt(d) + bias) v. q, k, v [B, H, N, d] -> [B, H, N, d]."""
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    if bias is not None:
        scores = scores + bias
    return scores.softmax(-1) @ v


def block(p, prefix, x, heads):
    """x [B, N, D] -> [B, N, D]."""
    B, N, D = x.shape
    qkv = linear(p, f"{prefix}.attn.qkv", layer_norm(p, f"{prefix}.norm1", x))
    q, k, v = qkv.reshape(B, N, 3, heads, D // heads).permute(2, 0, 3, 1, 4)
    mixed = attention(q, k, v).transpose(1, 2).reshape(B, N, D)
    x = x + linear(p, f"{prefix}.attn.proj", mixed)
    hidden = F.gelu(linear(p, f"{prefix}.mlp.fc1", layer_norm(p, f"{prefix}.norm2", x)))
    return x + linear(p, f"{prefix}.mlp.fc2", hidden)


def embed_patches(p, images):
    """images [B, 3, S, S] -> [B, N, D], tokens row by row."""
    x = F.conv2d(images, p["patch_embed.proj.weight"], p["patch_embed.proj.bias"], stride=PATCH)
    return x.flatten(2).transpose(1, 2)


def vit(p, images):
    """-> (tokens after the final norm [B, 1 + N, D], list of every block's output)."""
    x = embed_patches(p, images)
    x = torch.cat([p["cls_token"].expand(len(x), -1, -1), x], 1) + p["pos_embed"]
    outputs = []
    for i in range(VIT["depth"]):
        x = block(p, f"blocks.{i}", x, VIT["heads"])
        outputs.append(x)
    return layer_norm(p, "norm", x), outputs


def vit_loss(p, images, labels):
    return F.cross_entropy(linear(p, "head", vit(p, images)[0][:, 0]), labels)


def gradients(loss_of, parameters):
    """Loss and its gradients by name."""
    leaves = {name: t.detach().clone().requires_grad_() for name, t in parameters.items()}
    loss = loss_of(leaves)
    return loss.detach(), dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values()))))


def make_vit():
    gen = generator(1)
    p = encoder_parameters(gen, normal(gen, 1, 1 + TOKENS, VIT["width"], std=0.3))
    p.update(linear_parameters(gen, "head", CLASSES, VIT["width"]))
    images = normal(gen, 3, CHANNELS, IMAGE, IMAGE)
    labels = torch.tensor([4, 0, 2])

    def run(dtype):
        q, x = cast(p, dtype), images.to(dtype)
        tokens, outputs = vit(q, x)
        out = {"tokens": tokens, "logits": linear(q, "head", tokens[:, 0])}
        out.update({f"blocks.{i}.output": y for i, y in enumerate(outputs)})
        out["loss"], grads = gradients(lambda r: vit_loss(r, x, labels), q)
        return out, grads

    out, grads = run(torch.float64)
    out32, grads32 = run(torch.float32)
    write_safetensors(
        "vit",
        {"images": images, "labels": labels, **p, **out, **prefixed("grad", grads)},
        {
            "settings": {**SETTINGS, "classes": CLASSES},
            "parameters": list(p),
            "float32_output_error": errors(out32, out),
            "float32_grad_error": errors(grads32, grads),
        },
    )
    return p, images, labels


# Positions ----------------------------------------------------------------------------------------


def sin_cos(width, grid, order):
    """Fixed 2-D positions [grid*grid, width]; order "mae" has the column first, "moco" the row."""
    quarter = width // 4
    omega = 10000.0 ** (-torch.arange(quarter, dtype=torch.float64) / quarter)
    rows, cols = torch.meshgrid(*[torch.arange(grid, dtype=torch.float64)] * 2, indexing="ij")
    half = lambda place: torch.cat([f(place.flatten()[:, None] * omega) for f in (torch.sin, torch.cos)], 1)
    return torch.cat([half(cols), half(rows)] if order == "mae" else [half(rows), half(cols)], 1)


def with_cls_row(positions):
    """[N, D] -> [1, 1 + N, D] with zeros for CLS."""
    return F.pad(positions, (0, 0, 1, 0))[None]


def make_sincos():
    tensors = {}
    for order in ("mae", "moco"):
        tensors[f"{order}.d8"] = sin_cos(8, 2, order)
        tensors[f"{order}.d32"] = sin_cos(32, 4, order)
    golden = torch.tensor([0.841471, 0.0099998, 0.540302, 0.99995, 0, 0, 1, 1], dtype=torch.float64)
    assert torch.allclose(tensors["mae.d8"][1], golden, atol=1e-5)

    positions = normal(generator(2), 16, 8)
    tensors["interpolate.positions"] = positions
    grid = positions.double().T.reshape(1, 8, 4, 4)
    for mode in ("bicubic", "bilinear"):
        resized = F.interpolate(grid, size=(6, 6), mode=mode, align_corners=False)
        tensors[f"interpolate.{mode}"] = resized.flatten(2)[0].T
    about = "positions [4*4, 8] -> [6*6, 8], align_corners false, bicubic a = -.75"
    write_safetensors("sincos", tensors, {"interpolate": about})


# MAE ----------------------------------------------------------------------------------------------


def patchify(images):
    """[B, 3, S, S] -> [B, N, p*p*3]: tokens row by row; within one (row, column, channel), channel fastest."""
    B = len(images)
    x = images.reshape(B, CHANNELS, GRID, PATCH, GRID, PATCH)
    return x.permute(0, 2, 4, 3, 5, 1).reshape(B, TOKENS, PATCH * PATCH * CHANNELS)


def mae_masking(noise, mask_ratio=0.75):
    """noise [B, N] -> ids_keep [B, M], mask [B, N] (1 = removed), ids_restore [B, N]."""
    keep = int(TOKENS * (1 - mask_ratio))
    ids_shuffle = noise.argsort(1)
    ids_restore = ids_shuffle.argsort(1)
    mask = (ids_restore >= keep).to(noise.dtype)
    return ids_shuffle[:, :keep], mask, ids_restore


def pick(x, ids):
    """x [B, N, D], ids [B, M] -> [B, M, D]."""
    return x.gather(1, ids[..., None].expand(-1, -1, x.shape[-1]))


def mae(p, images, noise):
    """-> latent [B, 1 + M, D], pred [B, N, p*p*3], mask, ids_keep, ids_restore."""
    ids_keep, mask, ids_restore = mae_masking(noise)
    x = embed_patches(p, images) + p["pos_embed"][:, 1:]
    x = pick(x, ids_keep)
    cls = (p["cls_token"] + p["pos_embed"][:, :1]).expand(len(x), -1, -1)
    x = torch.cat([cls, x], 1)
    for i in range(VIT["depth"]):
        x = block(p, f"blocks.{i}", x, VIT["heads"])
    latent = layer_norm(p, "norm", x)

    y = linear(p, "decoder_embed", latent)
    hidden = p["mask_token"].expand(len(y), TOKENS - ids_keep.shape[1], -1)
    patches = pick(torch.cat([y[:, 1:], hidden], 1), ids_restore)
    y = torch.cat([y[:, :1], patches], 1) + p["decoder_pos_embed"]
    for i in range(DECODER["depth"]):
        y = block(p, f"decoder_blocks.{i}", y, DECODER["heads"])
    pred = linear(p, "decoder_pred", layer_norm(p, "decoder_norm", y))[:, 1:]
    return {"latent": latent, "pred": pred, "mask": mask, "ids_keep": ids_keep, "ids_restore": ids_restore}


def mae_target(images, norm_pix):
    target = patchify(images)
    if norm_pix:
        target = (target - target.mean(-1, keepdim=True)) / (target.var(-1, keepdim=True) + 1e-6).sqrt()
    return target


def mae_loss(pred, images, mask, norm_pix):
    per_patch = (pred - mae_target(images, norm_pix)).square().mean(-1)
    return (per_patch * mask).sum() / mask.sum()


def make_mae():
    gen = generator(3)
    width = DECODER["width"]
    fixed = {
        "pos_embed": with_cls_row(sin_cos(VIT["width"], GRID, "mae")).float(),
        "decoder_pos_embed": with_cls_row(sin_cos(width, GRID, "mae")).float(),
    }
    p = encoder_parameters(gen, fixed["pos_embed"])
    p["mask_token"] = normal(gen, 1, 1, width, std=0.5)
    p["decoder_pos_embed"] = fixed["decoder_pos_embed"]
    p.update(linear_parameters(gen, "decoder_embed", width, VIT["width"]))
    for i in range(DECODER["depth"]):
        p.update(block_parameters(gen, f"decoder_blocks.{i}", width))
    p.update(norm_parameters(gen, "decoder_norm", width))
    p.update(linear_parameters(gen, "decoder_pred", PATCH * PATCH * CHANNELS, width))
    images = normal(gen, 2, CHANNELS, IMAGE, IMAGE)
    noise = torch.rand(2, TOKENS, generator=gen)

    def run(dtype):
        q, x = cast(p, dtype), images.to(dtype)
        trained = {name: t for name, t in q.items() if name not in fixed}
        constants = {name: q[name] for name in fixed}
        out = mae(q, x, noise)
        out["mask"] = out["mask"].to(dtype)
        out["target_norm_pix"] = mae_target(x, True)
        out["loss_pixels"] = mae_loss(out["pred"], x, out["mask"], False)
        loss_of = lambda r: mae_loss(mae({**r, **constants}, x, noise)["pred"], x, out["mask"], True)
        out["loss_norm_pix"], grads = gradients(loss_of, trained)
        return out, grads

    out, grads = run(torch.float64)
    out32, grads32 = run(torch.float32)
    write_safetensors(
        "mae",
        {"images": images, "noise": noise, **p, **out, **prefixed("grad", grads)},
        {
            "settings": {**SETTINGS, "maskRatio": 0.75, "decoder": DECODER},
            "parameters": list(p),
            "fixed": list(fixed),
            "float32_output_error": errors(out32, out),
            "float32_grad_error": errors(grads32, grads),
        },
    )


# Optimisers ---------------------------------------------------------------------------------------


def warmup_cosine(step, base, minimum, warmup, total):
    if step < warmup:
        return base * step / warmup
    return minimum + (base - minimum) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))


class Lars(torch.optim.Optimizer):
    """d = g + wd p; q = trust |p|/|d|; mu = m mu + q d; p -= lr mu; tensors of at most one axis take d = g, q = 1."""

    def __init__(self, params, lr, weight_decay, momentum=0.9, trust=0.001):
        super().__init__(params, dict(lr=lr, weight_decay=weight_decay, momentum=momentum, trust=trust))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                d = p.grad
                if p.ndim > 1:
                    d = d + group["weight_decay"] * p
                    size, slope = p.norm(), d.norm()
                    d = d * (group["trust"] * size / slope if size > 0 and slope > 0 else 1.0)
                state = self.state[p]
                state["mu"] = group["momentum"] * state.get("mu", torch.zeros_like(p)) + d
                p -= group["lr"] * state["mu"]


def decayed_groups(params, weight_decay):
    """Weight decay for tensors of more than one axis only."""
    return [
        {"params": [p for p in params if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in params if p.ndim <= 1], "weight_decay": 0.0},
    ]


def clip_each(params, limit):
    """DINO: every tensor by itself; coef = limit / (norm + 1e-6), applied where below 1. Returns how many were."""
    bound = 0
    for p in params:
        coef = limit / (p.grad.norm() + 1e-6)
        if coef < 1:
            p.grad.mul_(coef)
            bound += 1
    return bound


def determined(tensors):
    """Without the keys' part of every qkv bias: softmax ignores it, so its gradient is nothing but rounding."""
    width = VIT["width"]
    cut = lambda t: torch.cat([t[:width], t[2 * width :]])
    return {name: cut(t) if name.endswith("attn.qkv.bias") else t for name, t in tensors.items()}


def make_optim(p, images, labels):
    rates = [warmup_cosine(step, 3e-3, 1e-5, 3, 10) for step in range(10)]
    global_limit, tensor_limit, ema_momentum = 0.5, 0.15, 0.99

    def train(dtype, make_optimizer, steps, lr_of=None, before_step=None, after_step=None):
        leaves = {name: t.to(dtype).clone().requires_grad_() for name, t in p.items()}
        params = list(leaves.values())
        optimizer = make_optimizer(params)
        losses, notes = [], []
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = lr_of(step) if lr_of else group["lr"]
            optimizer.zero_grad()
            loss = vit_loss(leaves, images.to(dtype), labels)
            loss.backward()
            if before_step:
                notes.append(float(before_step(params)))
            optimizer.step()
            if after_step:
                after_step(leaves)
            losses.append(float(loss.detach()))
        return losses, {name: t.detach().clone() for name, t in leaves.items()}, notes

    adamw = lambda params: torch.optim.AdamW(decayed_groups(params, 0.05), lr=0.0, betas=(0.9, 0.95), eps=1e-8)
    clipped_adamw = lambda params: torch.optim.AdamW(decayed_groups(params, 0.05), lr=3e-3, eps=1e-8)
    sgd = lambda params: torch.optim.SGD(params, lr=0.02, momentum=0.9, weight_decay=1e-4)
    lars = lambda params: Lars(params, lr=0.5, weight_decay=1e-4)

    def run(dtype):
        out = {}

        def record(name, result):
            losses, final, notes = result
            out[f"{name}.losses"] = torch.tensor(losses, dtype=torch.float64)
            out.update(prefixed(f"{name}.final", final))
            return notes

        teacher = {name: t.to(dtype).clone() for name, t in p.items()}

        def follow(leaves):
            for name, t in leaves.items():
                teacher[name] = ema_momentum * teacher[name] + (1 - ema_momentum) * t.detach()

        record("adamw", train(dtype, adamw, 10, lr_of=lambda step: rates[step], after_step=follow))
        out.update(prefixed("ema.final", teacher))
        record("sgd", train(dtype, sgd, 10))
        record("lars", train(dtype, lars, 10))
        clip_all = lambda params: torch.nn.utils.clip_grad_norm_(params, global_limit)
        norms = record("clipGlobal", train(dtype, clipped_adamw, 5, before_step=clip_all))
        out["clipGlobal.norms"] = torch.tensor(norms, dtype=torch.float64)
        clip_tensors = lambda params: clip_each(params, tensor_limit)
        bound = record("clipTensor", train(dtype, clipped_adamw, 5, before_step=clip_tensors))
        assert norms[0] > global_limit and 0 < bound[0] < len(p), (norms, bound)
        return out

    out, out32 = run(torch.float64), run(torch.float32)
    write_safetensors(
        "optim",
        {"adamw.rates": torch.tensor(rates, dtype=torch.float64), **out},
        {
            "start": "parameters, images and labels of vit.safetensors; losses are those before each step",
            "adamw": "10 steps, betas .9 .95, eps 1e-8, weight decay .05 where ndim > 1, lr adamw.rates: "
            "warm-up 3 of 10 steps to 3e-3, half cosine to 1e-5",
            "ema": "teacher starts as a copy; after each adamw step t = .99 t + .01 p",
            "sgd": "10 steps, lr .02, momentum .9, weight decay 1e-4 on everything",
            "lars": "10 steps, lr .5, momentum .9, trust .001, weight decay 1e-4; neither trust nor decay if ndim <= 1",
            "clipGlobal": "5 steps of AdamW, lr 3e-3, betas .9 .999, weight decay .05 where ndim > 1, "
            "global norm limit .5: coef = min(1, .5 / (norm + 1e-6)), norms are those before clipping",
            "clipTensor": "as clipGlobal, but every tensor's norm limited to .15 by itself",
            "undetermined": "rows [32, 64) (keys) of every attn.qkv.bias: their exact gradient is 0, so under Adam "
            "they hold rounding noise; leave them out when comparing, as float32_error does",
            "float32_error": errors(determined(out32), determined(out)),
        },
    )


# Crops --------------------------------------------------------------------------------------------

MARGIN = 2e-3  # how far every rounded quantity stays from where its rounding would change


def safely(value, rounded):
    """rounded(value), or None if it would change within MARGIN."""
    return rounded(value) if rounded(value - MARGIN) == rounded(value + MARGIN) else None


def random_resized_crop(width, height, scale, ratio, uniforms):
    """-> (top, left, height, width, uniforms used, whether no try fitted), or None if a rounding is too close."""
    take = iter(uniforms)
    used = 0
    for _ in range(10):
        area = width * height * (scale[0] + (scale[1] - scale[0]) * next(take))
        low, high = math.log(ratio[0]), math.log(ratio[1])
        aspect = math.exp(low + (high - low) * next(take))
        used += 2
        w, h = safely(math.sqrt(area * aspect), round), safely(math.sqrt(area / aspect), round)
        if w is None or h is None:
            return None
        if 0 < w <= width and 0 < h <= height:
            top = safely(next(take) * (height - h + 1), math.floor)
            left = safely(next(take) * (width - w + 1), math.floor)
            return None if top is None or left is None else (top, left, h, w, used + 2, False)
    w, h = width, height
    if width / height < ratio[0]:
        h = safely(width / ratio[0], round)
    elif width / height > ratio[1]:
        w = safely(height * ratio[1], round)
    return None if w is None or h is None else ((height - h) // 2, (width - w) // 2, h, w, used, True)


def make_crops():
    gen = generator(4)
    ratio = [3 / 4, 4 / 3]
    cases = []
    for width, height, scale, count in (
        (32, 32, [0.08, 1.0], 12),
        (96, 96, [0.2, 1.0], 12),
        (64, 48, [0.05, 0.25], 8),
        (37, 91, [0.4, 1.0], 8),
        (200, 20, [0.5, 1.0], 6),
        (12, 100, [0.6, 1.0], 6),
        (224, 224, [1.0, 1.0], 4),
        (40, 41, [1.5, 2.0], 2),
    ):
        found = 0
        while found < count:
            bits = torch.randint(0, 2**24, (22,), generator=gen).tolist()
            uniforms = [b / 2**24 for b in bits]
            crop = random_resized_crop(width, height, scale, ratio, uniforms)
            if crop is None:
                continue
            top, left, h, w, used, fell_back = crop
            found += 1
            cases.append(
                dict(imageWidth=width, imageHeight=height, scale=scale, ratio=ratio, uniforms=uniforms[:used])
                | dict(top=top, left=left, height=h, width=w, isFallback=fell_back)
            )
    fixture = {
        "about": "RandomResizedCrop geometry as in torchvision. Uniforms are multiples of 2^-24 in [0, 1), used in "
        "this order. Per try: u_area, u_logratio; area = W*H*(scale0 + (scale1 - scale0)*u_area), aspect = "
        "exp(log ratio0 + (log ratio1 - log ratio0)*u_logratio), w = round(sqrt(area*aspect)), "
        "h = round(sqrt(area/aspect)), half to even. If 0 < w <= W and 0 < h <= H: u_top, u_left; top = "
        "floor(u_top*(H - h + 1)), left = floor(u_left*(W - w + 1)), done. After ten tries that did not fit: the "
        "central crop of the whole image with W/H clamped to ratio, top = floor((H - h)/2), left = floor((W - w)/2).",
        "margin": MARGIN,
        "cases": cases,
    }
    lines = ",\n".join(json.dumps(case) for case in cases)
    text = json.dumps({**fixture, "cases": "CASES"}, indent=1).replace('"CASES"', f"[\n{lines}\n]")
    (FOLDER / "crops.json").write_text(text + "\n")


# Single operations --------------------------------------------------------------------------------


def with_gradients(function, inputs, dy):
    """y = function(*inputs) and the gradients of sum(y * dy), in float64."""
    leaves = [t.double().requires_grad_() for t in inputs]
    y = function(*leaves)
    return y.detach(), torch.autograd.grad((y * dy.double()).sum(), leaves)


def op_cross_entropy(gen):
    logits, target = normal(gen, 6, 7, std=3.0), normal(gen, 6, 7).softmax(-1)
    labels = torch.tensor([3, 0, 6, 2, 2, 5])
    out = {"logits": logits, "target": target, "labels": labels}
    for name, goal, smoothing in (("soft", target.double(), 0.0), ("hard", labels, 0.0), ("smooth", labels, 0.1)):
        loss_of = lambda x: F.cross_entropy(x, goal, label_smoothing=smoothing)
        out[f"{name}.loss"], (out[f"{name}.grad"],) = with_gradients(loss_of, [logits], torch.ones(()))
    return out


def op_gelu(gen):
    x, dy = torch.linspace(-6, 6, 49), normal(gen, 49)
    y, (dx,) = with_gradients(F.gelu, [x], dy)
    return {"x": x, "dy": dy, "y": y, "dx": dx}


def op_layer_norm(gen):
    inputs = {"x": normal(gen, 4, 10, mean=0.5), "weight": normal(gen, 10), "bias": normal(gen, 10)}
    dy = normal(gen, 4, 10)
    y, grads = with_gradients(lambda x, w, b: F.layer_norm(x, (10,), w, b, EPS), inputs.values(), dy)
    return {**inputs, "dy": dy, "y": y, **{f"d{name}": g for name, g in zip(inputs, grads)}}


def op_batch_norm(gen):
    inputs = {"x": normal(gen, 8, 5, std=2.0, mean=0.5), "weight": normal(gen, 5), "bias": normal(gen, 5)}
    stats = {"running_mean": normal(gen, 5), "running_var": torch.rand(5, generator=gen) + 0.5}
    out = {**inputs, **stats, "dy": normal(gen, 8, 5)}
    for mode in ("train", "eval"):
        mean, var = (t.double() for t in stats.values())
        norm = lambda x, w, b: F.batch_norm(x, mean, var, w, b, training=mode == "train", momentum=0.1, eps=1e-5)
        out[f"{mode}.y"], grads = with_gradients(norm, inputs.values(), out["dy"])
        out.update({f"{mode}.d{name}": g for name, g in zip(inputs, grads)})
        if mode == "train":
            out.update({"train.running_mean": mean, "train.running_var": var})
    return out


def op_attention(gen):
    inputs = {name: normal(gen, 2, 3, 5, 8) for name in ("q", "k", "v")}
    inputs["bias"] = normal(gen, 3, 5, 5)
    dy = normal(gen, 2, 3, 5, 8)
    y, grads = with_gradients(attention, inputs.values(), dy)
    return {**inputs, "dy": dy, "y": y, **{f"d{name}": g for name, g in zip(inputs, grads)}}


def op_resize(gen):
    x = normal(gen, 2, 3, 7, 9)
    out = {"x": x}
    for height, width in ((5, 12), (4, 4), (14, 13), (3, 5)):
        for mode in ("bilinear", "bicubic"):
            for antialias in (False, True):
                name = f"{mode}{'.antialias' if antialias else ''}.{height}x{width}"
                options = dict(mode=mode, align_corners=False, antialias=antialias)
                out[name] = F.interpolate(x.double(), size=(height, width), **options)
    return out


def op_probe(gen):
    """One LARS step of MAE's linear probe: batch norm without affine (eps 1e-6), then a linear layer."""
    features, labels = normal(gen, 12, 6, std=2.0, mean=1.0), torch.arange(12) % 4
    weight, bias = normal(gen, 4, 6, std=0.1), normal(gen, 4, std=0.1)
    w, b = weight.double().requires_grad_(), bias.double().requires_grad_()
    mean, var = torch.zeros(6, dtype=torch.float64), torch.ones(6, dtype=torch.float64)
    normed = F.batch_norm(features.double(), mean, var, training=True, momentum=0.1, eps=1e-6)
    optimizer = Lars([w, b], lr=2.0, weight_decay=0.0)
    loss = F.cross_entropy(F.linear(normed, w, b), labels)
    loss.backward()
    optimizer.step()
    return {
        **{"features": features, "labels": labels, "weight": weight, "bias": bias},
        **{"normed": normed, "loss": loss, "dweight": w.grad, "dbias": b.grad},
        **{"running_mean": mean, "running_var": var, "after.weight": w, "after.bias": b},
    }


def make_ops():
    gen = generator(5)
    tensors = {}
    for name, op in (
        ("crossEntropy", op_cross_entropy),
        ("gelu", op_gelu),
        ("layerNorm", op_layer_norm),
        ("batchNorm", op_batch_norm),
        ("attention", op_attention),
        ("resize", op_resize),
        ("probe", op_probe),
    ):
        tensors.update(prefixed(name, op(gen)))
    write_safetensors(
        "ops",
        tensors,
        {
            "gradients": "of sum(y * dy)",
            "layerNorm": "eps 1e-6",
            "batchNorm": "eps 1e-5, momentum .1, unbiased running variance",
            "crossEntropy": "mean over the batch; smooth: label smoothing .1",
            "attention": "softmax(q k^T / sqrt(8) + bias) v; q, k, v [B, H, N, d], bias [H, N, N]",
            "resize": "align_corners false; bicubic a = -.75, with antialias a = -.5",
            "probe": "one LARS step: lr 2, momentum .9, trust .001, no weight decay; batch norm eps 1e-6, momentum .1",
        },
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    FOLDER.mkdir(exist_ok=True)
    start = make_vit()
    make_mae()
    make_optim(*start)
    make_sincos()
    make_crops()
    make_ops()
    for path in sorted(FOLDER.iterdir()):
        print(f"{path.name}: {path.stat().st_size} bytes")
