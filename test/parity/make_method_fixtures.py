"""Writes fixtures/method-*.safetensors: ten steps of MoCo v3, DINO, iBOT, DeiT's supervision (with a teacher, too) and MAE, as
PyTorch takes them.

Run:    /usr/bin/python3 test/parity/make_method_fixtures.py
Needs:  PyTorch 1.13 on the CPU (Debian: apt-get install python3-torch), nothing else.

Written from the papers and what is known of the official steps with plain torch functions: loss and every gradient of the
first step, then where ten steps of AdamW leave every parameter and buffer of both networks, with rates, decay, momenta,
temperatures, masks, mixing and clipping moving. References are computed in float64 from float32 inputs and stored as float32.
"""

import math

import torch
import torch.nn.functional as F

from make_fixtures import (
    CHANNELS,
    CLASSES,
    GRID,
    IMAGE,
    PATCH,
    TOKENS,
    block,
    block_parameters,
    cast,
    embed_patches,
    errors,
    generator,
    layer_norm,
    linear,
    linear_parameters,
    mae_loss,
    norm_parameters,
    normal,
    prefixed,
    relative_error,
    sin_cos,
    with_cls_row,
    write_safetensors,
)

WIDTH, HEADS, DEPTH = 16, 2, 2
STEPS, PER_EPOCH = 10, 2
HIDDEN, BOTTLENECK, PROTOTYPES = 24, 8, 20
LATE = 3


def half_cosine(start, end, t, steps):
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * t / steps))


def warm(base, least, warmup):
    """Linear from 0, then half a cosine."""
    decay = [half_cosine(base, least, t, STEPS - warmup) for t in range(STEPS - warmup)]
    return [base * t / warmup for t in range(warmup)] + decay


# Encoder ------------------------------------------------------------------------------------------


def encoder_parameters(gen, positions):
    pixels = CHANNELS * PATCH * PATCH
    p = {
        "cls_token": normal(gen, 1, 1, WIDTH, std=0.5),
        "pos_embed": positions,
        "patch_embed.proj.weight": normal(gen, WIDTH, CHANNELS, PATCH, PATCH, std=pixels**-0.5),
        "patch_embed.proj.bias": normal(gen, WIDTH, std=0.1),
    }
    for i in range(DEPTH):
        p.update(block_parameters(gen, f"blocks.{i}", WIDTH))
    p.update(norm_parameters(gen, "norm", WIDTH))
    return p


def learned(gen):
    return normal(gen, 1, 1 + TOKENS, WIDTH, std=0.3)


def positions_for(p, grid):
    positions = p["pos_embed"]
    if grid == GRID:
        return positions
    patches = positions[:, 1:].reshape(1, GRID, GRID, WIDTH).permute(0, 3, 1, 2)
    patches = F.interpolate(patches, size=(grid, grid), mode="bicubic", align_corners=False)
    return torch.cat([positions[:, :1], patches.permute(0, 2, 3, 1).reshape(1, grid * grid, WIDTH)], 1)


def encode(p, images, mask=None):
    """All tokens after the final norm, [B, 1 + N, D], or [B, 2 + N, D] with a distillation token; what `mask` [B, N] hides is `masked_embed`."""
    x = embed_patches(p, images)
    if mask is not None:
        x = torch.where(mask[..., None].bool(), p["masked_embed"].to(x.dtype), x)
    front = [p[n].expand(len(x), -1, -1) for n in ("cls_token", "dist_token") if n in p]
    x = torch.cat([*front, x], 1) + positions_for(p, images.shape[-1] // PATCH)
    for i in range(DEPTH):
        x = block(p, f"blocks.{i}", x, HEADS)
    return layer_norm(p, "norm", x)


# Training -----------------------------------------------------------------------------------------


def train(p, inputs, moving, recipe, dtype):
    fixed = recipe.get("fixed", ())
    student = {n: t.to(dtype).clone().requires_grad_(n not in fixed) for n, t in p.items()}
    teacher = {n: student[n].detach().clone() for n in recipe.get("teacher", ())}
    averaged = [n for n in teacher if n not in fixed]
    trained = {n: t for n, t in student.items() if n not in fixed}

    def follow(momentum):
        for n in averaged:
            teacher[n].mul_(momentum).add_(student[n].detach() * (1 - momentum))

    is_decayed = recipe.get("decayed", lambda n, t: t.ndim > 1)
    groups = [{"params": [t for n, t in trained.items() if is_decayed(n, t) == flag]} for flag in (True, False)]
    optimizer = torch.optim.AdamW(groups, betas=recipe.get("betas", (0.9, 0.999)), eps=1e-8)
    inputs = cast(inputs, dtype)
    losses, first, scales = [], None, []
    for step in range(STEPS):
        now = cast({n: t[step] for n, t in moving.items()}, dtype)
        optimizer.zero_grad(set_to_none=True)
        loss = recipe["loss"](student, teacher, inputs, now, lambda: follow(recipe["momentum"](step)))
        loss.backward()
        first = first or {n: t.grad.clone() for n, t in trained.items()}
        losses.append(loss.detach())
        if "limit" in recipe:
            for t in trained.values():
                scale = recipe["limit"] / (float(t.grad.norm()) + 1e-6)
                scales.append(scale)
                if scale < 1:
                    t.grad.mul_(scale)
        for n, t in trained.items():
            if "last_layer" in n and step < recipe.get("late", 0):
                t.grad = None
        for group, decay in zip(optimizer.param_groups, (recipe["decays"][step], 0.0)):
            group["lr"], group["weight_decay"] = recipe["rates"][step], decay
        optimizer.step()
        if recipe.get("after"):
            follow(recipe["momentum"](step))
    if teacher and not recipe.get("after"):
        follow(recipe["momentum"](STEPS))  # ours averages at the end of a step for the keys of the next
    assert not scales or min(scales) < 1 < max(scales)
    final = {n: t.detach() for n, t in student.items() if not n.startswith("teacher.")}
    return torch.stack(losses), first, final, teacher


def determined(tensors, undetermined):
    """Without what the loss does not depend on, where gradients are rounding and Adam makes steps of it: biases of keys,
    which softmax ignores (0 here), and what the method names."""
    kept = {n: t.clone() for n, t in tensors.items() if n not in undetermined}
    for n, t in kept.items():
        if n.endswith("attn.qkv.bias"):
            t[len(t) // 3 : 2 * len(t) // 3] = 0
    return kept


def moved(tensors, p):
    """What has changed: the rest needs no reference."""
    return {n: t for n, t in tensors.items() if not torch.equal(t.float(), p[n])}


def make(name, p, inputs, moving, recipe):
    p = {n: t.float() for n, t in p.items()}
    runs = [train(p, inputs, moving, recipe, dtype) for dtype in (torch.float64, torch.float32)]
    losses, losses32 = (run[0] for run in runs)
    (first, final, taught), (first32, final32, taught32) = (
        [determined(tensors, recipe.get("undetermined", ())) for tensors in run[1:]] for run in runs
    )
    final, taught = moved(final, p), moved(taught, p)
    measured = {
        "float32_loss_error": relative_error(losses32, losses),
        "float32_grad_error": max(errors(first32, first).values()),
        "float32_final_error": max(errors(final32, final).values()),
        "float32_taught_error": max(errors(taught32, taught).values()) if taught else 0.0,
    }
    write_safetensors(
        f"method-{name}",
        {
            **p,
            **inputs,
            **prefixed("moving", moving),
            "rates": torch.tensor(recipe["rates"]),
            "decays": torch.tensor(recipe["decays"]),
            "losses": losses,
            **prefixed("grad", first),
            **prefixed("final", final),
            **prefixed("taught", taught),
        },
        {
            "settings": {
                "limit": recipe.get("limit", 3e38),
                "by": "tensor",
                "betas": recipe.get("betas", (0.9, 0.999)),
                "late": recipe.get("late", 0),
            },
            **measured,
        },
    )
    print(name, [round(float(x), 4) for x in losses], {k: f"{v:.1e}" for k, v in measured.items()})


# MoCo v3 ------------------------------------------------------------------------------------------


def mlp_parameters(gen, name, widths):
    """Linear without bias and batch norm; the last norm has no scale and shift."""
    p = {}
    for i, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        norm = f"{name}.{3 * i + 1}"
        p[f"{name}.{3 * i}.weight"] = normal(gen, outputs, inputs, std=inputs**-0.5)
        if i < len(widths) - 2:
            p.update(norm_parameters(gen, norm, outputs))
        p[f"{norm}.running_mean"], p[f"{norm}.running_var"] = torch.zeros(outputs), torch.ones(outputs)
    return p


def batch_norm_mlp(p, name, x, layers):
    for i in range(layers):
        norm = f"{name}.{3 * i + 1}"
        affine = [p.get(f"{norm}.{part}") for part in ("weight", "bias")]
        x = F.linear(x, p[f"{name}.{3 * i}.weight"])
        x = F.batch_norm(x, p[f"{norm}.running_mean"], p[f"{norm}.running_var"], *affine, True, 0.1, 1e-5)
        x = F.relu(x) if i < layers - 1 else x
    return x


def moco_loss(student, teacher, inputs, _now, follow):
    views = inputs["views.0"].chunk(2)
    project = lambda p, x: batch_norm_mlp(p, "head", encode(p, x)[:, 0], 3)
    queries = [batch_norm_mlp(student, "predictor", project(student, x), 2) for x in views]
    with torch.no_grad():
        follow()
        keys = [project(teacher, x) for x in views]

    def contrast(q, k):
        logits = F.normalize(q, dim=1) @ F.normalize(k, dim=1).T / 0.2
        return F.cross_entropy(logits, torch.arange(len(q))) * 2 * 0.2

    return contrast(queries[0], keys[1]) + contrast(queries[1], keys[0])


def make_moco():
    gen = generator(201)
    p = encoder_parameters(gen, with_cls_row(sin_cos(WIDTH, GRID, "moco")).float())
    p.update(mlp_parameters(gen, "head", [WIDTH, HIDDEN, HIDDEN, 8]))
    own = list(p)
    p.update(mlp_parameters(gen, "predictor", [8, HIDDEN, 8]))
    momentum = lambda t: half_cosine(0.9, 1, t, STEPS)
    recipe = {
        "loss": moco_loss,
        "teacher": own,
        "fixed": ["pos_embed", *[n for n in p if n.startswith("patch_embed.") or "running" in n]],
        "decayed": lambda n, t: True,
        # Batch norm ignores what is added to all rows; the running means behind it see it.
        "undetermined": ["norm.bias", "head.1.running_mean", "predictor.1.running_mean"],
        "rates": warm(3e-3, 0, 2),
        "decays": [0.1] * STEPS,
        "momentum": momentum,
    }
    moving = {"momentum": torch.tensor([momentum(t + 1) for t in range(STEPS)])}
    make("moco-v3", p, {"views.0": normal(gen, 16, CHANNELS, IMAGE, IMAGE)}, moving, recipe)


# DINO and iBOT ------------------------------------------------------------------------------------


def head_parameters(gen):
    p = {}
    for i, (inputs, outputs) in zip((0, 2, 4), ((WIDTH, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, BOTTLENECK))):
        p.update(linear_parameters(gen, f"head.mlp.{i}", outputs, inputs))
    p["head.last_layer.weight_v"] = normal(gen, PROTOTYPES, BOTTLENECK)
    p["head.last_layer.weight_g"] = normal(gen, PROTOTYPES, 1, std=0.1, mean=1.0)
    return p


def prototype_head(p, x):
    x = linear(p, "head.mlp.0", x)
    x = linear(p, "head.mlp.2", F.gelu(x))
    x = F.normalize(linear(p, "head.mlp.4", F.gelu(x)), dim=-1)
    v = p["head.last_layer.weight_v"]
    return F.linear(x, p["head.last_layer.weight_g"] * v / v.norm(dim=1, keepdim=True))


def cross_entropies(student, target):
    return -(target * F.log_softmax(student / 0.1, -1)).sum(-1)


def class_loss(student, teacher, center, temperature):
    """Lists of [B, K], a view each: the mean over all pairs of different views."""
    terms = [
        cross_entropies(s, ((t - center) / temperature).softmax(-1)).mean()
        for i, t in enumerate(teacher)
        for v, s in enumerate(student)
        if v != i
    ]
    return sum(terms) / len(terms)


def dino_loss(student, teacher, inputs, now, _follow):
    globals_, locals_ = inputs["views.0"], inputs["views.1"]
    with torch.no_grad():
        taught = prototype_head(teacher, encode(teacher, globals_)[:, 0])
    features = torch.cat([encode(student, x)[:, 0] for x in (globals_, locals_)])
    said = prototype_head(student, features).chunk(4)
    loss = class_loss(said, taught.chunk(2), teacher["center"], now["temperature"])
    teacher["center"].mul_(now["centerMomentum"]).add_(taught.mean(0) * (1 - now["centerMomentum"]))
    return loss


def ibot_loss(student, teacher, inputs, now, _follow):
    globals_, locals_, mask = inputs["views.0"], inputs["views.1"], now["mask"]
    with torch.no_grad():
        taught = prototype_head(teacher, encode(teacher, globals_))
    taught, patches = taught[:, 0], taught[:, 1:]
    said = prototype_head(student, encode(student, globals_, mask))
    small = prototype_head(student, encode(student, locals_)[:, 0])
    views = [*said[:, 0].chunk(2), *small.chunk(2)]
    loss = class_loss(views, taught.chunk(2), teacher["center"], now["temperature"])
    target = ((patches - teacher["center2"]) / now["patchTemperature"]).softmax(-1)
    for s, t, m in zip(said[:, 1:].chunk(2), target.chunk(2), mask.to(target.dtype).chunk(2)):
        hidden = (cross_entropies(s, t) * m).sum(-1) / m.sum(-1).clamp(min=1.0)
        loss = loss + hidden.mean() / 2
    for name, mean in (("center", taught.mean(0)), ("center2", patches.mean(1).mean(0))):
        teacher[name].mul_(now["centerMomentum"]).add_(mean * (1 - now["centerMomentum"]))
    return loss


def hidden_patches(gen, crops, most):
    """Per step and crop a mask with 0 to `most` hidden; hidden patches first; what each weighs."""
    mask = torch.zeros(STEPS, crops, TOKENS, dtype=torch.long)
    order = torch.zeros(STEPS, crops, TOKENS, dtype=torch.long)
    weights = torch.zeros(STEPS, crops, most)
    for s in range(STEPS):
        for b in range(crops):
            count = [0, 3, 5, most][int(torch.randint(4, (1,), generator=gen))]
            mask[s, b, torch.randperm(TOKENS, generator=gen)[:count]] = 1
            order[s, b] = torch.cat([mask[s, b].nonzero()[:, 0], (mask[s, b] == 0).nonzero()[:, 0]])
            weights[s, b, :count] = 1 / (crops * max(count, 1))
    return {"mask": mask, "order": order, "weights": weights}


def make_prototypes(name, seed, loss, limit):
    gen, batch = generator(seed), 3
    p = encoder_parameters(gen, learned(gen))
    p.update(head_parameters(gen))
    centers = ["center"] if name == "dino" else ["center", "center2"]
    shared = list(p)
    p.update({center: normal(gen, PROTOTYPES, std=0.1) for center in centers})
    if name == "ibot":
        p["masked_embed"] = normal(gen, 1, WIDTH, std=0.5)
    momentum = lambda t: half_cosine(0.9, 1, t, STEPS)
    warming = [0.04, 0.055, 0.07, 0.07, 0.07]
    moving = {
        "temperature": torch.tensor([warming[t // PER_EPOCH] for t in range(STEPS)]),
        "momentum": torch.tensor([momentum(t) for t in range(STEPS)]),
        "centerMomentum": torch.full((STEPS,), 0.9),
    }
    if name == "ibot":
        moving["patchTemperature"] = torch.tensor([0.05 + 0.004 * t for t in range(STEPS)])
        moving.update(hidden_patches(gen, 2 * batch, 8))
    recipe = {
        "loss": loss,
        "teacher": [*shared, *centers],
        "fixed": centers,
        "limit": limit,
        "late": LATE,
        "rates": [3e-3 * t / 2 for t in range(3)] + [half_cosine(3e-3, 1e-5, t, STEPS - 3) for t in range(STEPS - 3)],
        "decays": [half_cosine(0.04, 0.4, t, STEPS) for t in range(STEPS)],
        "momentum": momentum,
        "after": True,
    }
    views = {
        "views.0": normal(gen, 2 * batch, CHANNELS, IMAGE, IMAGE),
        "views.1": normal(gen, 2 * batch, CHANNELS, IMAGE // 2, IMAGE // 2),
    }
    make(name, p, views, moving, recipe)


# Supervised ---------------------------------------------------------------------------------------


def supervised_loss(student, _teacher, inputs, now, _follow):
    """`mix`: share of the own picture, box of the partner's (top, left, bottom, right), share of the own label. What `student`
    has of a teacher stays as it is."""
    images, labels = inputs["views.0"], inputs["labels"]
    _, *box, own = now["mix"]
    top, left, bottom, right = (int(x) for x in box)
    if bottom > top and right > left:
        mixed = images.clone()
        mixed[:, :, top:bottom, left:right] = images.flip(0)[:, :, top:bottom, left:right]
    else:
        mixed = images * own + images.flip(0) * (1 - own)
    smooth = lambda l: F.one_hot(l, CLASSES).to(images.dtype) * 0.9 + 0.1 / CLASSES
    target = smooth(labels) * own + smooth(labels.flip(0)) * (1 - own)
    tokens = encode(student, mixed)
    logits = linear(student, "head", tokens[:, 0])
    loss = -(target * F.log_softmax(logits, -1)).sum(-1).mean()
    teacher = {n.removeprefix("teacher."): t for n, t in student.items() if n.startswith("teacher.")}
    if not teacher:
        return loss
    with torch.no_grad():
        opinion = linear(teacher, "head", encode(teacher, mixed)[:, 0]).argmax(-1)
    return (loss + F.cross_entropy(linear(student, "head_dist", tokens[:, 1]), opinion)) / 2


def make_supervised(name="supervised", seed=204, is_distilled=False):
    gen = generator(seed)
    p = encoder_parameters(gen, normal(gen, 1, 2 + TOKENS, WIDTH, std=0.3) if is_distilled else learned(gen))
    p.update(linear_parameters(gen, "head", CLASSES, WIDTH))
    fixed = {}
    if is_distilled:
        p["dist_token"] = normal(gen, 1, 1, WIDTH, std=0.5)
        p.update(linear_parameters(gen, "head_dist", CLASSES, WIDTH))
        fixed = encoder_parameters(gen, learned(gen))
        fixed.update(linear_parameters(gen, "head", CLASSES, WIDTH))
        fixed = prefixed("teacher", fixed)
    boxes = [[0, 0, 0, 0], [2, 3, 9, 12]]
    shares = [0.3 + 0.05 * t if t % 2 == 0 else 1 - 63 / IMAGE**2 for t in range(STEPS)]
    recipe = {
        "loss": supervised_loss,
        "teacher": list(p),
        "fixed": list(fixed),
        "decayed": lambda n, t: t.ndim > 1 and n not in ("cls_token", "pos_embed"),
        "rates": warm(3e-3, 1e-5, 2),
        "decays": [0.05] * STEPS,
        "momentum": lambda _: 0.9,
        "after": True,
    }
    shown = [shares[t] if t % 2 == 0 else 1.0 for t in range(STEPS)]
    moving = {
        "mix": torch.tensor([[shown[t], *boxes[t % 2], shares[t]] for t in range(STEPS)]),
        "emaDecay": torch.full((STEPS,), 0.9),
    }
    images = normal(gen, 4, CHANNELS, IMAGE, IMAGE)
    inputs = {"views.0": images, "labels": torch.tensor([4, 0, 2, 1])}
    make(name, {**p, **fixed}, inputs, moving, recipe)


# MAE ----------------------------------------------------------------------------------------------


def masked_autoencoder(p, _teacher, inputs, now, _follow):
    images, noise = inputs["views.0"], now["noise"]
    order = noise.argsort(1)
    keep = TOKENS // 4
    x = embed_patches(p, images) + p["pos_embed"][:, 1:]
    rows = lambda t, index: torch.gather(t, 1, index[..., None].expand(-1, -1, t.shape[-1]))
    x = rows(x, order[:, :keep])
    cls = (p["cls_token"] + p["pos_embed"][:, :1]).expand(len(x), -1, -1)
    x = torch.cat([cls, x], 1)
    for i in range(DEPTH):
        x = block(p, f"blocks.{i}", x, HEADS)
    x = linear(p, "decoder_embed", layer_norm(p, "norm", x))
    hidden = p["mask_token"].expand(len(x), TOKENS - keep, -1)
    patches = rows(torch.cat([x[:, 1:], hidden], 1), order.argsort(1))
    x = torch.cat([x[:, :1], patches], 1) + p["decoder_pos_embed"]
    x = layer_norm(p, "decoder_norm", block(p, "decoder_blocks.0", x, 2))
    mask = (order.argsort(1) >= keep).to(images.dtype)
    return mae_loss(linear(p, "decoder_pred", x)[:, 1:], images, mask, True)


def make_mae():
    gen, width = generator(205), 8
    p = encoder_parameters(gen, with_cls_row(sin_cos(WIDTH, GRID, "mae")).float())
    p["mask_token"] = normal(gen, 1, 1, width, std=0.5)
    p["decoder_pos_embed"] = with_cls_row(sin_cos(width, GRID, "mae")).float()
    p.update(linear_parameters(gen, "decoder_embed", width, WIDTH))
    p.update(block_parameters(gen, "decoder_blocks.0", width))
    p.update(norm_parameters(gen, "decoder_norm", width))
    p.update(linear_parameters(gen, "decoder_pred", PATCH * PATCH * CHANNELS, width))
    recipe = {
        "loss": masked_autoencoder,
        "fixed": ["pos_embed", "decoder_pos_embed"],
        "betas": (0.9, 0.95),
        "rates": warm(3e-3, 0, 2),
        "decays": [0.05] * STEPS,
    }
    moving = {"noise": torch.rand(STEPS, 3, TOKENS, generator=gen)}
    make("mae", p, {"views.0": normal(gen, 3, CHANNELS, IMAGE, IMAGE)}, moving, recipe)


if __name__ == "__main__":
    torch.set_num_threads(1)
    make_moco()
    make_prototypes("dino", 202, dino_loss, 0.3)
    make_prototypes("ibot", 203, ibot_loss, 0.3)
    make_supervised()
    make_supervised("distilled", 206, is_distilled=True)
    make_mae()
