"""Makes what PyTorch and Transformers compute with the real all-MiniLM-L6-v2.

    OMP_NUM_THREADS=1 python generate.py [MODEL_FOLDER]

Made with torch 2.13.0, transformers 5.23.0, tokenizers 0.23.3, safetensors 0.8.0, numpy 2.4.6 on
the CPU, one thread. MODEL_FOLDER defaults to `swift-finetune/all-MiniLM-L6-v2` in the user's cache
folder; its weights must have the SHA-256 below. The texts were written for this fixture
(`texts.py`), the labels are made up. n = 240 texts.

`texts.json`: the texts, an array of strings.

`embeddings.safetensors`: sentence embeddings, each text run alone in float32, truncated to 256
tokens (`sentence_bert_config.json`; `tokenizer.json` itself says 128), mean over all tokens, divided
by the L2 norm.
    ids         int32 [tokens], packed: one text after the other, with [CLS] and [SEP]
    lengths     int32 [n]
    embeddings  float32 [n, 384]

`classification.safetensors`: logits of `BertForSequenceClassification` (the pretrained pooler and
the random classifier stored here), each text run alone in float32, truncated to 128 tokens.
    ids, lengths        as above
    classifier.weight   float32 [6, 384]
    classifier.bias     float32 [6]
    logits              float32 [n, 6]

`training.safetensors`: 20 steps of training from the pretrained weights and that classifier.
Dropout off; every batch padded to its longest text, with an attention mask; mean cross-entropy;
gradients clipped to a global norm of 1 (`torch.nn.utils.clip_grad_norm_`); AdamW at a constant rate
of 1e-4, betas 0.9 and 0.999, eps 1e-8, decoupled weight decay of 0.01 on all but biases and
LayerNorm weights.
    classifier.weight, classifier.bias   as above
    batches         int32 [20, 16], indices into the texts
    labels          int32 [20, 16]
    ids             int32 [tokens], the 320 texts of the batches packed in that order,
                    truncated to 128 tokens
    lengths         int32 [320]
    losses          float64 [20], the float32 loss of each step, before its update
    gradientNorms   float64 [20], the float32 global norm of each step, before clipping
    sketch.NAME     float64 [33], the gradient of step 1 before clipping, for the parameter NAME of
                    `BertForSequenceClassification`; see below
    losses64, gradientNorms64, sketch64.NAME   the same, everything computed in float64

A sketch stands for a gradient that is too large to commit. Element 0 is the L2 norm. Element 1 + k,
k = 0 ... 31, is the inner product of the gradient g with a vector of pseudo-random signs:

    sum over i of sign(k, i) * g[i], in float64, i counting the elements in row-major order from 0
    sign(k, i) = +1 if bit k of splitmix64(i) is 1 (bit 0 is the least significant), else -1
    splitmix64(x), in wrapping unsigned 64-bit arithmetic:
        z = x + 0x9E3779B97F4A7C15
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB
        z ^ (z >> 31)                                 so splitmix64(0) is 0xE220A8397B1DCDAF

For two gradients that differ by d, the difference of inner product k is (s_k . d), and since the
signs are independent with mean zero, E[(s_k . d)^2] = ||d||^2. So the root mean square of the 32
differences estimates ||d|| itself, to about an eighth of its value (the relative variance of a
mean of 32 squares is at most 2/32): agreement of the sketches bounds the distance of the whole
gradients, not only that of their norms.

The bias of an attention key cannot change a softmax: its true gradient is zero, and what float32
records for `*.key.bias` is rounding noise. Compare it with the norm of the key's weight gradient.
"""

import copy
import hashlib
import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import AutoTokenizer, BertForSequenceClassification

from texts import compose

FOLDER = Path(__file__).resolve().parent
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
CLASSES, STEPS, BATCH_SIZE = 6, 20, 16
EMBEDDING_TOKENS, CLASSIFICATION_TOKENS = 256, 128


def model_folder():
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    default = cache / "swift-finetune" / "all-MiniLM-L6-v2"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if digest != WEIGHTS_SHA256:
        sys.exit(f"{folder}/model.safetensors has SHA-256 {digest}, not {WEIGHTS_SHA256}")
    return folder


def load_classifier(folder):
    """The pretrained model with dropout off and a classifier that depends on the seed only."""
    model = BertForSequenceClassification.from_pretrained(
        folder, num_labels=CLASSES, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        attn_implementation="eager",
    )
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for parameter in model.classifier.parameters():
            parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def tokenize(tokenizer, texts, limit):
    encoded = tokenizer(texts, truncation=True, max_length=limit, padding=False)
    return encoded["input_ids"]


def packed(rows):
    """A list of id lists as `ids` and `lengths`."""
    return {
        "ids": np.array([token for row in rows for token in row], np.int32),
        "lengths": np.array([len(row) for row in rows], np.int32),
    }


@torch.no_grad()
def embed(model, rows):
    """Mean over the tokens of each row, normalised: [n, 384]."""
    means = torch.stack(
        [model.bert(torch.tensor([row])).last_hidden_state[0].mean(0) for row in rows]
    )
    return (means / means.norm(dim=1, keepdim=True)).numpy()


@torch.no_grad()
def classify(model, rows):
    return torch.cat([model(torch.tensor([row])).logits for row in rows]).numpy()


def draw_batches(count):
    """Indices and labels [20, 16]: every text once, then again in another order."""
    source = np.random.Generator(np.random.PCG64(20))
    order = np.concatenate([source.permutation(count), source.permutation(count)])
    batches = order[: STEPS * BATCH_SIZE].reshape(STEPS, BATCH_SIZE)
    labels = source.integers(0, CLASSES, count)[batches]
    return batches.astype(np.int32), labels.astype(np.int32)


def splitmix64(x):
    z = x + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def sketch(gradient, piece=1 << 18):
    """The norm and the 32 signed sums of a gradient: float64 [33]."""
    values = gradient.detach().double().numpy().reshape(-1)
    sums = np.zeros(32)
    for start in range(0, len(values), piece):
        part = values[start : start + piece]
        bits = splitmix64(np.arange(start, start + len(part), dtype=np.uint64))
        for k in range(32):
            ones = (bits >> np.uint64(k)) & np.uint64(1)
            sums[k] += part @ (2.0 * ones - 1.0)
    return np.concatenate([[np.linalg.norm(values)], sums])


def optimizer_for(model):
    decayed, spared = [], []
    for name, parameter in model.named_parameters():
        (spared if name.endswith("bias") or "LayerNorm" in name else decayed).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": 0.01},
        {"params": spared, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.999), eps=1e-8)


def pad(rows):
    """Ids and attention mask [batch, longest]; the padding id is 0."""
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return ids, mask


def train(model, rows, batches, labels):
    """Runs the 20 steps; returns losses, global norms and the sketches of step 1."""
    optimizer = optimizer_for(model)
    losses, norms, sketches = [], [], {}
    for step in range(STEPS):
        ids, mask = pad([rows[index] for index in batches[step]])
        target = torch.tensor(labels[step]).long()
        loss = model(input_ids=ids, attention_mask=mask, labels=target).loss
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            sketches = {name: sketch(p.grad) for name, p in model.named_parameters()}
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
        losses.append(loss.item())
        optimizer.step()
    return np.array(losses), np.array(norms), sketches


def report_training(losses, losses64, sketches, sketches64):
    """Prints how far PyTorch's float32 is from float64: what a tolerance has to leave room for."""
    relative = np.abs(losses / losses64 - 1)
    print("losses", np.round(losses64, 4).tolist())
    print(f"float32 losses are within {relative.max():.1e}, relative, of float64")
    distances = {
        name: np.sqrt(np.mean((sketches[name] - sketches64[name])[1:] ** 2)) / sketches64[name][0]
        for name in sketches
        if not name.endswith("key.bias")
    }
    worst = max(distances, key=distances.get)
    print(f"float32 gradients are within {distances[worst]:.1e} of their norm ({worst})")


def main():
    torch.set_num_threads(1)
    folder = model_folder()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = load_classifier(folder)
    double = copy.deepcopy(model).double()
    classifier = {
        f"classifier.{name}": parameter.detach().numpy().copy()
        for name, parameter in model.classifier.named_parameters()
    }
    texts = compose()
    (FOLDER / "texts.json").write_text(
        json.dumps(texts, ensure_ascii=False, indent=0) + "\n", encoding="utf-8"
    )

    rows = tokenize(tokenizer, texts, EMBEDDING_TOKENS)
    embeddings = embed(model, rows)
    print(f"embeddings: float32 is away by {np.abs(embeddings - embed(double, rows)).max():.1e}")
    save_file({**packed(rows), "embeddings": embeddings}, FOLDER / "embeddings.safetensors")

    rows = tokenize(tokenizer, texts, CLASSIFICATION_TOKENS)
    logits = classify(model, rows)
    print(f"logits: float32 is away by {np.abs(logits - classify(double, rows)).max():.1e}")
    save_file(
        {**packed(rows), **classifier, "logits": logits}, FOLDER / "classification.safetensors"
    )

    batches, labels = draw_batches(len(texts))
    losses, norms, sketches = train(model, rows, batches, labels)
    losses64, norms64, sketches64 = train(double, rows, batches, labels)
    report_training(losses, losses64, sketches, sketches64)
    results = {
        **packed([rows[index] for index in batches.reshape(-1)]),
        **classifier,
        "batches": batches, "labels": labels,
        "losses": losses, "gradientNorms": norms,
        "losses64": losses64, "gradientNorms64": norms64,
        **{f"sketch.{name}": value for name, value in sketches.items()},
        **{f"sketch64.{name}": value for name, value in sketches64.items()},
    }
    save_file(results, FOLDER / "training.safetensors")


if __name__ == "__main__":
    main()
