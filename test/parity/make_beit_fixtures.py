"""Writes fixtures/{beit,data2vec,data2vec-sincos,cae}.safetensors: the methods that hide blocks in PyTorch.

Run:    /usr/bin/python3 test/parity/make_beit_fixtures.py
Needs:  PyTorch 1.13 on the CPU (Debian: apt-get install python3-torch), nothing else.

Written from the papers and the official files modeling_pretrain.py (BEiT), engine_for_cyclical.py (data2vec) and
modeling_cae_helper.py (CAE) with plain torch functions: loss and every gradient of the first step, then ten steps of AdamW
with rates, masks and clipping moving. References are computed in float64 from float32 inputs and stored as float32.
"""

import math

import torch
import torch.nn.functional as F

from make_fixtures import (
    CHANNELS,
    EPS,
    GRID,
    IMAGE,
    PATCH,
    TOKENS,
    attention,
    cast,
    errors,
    generator,
    layer_norm,
    linear,
    linear_parameters,
    norm_parameters,
    normal,
    prefixed,
    relative_error,
    write_safetensors,
)

BATCH, STEPS, CODES = 3, 10, 12
LENGTH = CHANNELS * PATCH * PATCH
RATES = [3e-3 * t / 2 for t in range(3)] + [
    1e-5 + (3e-3 - 1e-5) * 0.5 * (1 + math.cos(math.pi * t / 7)) for t in range(7)
]
DECAY = 0.05


# Networks -----------------------------------------------------------------------------------------


def attention_parameters(gen, name, width, packed):
    weights = {"qkv.weight": (3 * width, width)} if packed else {f"{k}.weight": (width, width) for k in "qkv"}
    p = {f"{name}.{k}": normal(gen, *shape, std=width**-0.5) for k, shape in weights.items()}
    p[f"{name}.q_bias"] = normal(gen, width, std=0.3)
    p[f"{name}.v_bias"] = normal(gen, width, std=0.3)
    p.update(linear_parameters(gen, f"{name}.proj", width, width))
    return p


def mlp_parameters(gen, name, width):
    return {
        **linear_parameters(gen, f"{name}.fc1", 4 * width, width),
        **linear_parameters(gen, f"{name}.fc2", width, 4 * width),
    }


def gamma(gen, name, width):
    return {name: normal(gen, width, std=0.1, mean=0.7)}


def blocks_parameters(gen, prefix, width, depth):
    p = {}
    for i in range(depth):
        b = f"{prefix}.{i}"
        p.update(norm_parameters(gen, f"{b}.norm1", width))
        p.update(attention_parameters(gen, f"{b}.attn", width, True))
        p.update(gamma(gen, f"{b}.ls1.gamma", width))
        p.update(norm_parameters(gen, f"{b}.norm2", width))
        p.update(mlp_parameters(gen, f"{b}.mlp", width))
        p.update(gamma(gen, f"{b}.ls2.gamma", width))
    return p


def encoder_parameters(gen, width, heads, relative):
    p = {"cls_token": normal(gen, 1, 1, width, std=0.5)}
    if relative:
        rows = (2 * GRID - 1) ** 2 + 3
        p["rel_pos_bias.relative_position_bias_table"] = normal(gen, rows, heads, std=0.5)
    else:
        p["pos_embed"] = sincos(width)
    p["patch_embed.proj.weight"] = normal(gen, width, CHANNELS, PATCH, PATCH, std=LENGTH**-0.5)
    p["patch_embed.proj.bias"] = normal(gen, width, std=0.1)
    p.update(blocks_parameters(gen, "blocks", width, 2))
    p.update(norm_parameters(gen, "norm", width))
    return p


def sincos(width):
    """MoCo's and CAE's order: rows first. [1, 1 + N, width]"""
    omega = 10_000.0 ** (-torch.arange(width // 4, dtype=torch.float64) / (width // 4))
    r, c = torch.meshgrid(torch.arange(GRID), torch.arange(GRID), indexing="ij")
    parts = [f(x.reshape(-1, 1) * omega) for x in (r, c) for f in (torch.sin, torch.cos)]
    return torch.cat([torch.zeros(1, width, dtype=torch.float64), torch.cat(parts, 1)])[None].float()


def split(x, heads):
    B, N, D = x.shape
    return x.reshape(B, N, heads, D // heads).transpose(1, 2)


def attend(p, name, q, k, v, heads, bias=None):
    """Queries and values have a bias, keys none. -> [B, N, D]"""
    if f"{name}.qkv.weight" in p:
        wq, wk, wv = p[f"{name}.qkv.weight"].chunk(3)
    else:
        wq, wk, wv = (p[f"{name}.{part}.weight"] for part in "qkv")
    q = split(F.linear(q, wq, p[f"{name}.q_bias"]), heads)
    mixed = attention(q, split(F.linear(k, wk), heads), split(F.linear(v, wv, p[f"{name}.v_bias"]), heads), bias)
    B, H, N, d = mixed.shape
    return linear(p, f"{name}.proj", mixed.transpose(1, 2).reshape(B, N, H * d))


def mlp(p, name, x):
    return linear(p, f"{name}.fc2", F.gelu(linear(p, f"{name}.fc1", x)))


def blocks(p, prefix, x, heads, depth, bias=None):
    outputs = []
    for i in range(depth):
        b = f"{prefix}.{i}"
        normed = layer_norm(p, f"{b}.norm1", x)
        x = x + p[f"{b}.ls1.gamma"] * attend(p, f"{b}.attn", normed, normed, normed, heads, bias)
        x = x + p[f"{b}.ls2.gamma"] * mlp(p, f"{b}.mlp", layer_norm(p, f"{b}.norm2", x))
        outputs.append(x)
    return outputs


def relative_bias(p):
    """BEiT's shared bias, [H, 1 + N, 1 + N], as RelativePositionBias builds its index."""
    coords = torch.stack(torch.meshgrid(torch.arange(GRID), torch.arange(GRID), indexing="ij")).flatten(1)
    delta = (coords[:, :, None] - coords[:, None, :]).permute(1, 2, 0) + GRID - 1
    rows = (2 * GRID - 1) ** 2 + 3
    index = torch.zeros(1 + TOKENS, 1 + TOKENS, dtype=torch.long)
    index[1:, 1:] = delta[..., 0] * (2 * GRID - 1) + delta[..., 1]
    index[0, :], index[:, 0], index[0, 0] = rows - 3, rows - 2, rows - 1
    return p["rel_pos_bias.relative_position_bias_table"][index].permute(2, 0, 1)


def patch_tokens(p, images):
    x = F.conv2d(images, p["patch_embed.proj.weight"], p["patch_embed.proj.bias"], stride=PATCH)
    return x.flatten(2).transpose(1, 2)


def bias_of(p):
    """Of relative positions; those that are added to the patches need none."""
    return None if "pos_embed" in p else relative_bias(p)


def placed(p, x):
    return x + p["pos_embed"][:, 1:] if "pos_embed" in p else x


def with_class(p, x):
    return torch.cat([p["cls_token"].expand(len(x), -1, -1), x], 1)


# The tokenizer ------------------------------------------------------------------------------------


def codes_of(codebook, images):
    """Nearest code of every patch normalised over (row, column, channel), [B, N]; how clear the nearest is."""
    B = len(images)
    x = images.reshape(B, CHANNELS, GRID, PATCH, GRID, PATCH).permute(0, 2, 4, 3, 5, 1).reshape(B, TOKENS, LENGTH)
    x = (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 0.01).sqrt()
    distance = torch.cdist(x, codebook[None].expand(B, -1, -1))
    nearest = distance.topk(2, largest=False)
    return nearest.indices[..., 0], float((nearest.values[..., 1] - nearest.values[..., 0]).min())


# The methods --------------------------------------------------------------------------------------


def masks(gen, counts):
    """Per step and picture a mask with one of `counts` hidden; hidden patches first; 1 / hidden in front."""
    most = max(counts)
    mask = torch.zeros(STEPS, BATCH, TOKENS)
    order = torch.zeros(STEPS, BATCH, TOKENS, dtype=torch.long)
    weights = torch.zeros(STEPS, BATCH, most)
    for s in range(STEPS):
        for b in range(BATCH):
            count = counts[int(torch.randint(len(counts), (1,), generator=gen))]
            mask[s, b, torch.randperm(TOKENS, generator=gen)[:count]] = 1
            order[s, b] = torch.cat([mask[s, b].nonzero()[:, 0], (mask[s, b] == 0).nonzero()[:, 0]])
            weights[s, b, :count] = 1
        weights[s] /= weights[s].sum()
    return {"mask": mask.long(), "order": order, "weights": weights}


def encode_masked(p, images, mask, heads):
    m = mask[..., None].to(images.dtype)
    x = with_class(p, placed(p, patch_tokens(p, images) * (1 - m) + p["mask_token"] * m))
    return layer_norm(p, "norm", blocks(p, "blocks", x, heads, 2, bias_of(p))[-1])


def beit_loss(p, inputs, moving, _teacher):
    hidden = moving["mask"].bool()
    x = encode_masked(p, inputs["images"], moving["mask"], 4)[:, 1:][hidden]
    return F.cross_entropy(linear(p, "lm_head", x), inputs["codes"][hidden])


def data2vec_loss(p, inputs, moving, teacher):
    hidden = moving["mask"].bool()
    with torch.no_grad():
        x = with_class(teacher, placed(teacher, patch_tokens(teacher, inputs["images"])))
        every = blocks(teacher, "blocks", x, 4, 2, bias_of(teacher))
        plain = lambda t: F.layer_norm(t, t.shape[-1:], eps=1e-5)
        target = plain(sum(plain(t[:, 1:]) for t in every[-2:]) / 2)[hidden]
    x = encode_masked(p, inputs["images"], moving["mask"], 4)[:, 1:][hidden]
    return F.smooth_l1_loss(linear(p, "lm_head", x), target, beta=2.0)


def rows(x, index):
    return torch.gather(x, 1, index[..., None].expand(-1, -1, x.shape[-1]))


def cae_loss(p, inputs, moving, teacher):
    heads, neck = 2, "pretext_neck"
    images, order = inputs["images"], moving["order"]
    hidden, visible = order[:, :8], order[:, 8:]
    positions = p["pos_embed"][:, 1:].expand(BATCH, -1, -1)
    pos_m, pos_v = rows(positions, hidden), rows(positions, visible)

    def encode(q, index):
        x = rows(patch_tokens(q, images) + positions, index)
        return layer_norm(q, "norm", blocks(q, "blocks", with_class(q, x), heads, 2)[-1])[:, 1:]

    seen = encode(p, visible)
    with torch.no_grad():
        target = encode(teacher, hidden)
    x = p["mask_token"].expand(BATCH, 8, -1)
    pos_kv = torch.cat([pos_v, pos_m], 1)
    for i in range(2):
        b = f"{neck}.regressor_blocks.{i}"
        kv = torch.cat([seen, x], 1)
        norm = lambda part, t: layer_norm(p, f"{b}.{part}", t)
        mixed = attend(
            p, f"{b}.cross_attn", norm("norm1_q", x + pos_m), norm("norm1_k", kv + pos_kv), norm("norm1_v", kv), heads
        )
        x = norm("norm2_cross", x + p[f"{b}.gamma_1_cross"] * mixed)
        x = x + p[f"{b}.gamma_2_cross"] * mlp(p, f"{b}.mlp_cross", x)
    predicted = layer_norm(p, f"{neck}.norm", x)
    decoded = layer_norm(p, f"{neck}.norm2", blocks(p, f"{neck}.decoder_blocks", predicted + pos_m, heads, 1)[-1])
    logits = linear(p, f"{neck}.head", decoded)
    codes = torch.gather(inputs["codes"], 1, hidden)
    return F.cross_entropy(logits.flatten(0, 1), codes.flatten()) + 2 * F.mse_loss(predicted, target)


# Training -----------------------------------------------------------------------------------------


def train(p, inputs, moving, loss_of, dtype, limit, fixed, undecayed, teacher_names, follow):
    leaves = {name: t.to(dtype).clone().requires_grad_(name not in fixed) for name, t in p.items()}
    teacher = {name: leaves[name].detach().clone() for name in teacher_names}
    trained = {name: t for name, t in leaves.items() if name not in fixed}
    decayed = lambda name: trained[name].ndim > 1 and name not in undecayed
    optimizer = torch.optim.AdamW(
        [
            {"params": [t for n, t in trained.items() if decayed(n)], "weight_decay": DECAY},
            {"params": [t for n, t in trained.items() if not decayed(n)], "weight_decay": 0.0},
        ],
        betas=(0.9, 0.999),
        eps=1e-8,
    )
    inputs = cast(inputs, dtype)
    losses, norms, first = [], [], None
    for step in range(STEPS):
        now = cast({name: t[step] for name, t in moving.items()}, dtype)
        optimizer.zero_grad()
        loss = loss_of(leaves, inputs, now, teacher)
        loss.backward()
        first = first or {name: t.grad.clone() for name, t in trained.items()}
        losses.append(loss.detach())
        norms.append(float(torch.nn.utils.clip_grad_norm_(trained.values(), limit)))
        if follow == "copy":
            for name, t in teacher.items():
                t.copy_(leaves[name].detach())
        for group in optimizer.param_groups:
            group["lr"] = RATES[step]
        optimizer.step()
        if follow == "average":
            for name, t in teacher.items():
                t.mul_(now["momentum"]).add_(leaves[name].detach() * (1 - now["momentum"]))
    assert min(norms) < limit < max(norms), norms  # clipping binds at some steps and not at others
    final = {name: t.detach() for name, t in trained.items()}
    return torch.stack(losses), first, final, {n: t for n, t in teacher.items() if n not in fixed}


def determined(tensors):
    """Without the biases of norms of keys: softmax ignores them, so their gradient is nothing but rounding."""
    return {name: t for name, t in tensors.items() if not name.endswith("norm1_k.bias")}


def make(name, p, inputs, moving, loss_of, limit, fixed=(), undecayed=(), teacher=False, follow=None):
    teacher_names = [n for n in p if teacher and not n.startswith(("mask_token", "lm_head", "pretext_neck"))]
    args = (inputs, moving, loss_of)
    rest = (limit, fixed, undecayed, teacher_names, follow)
    losses, first, final, taught = train(p, *args, torch.float64, *rest)
    losses32, first32, final32, taught32 = train(p, *args, torch.float32, *rest)
    stored = {n: t for n, t in inputs.items() if n != "codes"}
    write_safetensors(
        name,
        {
            **p,
            **stored,
            **prefixed("moving", moving),
            "rates": torch.tensor(RATES),
            "losses": losses,
            **prefixed("grad", first),
            **prefixed("final", final),
            **prefixed("taught", taught),
        },
        {
            "settings": {"weightDecay": DECAY, "limit": limit},
            "parameters": list(p),
            "float32_loss_error": relative_error(losses32, losses),
            "float32_grad_error": max(errors(first32, determined(first)).values()),
            "float32_final_error": max(errors(final32, determined(final)).values()),
            "float32_taught_error": max(errors(taught32, taught).values()) if taught else 0.0,
        },
    )
    print(name, [float(x) for x in losses.float()], errors(final32, final)["*"], max(errors(first32, determined(first)).values()))


def tokenized(gen):
    """Pictures and codes such that no nearest code is a matter of rounding."""
    while True:
        images = normal(gen, BATCH, CHANNELS, IMAGE, IMAGE)
        codebook = normal(gen, CODES, LENGTH)
        codes, margin = codes_of(codebook.double(), images.double())
        if margin > 2e-3:
            return {"images": images, "tokenizer.codebook": codebook, "codes": codes}


def make_beit():
    gen = generator(101)
    p = encoder_parameters(gen, 32, 4, True)
    p["mask_token"] = normal(gen, 1, 1, 32, std=0.5)
    p.update(linear_parameters(gen, "lm_head", CODES, 32))
    make("beit", p, tokenized(gen), masks(gen, [4, 5, 6]), beit_loss, 4.0, undecayed=["cls_token"])


def make_data2vec(name, seed, width, relative):
    gen = generator(seed)
    p = encoder_parameters(gen, width, 4, relative)
    p["mask_token"] = normal(gen, 1, 1, width, std=0.5)
    p.update(linear_parameters(gen, "lm_head", width, width))
    images = {"images": normal(gen, BATCH, CHANNELS, IMAGE, IMAGE)}
    moving = {**masks(gen, [7, 8, 9]), "momentum": torch.full((STEPS,), 0.9)}
    kept = {"fixed": [] if relative else ["pos_embed"], "undecayed": ["cls_token"]}
    make(name, p, images, moving, data2vec_loss, 0.4, **kept, teacher=True, follow="average")


def make_cae():
    gen, width, neck = generator(103), 16, "pretext_neck"
    p = encoder_parameters(gen, width, 2, False)
    p["mask_token"] = normal(gen, 1, 1, width, std=0.5)
    for i in range(2):
        b = f"{neck}.regressor_blocks.{i}"
        for part in ("norm1_q", "norm1_k", "norm1_v", "norm2_cross"):
            p.update(norm_parameters(gen, f"{b}.{part}", width))
        p.update(attention_parameters(gen, f"{b}.cross_attn", width, False))
        p.update(mlp_parameters(gen, f"{b}.mlp_cross", width))
        p.update(gamma(gen, f"{b}.gamma_1_cross", width))
        p.update(gamma(gen, f"{b}.gamma_2_cross", width))
    p.update(blocks_parameters(gen, f"{neck}.decoder_blocks", width, 1))
    p.update(norm_parameters(gen, f"{neck}.norm", width))
    p.update(norm_parameters(gen, f"{neck}.norm2", width))
    p.update(linear_parameters(gen, f"{neck}.head", CODES, width))
    moving = {"order": masks(gen, [8])["order"]}
    make("cae", p, tokenized(gen), moving, cae_loss, 6.0, fixed=["pos_embed"], teacher=True, follow="copy")


if __name__ == "__main__":
    torch.set_num_threads(1)
    make_beit()
    make_data2vec("data2vec", 102, 32, True)
    make_data2vec("data2vec-sincos", 104, 16, False)
    make_cae()
