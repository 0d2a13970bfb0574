"""Writes fixtures/attentive-*.safetensors: some steps of the attentive probe, as PyTorch takes them.

Run:    /usr/bin/python3 test/parity/make_probe_fixtures.py
Needs:  PyTorch 1.13 on the CPU (Debian: apt-get install python3-torch), nothing else.

Written from the papers' description with plain torch functions: a query asks the tokens by cross-attention with a layer norm each
for query, keys and values; batch norm without affine (eps 1e-5); a linear classifier. Loss and every gradient of the first step,
the loss of each of five, and where these leave every parameter and running statistic. With a query of zeros under Nesterov's SGD,
as CAE has it, and with another one under plain SGD, as the study's part classification. References are computed in float64 from
float32 inputs and stored as float32.
"""

import torch
import torch.nn.functional as F

from make_fixtures import (
    attention,
    errors,
    generator,
    layer_norm,
    linear,
    linear_parameters,
    norm_parameters,
    normal,
    prefixed,
    write_safetensors,
)

BATCH, TOKENS, WIDTH, HEADS, CLASSES = 6, 5, 8, 2, 4
RATES = [0.02, 0.05, 0.08, 0.06, 0.01]


def heads(x):
    batch, tokens, _ = x.shape
    return x.reshape(batch, tokens, HEADS, WIDTH // HEADS).transpose(1, 2)


def answer(p, tokens):
    query = layer_norm(p, "attentive.norm1_q", p["query_token"].expand(len(tokens), 1, WIDTH))
    keys, values = (layer_norm(p, f"attentive.norm1_{part}", tokens) for part in "kv")
    name = "attentive.cross_attn"
    q = F.linear(query, p[f"{name}.q.weight"], p[f"{name}.q_bias"])
    k = F.linear(keys, p[f"{name}.k.weight"])
    v = F.linear(values, p[f"{name}.v.weight"], p[f"{name}.v_bias"])
    found = attention(heads(q), heads(k), heads(v)).transpose(1, 2).reshape(len(tokens), WIDTH)
    return linear(p, f"{name}.proj", found)


def parameters(gen, query):
    p = {"query_token": query}
    for part in "qkv":
        p.update(norm_parameters(gen, f"attentive.norm1_{part}", WIDTH))
    for part in "qkv":
        p[f"attentive.cross_attn.{part}.weight"] = normal(gen, WIDTH, WIDTH, std=WIDTH**-0.5)
    for part in "qv":
        p[f"attentive.cross_attn.{part}_bias"] = normal(gen, WIDTH, std=0.1)
    p.update(linear_parameters(gen, "attentive.cross_attn.proj", WIDTH, WIDTH))
    p.update(linear_parameters(gen, "head", CLASSES, WIDTH))
    return p


def run(start, tokens, labels, nesterov, dtype):
    p = {name: value.to(dtype, copy=True).requires_grad_() for name, value in start.items()}
    mean, var = torch.zeros(WIDTH, dtype=dtype), torch.ones(WIDTH, dtype=dtype)
    optimizer = torch.optim.SGD(p.values(), lr=1.0, momentum=0.9, nesterov=nesterov)
    losses, gradients = [], {}
    for step, rate in enumerate(RATES):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        normed = F.batch_norm(answer(p, tokens.to(dtype)), mean, var, training=True, momentum=0.1, eps=1e-5)
        loss = F.cross_entropy(linear(p, "head", normed), labels)
        loss.backward()
        if step == 0:
            gradients = {name: value.grad.clone() for name, value in p.items()}
        optimizer.step()
        losses.append(loss.detach())
    after = {name: value.detach() for name, value in p.items()}
    after.update({"norm.running_mean": mean, "norm.running_var": var})
    return torch.stack(losses), gradients, after


def make_attentive(name, offset, is_zero, nesterov):
    gen = generator(offset)
    query = torch.zeros(1, 1, WIDTH) if is_zero else normal(gen, 1, 1, WIDTH, std=0.5)
    start = parameters(gen, query)
    tokens = normal(gen, BATCH, TOKENS, WIDTH, std=1.5, mean=0.3)
    labels = torch.arange(BATCH) % CLASSES
    losses, gradients, after = run(start, tokens, labels, nesterov, torch.float64)
    plain = run(start, tokens, labels, nesterov, torch.float32)
    write_safetensors(
        f"attentive-{name}",
        {
            **{"tokens": tokens, "labels": labels, "losses": losses, "rates": torch.tensor(RATES)},
            **prefixed("start", start),
            **prefixed("gradient", gradients),
            **prefixed("after", after),
        },
        {
            "settings": {"width": WIDTH, "heads": HEADS, "classes": CLASSES},
            "float32_error": {
                "losses": errors({"losses": plain[0]}, {"losses": losses})["*"],
                "gradient": errors(plain[1], gradients)["*"],
                "after": errors(plain[2], after)["*"],
            },
        },
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    make_attentive("cae", 70, is_zero=True, nesterov=True)
    make_attentive("parts", 71, is_zero=False, nesterov=False)
