"""Makes adapters with PEFT on the tiny random models of the families, and what PEFT computes.

    OMP_NUM_THREADS=1 python generate.py

Made with torch 2.13.0, transformers 5.23.0, peft 0.21.0, safetensors 0.8.0 on the CPU, one thread.

The bases are `Tests/LayersTests/Fixtures/families/{bert,distilbert,roberta}`, sequence classifiers
with three labels. Each folder here is an adapter as PEFT's `save_pretrained` writes it
(`adapter_config.json`, `adapter_model.safetensors`), its numbers drawn anew so that no update is
zero and no factor one:

    lora            bert, rank 4, alpha 8, query and value
    rslora          the same with use_rslora
    dora            the same with use_dora
    dora_rslora     the same with both
    all             bert, rank 3, alpha 5, target_modules "all-linear" (the pooler is one of them)
    pissa           bert, rank 4, init_lora_weights "pissa", query and value
    pissa_plain     the same, converted to a LoRA of rank 8 by PEFT, which leaves the head out: it is
                    put back
    ia3             bert, PEFT's own choice of modules
    distilbert      rank 4, alpha 8, q_lin and v_lin
    roberta         rank 4, alpha 8, query and value
    words           rank 4, alpha 8, query and value, of a bert for token classification, with three
                    labels: only the logits, [tokens, 3]

and `expected.safetensors` (float32, evaluation mode, each sequence of the family's
`expected.safetensors` alone, without padding):

    ids, lengths, types, labels   as in the family's file
    logits          [sequences, 3]
    loss            [], mean cross-entropy over the sequences
    gradient.NAME   the gradient of the loss for the tensor NAME of adapter_model.safetensors
    stepped.NAME    the same tensor after one step of AdamW: rate 0.01, epsilon 0.01 (so that an
                    element with a tiny gradient is not moved by its rounding), decay 0.01 for the
                    matrices of LoRA and of linear maps, none for the others
"""

import os
import shutil
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from peft import IA3Config, LoraConfig, get_peft_model
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

FOLDER = Path(__file__).resolve().parent
FAMILIES = FOLDER.parents[2] / "LayersTests" / "Fixtures" / "families"
TASK = {"task_type": "SEQ_CLS"}
LORA = {**TASK, "r": 4, "lora_alpha": 8, "target_modules": ["query", "value"]}

CASES = {
    "lora": ("bert", LoraConfig(**LORA)),
    "rslora": ("bert", LoraConfig(**LORA, use_rslora=True)),
    "dora": ("bert", LoraConfig(**LORA, use_dora=True)),
    "dora_rslora": ("bert", LoraConfig(**LORA, use_dora=True, use_rslora=True)),
    "all": ("bert", LoraConfig(**TASK, r=3, lora_alpha=5, target_modules="all-linear")),
    "pissa": ("bert", LoraConfig(**LORA, init_lora_weights="pissa")),
    "ia3": ("bert", IA3Config(**TASK)),
    "distilbert": (
        "distilbert", LoraConfig(**{**LORA, "target_modules": ["q_lin", "v_lin"]}),
    ),
    "roberta": ("roberta", LoraConfig(**LORA)),
}


def randomize(model, generator, keeps_factors):
    """Draws the adapter's and the head's numbers anew; PiSSA's factors move a little instead."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            noise = torch.randn(parameter.shape, generator=generator)
            if "magnitude" in name or "ia3_l" in name or keeps_factors and "lora_" in name:
                parameter.mul_(1 + 0.2 * noise)
            else:
                parameter.copy_(0.2 * noise)


def logits_of(model, inputs):
    rows = []
    start = 0
    for length in inputs["lengths"].tolist():
        ids = inputs["ids"][start : start + length].long()[None]
        extra = {}
        if "types" in inputs:
            extra["token_type_ids"] = inputs["types"][start : start + length].long()[None]
        rows.append(
            model(input_ids=ids, attention_mask=torch.ones_like(ids), **extra).logits
        )
        start += length
    return torch.cat([row.flatten(0, -2) for row in rows])


def words():
    """An adapter of a token classifier; its base has no pooler."""
    torch.manual_seed(99)
    base = AutoModelForTokenClassification.from_pretrained(FAMILIES / "bert", num_labels=3)
    base.set_attn_implementation("eager")
    base.name_or_path = base.config._name_or_path = "tiny-bert"
    model = get_peft_model(base, LoraConfig(**{**LORA, "task_type": "TOKEN_CLS"})).eval()
    randomize(model, torch.Generator().manual_seed(99), keeps_factors=False)
    inputs = inputs_of("bert")
    with torch.no_grad():
        logits = logits_of(model, inputs)
    save(model, FOLDER / "words")
    save_file({**inputs, "logits": logits}, FOLDER / "words" / "expected.safetensors")


def inputs_of(family):
    source = load_file(FAMILIES / family / "expected.safetensors")
    return {key: source[key] for key in ("ids", "lengths", "types", "labels") if key in source}


def decays(name):
    return name.endswith("weight") and "magnitude" not in name


def evaluate(model, family):
    inputs = inputs_of(family)
    model.eval()
    model.zero_grad()
    logits = logits_of(model, inputs)
    loss = torch.nn.functional.cross_entropy(logits, inputs["labels"].long())
    loss.backward()
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}

    def by_file_name(values):
        """The tensors under the names that PEFT's file gives them."""
        state = {**model.state_dict(), **values}
        saved = get_peft_model_state_dict(model, state_dict=state)
        return {key: value.detach().clone().contiguous() for key, value in saved.items()}

    results = {**inputs, "logits": logits.detach(), "loss": loss.detach()}
    gradients = by_file_name({name: p.grad for name, p in trained.items()})
    results |= {f"gradient.{name}": value for name, value in gradients.items()}
    before = {name: p.detach().clone() for name, p in trained.items()}
    torch.optim.AdamW(
        [
            {"params": [p for n, p in trained.items() if decays(n)], "weight_decay": 0.01},
            {"params": [p for n, p in trained.items() if not decays(n)], "weight_decay": 0},
        ],
        lr=0.01,
        eps=0.01,
    ).step()
    results |= {f"stepped.{name}": value for name, value in by_file_name({}).items()}
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(before[name])
    return results


def save(model, folder, **options):
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, **options)
    (folder / "README.md").unlink(missing_ok=True)


def main():
    torch.set_num_threads(1)
    for seed, (name, (family, config)) in enumerate(CASES.items(), start=1):
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        base = AutoModelForSequenceClassification.from_pretrained(FAMILIES / family)
        base.set_attn_implementation("eager")
        # Without it PEFT would write down where the base lies on this machine.
        base.name_or_path = base.config._name_or_path = f"tiny-{family}"
        model = get_peft_model(base, config)
        is_pissa = name == "pissa"
        start = FOLDER / "start"
        if is_pissa:
            config.init_lora_weights = True
            save(model, start)
            config.init_lora_weights = "pissa"
        randomize(model, generator, keeps_factors=is_pissa)
        results = evaluate(model, family)
        save(model, FOLDER / name)
        save_file(results, FOLDER / name / "expected.safetensors")
        print(f"{name}: loss {results['loss']:.6f}")
        if is_pissa:
            plain = FOLDER / "pissa_plain"
            save(model, plain, path_initial_model_for_weight_conversion=str(start))
            shutil.rmtree(start)
            whole = load_file(FOLDER / name / "adapter_model.safetensors")
            head = {key: value for key, value in whole.items() if "classifier" in key}
            path = plain / "adapter_model.safetensors"
            save_file({**load_file(path), **head}, path, metadata={"format": "pt"})
            kept = {key: results[key] for key in ("ids", "lengths", "types", "labels", "logits")}
            save_file(kept, plain / "expected.safetensors")
    words()


if __name__ == "__main__":
    main()
