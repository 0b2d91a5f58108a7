"""The whole job: fine-tunes a text classifier with the Trainer of Transformers and evaluates it.

Batches of 32, padded to their longest text; texts truncated to 128 tokens; AdamW, rate 1e-4, linear
decay after a warm-up over the first tenth of the steps; weight decay 0.01 on all but biases and
LayerNorm weights; gradients clipped to a global norm of 1. A plan says what trains:

    full    everything
    head    the classifier; the pretrained model, with its pooler, is frozen
    top2    the last two layers, the pooler and the classifier
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time

from measure import peak_memory_bytes, prepare, read_tsv, versions

BATCH_SIZE, MAXIMUM_TOKENS = 32, 128
TRIAL_STEPS = 12


def faster_attention(options):
    """Trains some steps with each implementation of attention, in a process of its own."""
    seconds = {}
    for name in ("sdpa", "eager"):
        command = [
            sys.executable, sys.argv[0], "trec", "--model", options.model, "--train",
            options.train, "--test", options.test, "--threads", str(options.threads), "--plan",
            options.plan, "--attention", name, "--steps", str(TRIAL_STEPS),
        ]
        command += ["--bf16"] if options.bf16 else []
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        seconds[name] = json.loads(output)["trainSeconds"]
    return min(seconds, key=seconds.get)


def encode(tokenizer, rows, labels):
    """A list of examples is a data set to the Trainer."""
    encoded = tokenizer([row["text"] for row in rows], truncation=True, max_length=MAXIMUM_TOKENS)
    return [
        {"input_ids": ids, "attention_mask": mask, "labels": labels.index(row["label"])}
        for ids, mask, row in zip(encoded["input_ids"], encoded["attention_mask"], rows)
    ]


def freeze(model, plan):
    if plan == "full":
        return
    model.base_model.requires_grad_(False)
    if plan == "top2":
        for layer in model.base_model.encoder.layer[-2:]:
            layer.requires_grad_(True)
        if getattr(model.base_model, "pooler", None) is not None:
            model.base_model.pooler.requires_grad_(True)


def arguments(options, folder, examples):
    from transformers import TrainingArguments

    steps = math.ceil(examples / BATCH_SIZE) * options.epochs
    return TrainingArguments(
        folder,
        num_train_epochs=options.epochs,
        max_steps=options.steps,
        per_device_train_batch_size=BATCH_SIZE,
        per_device_eval_batch_size=64,
        learning_rate=1e-4,
        lr_scheduler_type="linear",
        warmup_steps=round(0.1 * steps),
        weight_decay=0.01,
        max_grad_norm=1.0,
        bf16=options.bf16,
        seed=options.seed,
        use_cpu=True,
        dataloader_pin_memory=False,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )


def run(options):
    attention = faster_attention(options) if options.attention == "auto" else options.attention
    torch = prepare(options)
    from sklearn.metrics import accuracy_score, f1_score
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        set_seed,
    )

    rows, test_rows = read_tsv(options.train), read_tsv(options.test)
    labels = sorted({row["label"] for row in rows})
    tokenizer = AutoTokenizer.from_pretrained(options.model, local_files_only=True)
    set_seed(options.seed)
    model = AutoModelForSequenceClassification.from_pretrained(
        options.model, num_labels=len(labels), attn_implementation=attention,
        dtype=torch.float32, local_files_only=True,
    )
    freeze(model, options.plan)
    train, test = encode(tokenizer, rows, labels), encode(tokenizer, test_rows, labels)

    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model, arguments(options, folder, len(train)), train_dataset=train,
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        start = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - start
        if options.steps > 0:
            return {"trainSeconds": seconds}
        predicted = trainer.predict(test).predictions.argmax(-1)

    truth = [example["labels"] for example in test]
    return {
        "task": "trec",
        "model": os.path.basename(os.path.normpath(options.model)),
        "trainExamples": len(train),
        "testExamples": len(test),
        "epochs": options.epochs,
        "seed": options.seed,
        "plan": options.plan,
        "attention": attention,
        "precision": "bfloat16 autocast" if options.bf16 else "float32",
        "threads": torch.get_num_threads(),
        "accuracy": accuracy_score(truth, predicted),
        "macroF1": f1_score(truth, predicted, average="macro"),
        "trainSeconds": round(seconds, 3),
        "examplesPerSecond": round(len(train) * options.epochs / seconds, 2),
        "peakMemoryBytes": peak_memory_bytes(),
        "versions": versions(),
    }
