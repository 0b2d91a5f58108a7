"""Checks that Transformers loads folders which the library saved and computes the same logits.

    python check.py FOLDER LOGITS.json BASE [FOLDER LOGITS.json BASE ...]

If BASE is `-`, FOLDER is given to `AutoModelForSequenceClassification` and `AutoTokenizer` as it is.
Otherwise it holds an adapter: BASE is given to those two, and FOLDER to PEFT's `PeftModel`.
LOGITS.json holds what the library predicts from the same folder:

    {"texts": ["...", ...],             the inputs
     "logits": [[...], ...],            one row a text, one column a class
     "labels": ["...", ...],            the classes' names, in the order of the columns
     "maximumTokens": 128}              optional: where the library truncated a text, counted with
                                        the special tokens; without it, where the tokenizer does

Fails (exit status 1) if a weight is missing, unexpected or of another shape, if `id2label` or
`label2id` say other names, if PEFT warns of anything or would save the adapter otherwise, or if a
logit differs by more than 1e-4. Every text is run alone, in float32. Prints a line for each folder.
"""

import json
import os
import sys
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import operators

operators.declare()

import peft
import torch
import transformers
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

TOLERANCE = 1e-4


def load(folder):
    """The model, its tokenizer and the complaints about the folder's weights."""
    model, info = AutoModelForSequenceClassification.from_pretrained(
        folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
    )
    complaints = [f"{kind}: {sorted(map(str, names))}" for kind, names in info.items() if names]
    return model.eval(), AutoTokenizer.from_pretrained(folder, local_files_only=True), complaints


def load_adapter(folder, base, labels):
    """The adapted model, the base's tokenizer and the complaints about the adapter."""
    model = AutoModelForSequenceClassification.from_pretrained(
        base, local_files_only=True, dtype=torch.float32, ignore_mismatched_sizes=True,
        id2label=dict(enumerate(labels)), label2id={name: i for i, name in enumerate(labels)},
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        adapted = peft.PeftModel.from_pretrained(model, folder, local_files_only=True)
    # What the two packages will change in each other's interfaces says nothing of the adapter.
    complaints = [
        str(warning.message)
        for warning in caught
        if not issubclass(warning.category, (FutureWarning, DeprecationWarning))
    ]
    saved = load_file(os.path.join(folder, "adapter_model.safetensors"))
    known = peft.get_peft_model_state_dict(adapted, save_embedding_layers=False)
    complaints += [f"not in the file: {name}" for name in known.keys() - saved.keys()]
    complaints += [f"of no use: {name}" for name in saved.keys() - known.keys()]
    complaints += [
        f"{name} was loaded with other numbers"
        for name in known.keys() & saved.keys()
        if not torch.equal(known[name].float(), saved[name])
    ]
    return adapted.eval(), AutoTokenizer.from_pretrained(base, local_files_only=True), complaints


def check_labels(config, labels):
    complaints = []
    if config.id2label != dict(enumerate(labels)):
        complaints.append(f"id2label is {config.id2label}, the labels are {labels}")
    if config.label2id != {label: index for index, label in enumerate(labels)}:
        complaints.append(f"label2id is {config.label2id}, the labels are {labels}")
    return complaints


def token_limit(model, tokenizer):
    """The tokenizer's limit, or the model's number of positions where the tokenizer has none."""
    positions = model.config.max_position_embeddings
    if model.config.model_type == "roberta":
        positions -= model.config.pad_token_id + 1
    return min(tokenizer.model_max_length, positions)


@torch.no_grad()
def predict(model, tokenizer, texts, limit):
    rows = []
    for text in texts:
        inputs = tokenizer(
            text, truncation=True, max_length=limit, padding=False, return_tensors="pt"
        )
        rows.append(model(**inputs).logits[0].float())
    return torch.stack(rows)


def check(folder, path, base):
    """Whether the folder is right. Prints what was found."""
    with open(path, encoding="utf-8") as file:
        expected = json.load(file)
    if not expected["texts"]:
        sys.exit(f"{path} holds no text")

    if base == "-":
        model, tokenizer, complaints = load(folder)
    else:
        model, tokenizer, complaints = load_adapter(folder, base, expected["labels"])
    complaints += check_labels(model.config, expected["labels"])
    limit = expected.get("maximumTokens") or token_limit(model, tokenizer)
    logits = predict(model, tokenizer, expected["texts"], limit)
    saved = torch.tensor(expected["logits"], dtype=torch.float32)
    difference = float("nan")
    if logits.shape != saved.shape:
        complaints.append(f"logits are {list(logits.shape)}, expected {list(saved.shape)}")
    else:
        difference = (logits - saved).abs().max().item()
        if not difference <= TOLERANCE:
            complaints.append(f"a logit differs by {difference:.2e}, more than {TOLERANCE:.0e}")

    verdict = "FAILED: " + "; ".join(complaints) if complaints else "ok"
    versions = f"Transformers {transformers.__version__}"
    versions += f", PEFT {peft.__version__}" if base != "-" else ""
    print(
        f"{versions}, {type(model).__name__},"
        f" {len(expected['texts'])} texts, greatest difference of a logit {difference:.2e}: {verdict}"
    )
    return not complaints


def main():
    arguments = sys.argv[1:]
    if not arguments or len(arguments) % 3:
        sys.exit(__doc__)
    groups = [arguments[i:i + 3] for i in range(0, len(arguments), 3)]
    sys.exit(0 if all([check(*group) for group in groups]) else 1)


if __name__ == "__main__":
    main()
