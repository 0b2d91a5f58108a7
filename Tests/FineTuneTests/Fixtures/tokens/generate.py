"""Makes tiny models that label words, and everything that PyTorch computes with them.

    OMP_NUM_THREADS=1 python generate.py

Made with torch 2.13.0, transformers 5.23.0, safetensors 0.8.0 on the CPU, one thread.

Folders `bert`, `distilbert` and `roberta`, each a `…ForTokenClassification` with five tags as
`save_pretrained` writes it: hidden size 16, 1 layer, 2 heads, intermediate size 24, 120 words, 40
positions, every weight drawn anew. Dropout is 0.1 and switched off.

Four texts of 1, 2, 6 and 20 words. A word has one to three tokens; no special tokens stand around
them. `expected.safetensors` holds

    ids           int32 [tokens], text after text
    lengths       int32 [texts], the tokens of each
    first         int32 [words], the position in its text of each word's first token
    words         int32 [texts], the words of each
    labels        int32 [words]
    logits        [words, 5], of the first tokens, each text run alone
    loss          [], what the model itself returns with the label -100 for all other tokens, taken
                  over the words of all texts
    gradient.NAME the gradient of that loss for every parameter
"""

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from safetensors.numpy import save_file
from transformers import (
    BertConfig,
    BertForTokenClassification,
    DistilBertConfig,
    DistilBertForTokenClassification,
    RobertaConfig,
    RobertaForTokenClassification,
)

FOLDER = Path(__file__).resolve().parent
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
WORDS = [1, 2, 6, 20]
NAMES = {
    "id2label": dict(enumerate(TAGS)), "label2id": {tag: index for index, tag in enumerate(TAGS)},
}
SIZES = {"vocab_size": 120, "max_position_embeddings": 40, "initializer_range": 0.2}


def bert():
    return BertForTokenClassification(BertConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24,
        type_vocab_size=2, pad_token_id=0, **SIZES, **NAMES))


def distilbert():
    return DistilBertForTokenClassification(DistilBertConfig(
        dim=16, n_layers=1, n_heads=2, hidden_dim=24, pad_token_id=0, **SIZES, **NAMES))


def roberta():
    return RobertaForTokenClassification(RobertaConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24,
        type_vocab_size=1, layer_norm_eps=1e-5, bos_token_id=0, pad_token_id=1, eos_token_id=2,
        **SIZES, **NAMES))


def randomize(model, generator):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            values = 0.2 * torch.randn(parameter.shape, generator=generator)
            if "norm" in name.lower() and name.endswith("weight"):
                values += 1
            parameter.copy_(values)


def texts(generator):
    """For each text its ids, the positions of its words' first tokens, and their labels."""
    result = []
    for count in WORDS:
        sizes = torch.randint(1, 4, (count,), generator=generator)
        sizes[10:] = 1
        ids = torch.randint(5, 120, (int(sizes.sum()),), generator=generator)
        labels = torch.randint(0, len(TAGS), (count,), generator=generator)
        result.append((ids, torch.cumsum(sizes, 0) - sizes, labels))
    return result


def evaluate(model, examples):
    model.eval()
    logits, loss = [], 0.0
    total = sum(len(labels) for _, _, labels in examples)
    for ids, first, labels in examples:
        targets = torch.full_like(ids, -100)
        targets[first] = labels
        output = model(
            input_ids=ids[None], attention_mask=torch.ones_like(ids)[None], labels=targets[None])
        logits.append(output.logits[0, first])
        loss = loss + output.loss * len(labels) / total
    loss.backward()
    results = {
        "ids": torch.cat([ids for ids, _, _ in examples]).int(),
        "lengths": torch.tensor([len(ids) for ids, _, _ in examples]).int(),
        "first": torch.cat([first for _, first, _ in examples]).int(),
        "words": torch.tensor(WORDS).int(),
        "labels": torch.cat([labels for _, _, labels in examples]).int(),
        "logits": torch.cat(logits), "loss": loss,
    }
    for name, parameter in model.named_parameters():
        results[f"gradient.{name}"] = parameter.grad
    return {name: value.detach().contiguous().numpy() for name, value in results.items()}


def main():
    torch.set_num_threads(1)
    for seed, make in enumerate((bert, distilbert, roberta), start=1):
        generator = torch.Generator().manual_seed(seed)
        model = make()
        model.set_attn_implementation("eager")
        randomize(model, generator)
        folder = FOLDER / make.__name__
        model.save_pretrained(folder)
        save_file(evaluate(model, texts(generator)), folder / "expected.safetensors")


if __name__ == "__main__":
    main()
