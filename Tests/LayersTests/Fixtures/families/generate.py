"""Makes tiny random models of the BERT family and everything that PyTorch computes with them.

    OMP_NUM_THREADS=1 python generate.py

Made with torch 2.13.0, transformers 5.23.0, safetensors 0.8.0, numpy 2.4.6 on the CPU, one thread.

Folders `bert`, `distilbert` and `roberta`, each a model for sequence classification with three
labels as `save_pretrained` writes it (`config.json`, `model.safetensors`, float32): hidden size 32,
2 layers, 4 heads, intermediate size 64, 120 words, 40 positions. Every weight is drawn anew from a
normal distribution so that no number is tiny and no bias zero: matrices and biases of deviation
0.2, LayerNorm weights around 1. Dropout is configured as 0.1 and switched off (evaluation mode).

Five sequences of 7, 1, 12, 2 and 38 tokens, each run through the model alone, without padding, and
recorded packed: one after the other along the first dimension. The longest fills RoBERTa's table of
positions, whose first two rows are not used. No id is the padding id, because RoBERTa
derives positions from it.

`expected.safetensors` (float32) and `expected64.safetensors` (the same weights computed in float64):

    ids            int32 [tokens]
    lengths        int32 [sequences]
    types          int32 [tokens], bert only: the token types, some of them 1
    labels         int32 [sequences]
    hidden.0       [tokens, 32], the output of the embeddings
    hidden.1, .2   [tokens, 32], the output of each layer
    pooled         [sequences, 32], what the final classifier receives (before its dropout):
                   bert tanh(pooler(first token)), roberta tanh(classifier.dense(first token)),
                   distilbert relu(pre_classifier(first token))
    logits         [sequences, 3]
    loss           [], mean cross-entropy over the sequences
    gradient.NAME  the gradient of the loss for the parameter NAME of model.safetensors

The key bias of an attention (`*.key.bias`, `*.k_lin.bias`) has no influence on a softmax: its true
gradient is zero and its recorded one is rounding noise.

`bert/expected64.gelu_new.safetensors` and `bert/expected64.relu.safetensors`: the weights of `bert`
with another `hidden_act` (the tanh form of GELU; ReLU), in float64, without the gradients of the
embeddings and of the first layer's attention.
"""

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from safetensors.numpy import save_file
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

FOLDER = Path(__file__).resolve().parent
LENGTHS = [7, 1, 12, 2, 38]
LABELS = [2, 0, 1, 1, 2]
WORDS = 120
FIRST_ORDINARY_WORD = 5

LABEL_NAMES = {
    "id2label": {0: "negative", 1: "neutral", 2: "positive"},
    "label2id": {"negative": 0, "neutral": 1, "positive": 2},
}


def bert():
    config = BertConfig(
        vocab_size=WORDS, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=40, type_vocab_size=2,
        initializer_range=0.2, pad_token_id=0, **LABEL_NAMES,
    )
    return BertForSequenceClassification(config)


def distilbert():
    config = DistilBertConfig(
        vocab_size=WORDS, dim=32, n_layers=2, n_heads=4, hidden_dim=64,
        max_position_embeddings=40, initializer_range=0.2, pad_token_id=0, seq_classif_dropout=0.1,
        **LABEL_NAMES,
    )
    return DistilBertForSequenceClassification(config)


def roberta():
    config = RobertaConfig(
        vocab_size=WORDS, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=40, type_vocab_size=1,
        initializer_range=0.2, layer_norm_eps=1e-5,
        bos_token_id=0, pad_token_id=1, eos_token_id=2, **LABEL_NAMES,
    )
    return RobertaForSequenceClassification(config)


def randomize(model, generator):
    """Draws every parameter anew; a padding row too, so that nothing is zero by construction."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            values = 0.2 * torch.randn(parameter.shape, generator=generator)
            if "norm" in name.lower() and name.endswith("weight"):
                values += 1
            parameter.copy_(values)


def inputs(generator):
    """The ids and token types of every sequence; the second half of a longer one has type 1."""
    ids = [torch.randint(FIRST_ORDINARY_WORD, WORDS, (n,), generator=generator) for n in LENGTHS]
    types = [(torch.arange(n) >= (n + 1) // 2).long() for n in LENGTHS]
    return ids, types


def final_classifier(model):
    """The last linear layer, whose input is the pooled vector."""
    return model.classifier.out_proj if hasattr(model.classifier, "out_proj") else model.classifier


def evaluate(model, ids, types):
    """Runs every sequence alone and returns the packed results with the gradients of the loss."""
    model.eval()
    model.zero_grad()
    pooled = []
    classifier = final_classifier(model)
    hook = classifier.register_forward_pre_hook(lambda _, args: pooled.append(args[0]))
    hidden, logits = [], []
    for row, row_types in zip(ids, types):
        extra = {"token_type_ids": row_types[None]} if model.config.model_type == "bert" else {}
        output = model(
            input_ids=row[None], attention_mask=torch.ones_like(row)[None],
            output_hidden_states=True, **extra,
        )
        hidden.append([state[0] for state in output.hidden_states])
        logits.append(output.logits)
    hook.remove()

    logits = torch.cat(logits)
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(LABELS))
    loss.backward()

    results = {
        "ids": torch.cat(ids).int(),
        "lengths": torch.tensor(LENGTHS).int(),
        "labels": torch.tensor(LABELS).int(),
        "pooled": torch.cat(pooled),
        "logits": logits,
        "loss": loss,
    }
    if model.config.model_type == "bert":
        results["types"] = torch.cat(types).int()
    for index, states in enumerate(zip(*hidden)):
        results[f"hidden.{index}"] = torch.cat(states)
    for name, parameter in model.named_parameters():
        results[f"gradient.{name}"] = parameter.grad
    return {name: value.detach().contiguous().numpy() for name, value in results.items()}


def set_activation(model, name):
    """Rebuilds the model with another activation between the two linear layers of a block."""
    other = type(model)(type(model.config)(**{**model.config.to_dict(), "hidden_act": name}))
    other.load_state_dict(model.state_dict())
    return other


def without_early_gradients(results):
    skipped = ("gradient.bert.embeddings.", "gradient.bert.encoder.layer.0.attention.")
    return {name: value for name, value in results.items() if not name.startswith(skipped)}


def report(name, single, double):
    """Prints how far float32 is from float64, which bounds what a float32 test may ask for."""
    distances = {
        key: np.abs(single[key] - double[key]).max() for key in single if single[key].dtype.kind == "f"
    }
    gradient = max(value for key, value in distances.items() if key.startswith("gradient."))
    norm = np.sqrt(sum((double[key] ** 2).sum() for key in double if key.startswith("gradient.")))
    print(
        f"{name}: loss {double['loss']:.6f}, gradient norm {norm:.3f}; float32 is away by "
        f"hidden {distances['hidden.2']:.1e} logits {distances['logits']:.1e} gradient {gradient:.1e}"
    )


def main():
    torch.set_num_threads(1)
    for seed, make in enumerate((bert, distilbert, roberta), start=1):
        generator = torch.Generator().manual_seed(seed)
        model = make()
        model.set_attn_implementation("eager")
        randomize(model, generator)
        ids, types = inputs(generator)
        folder = FOLDER / make.__name__
        model.save_pretrained(folder)

        single = evaluate(model, ids, types)
        save_file(single, folder / "expected.safetensors")
        double = evaluate(model.double(), ids, types)
        save_file(double, folder / "expected64.safetensors")
        report(make.__name__, single, double)

        if make is bert:
            for activation in ("gelu_new", "relu"):
                other = set_activation(model, activation).double()
                other.load_state_dict(model.state_dict())
                results = without_early_gradients(evaluate(other, ids, types))
                save_file(results, folder / f"expected64.{activation}.safetensors")


if __name__ == "__main__":
    main()
