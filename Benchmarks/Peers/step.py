"""Steps of a text classifier on batches of random tokens of one length, so nothing is padded.

    train            forward, backward, clipping, AdamW (fused)
    frozen           the same with a frozen backbone
    frozen-forward   the forward pass of `frozen`: the model in training mode, as a trainer has it
    forward          a forward pass in evaluation and inference mode

Attention is the faster of PyTorch's two implementations, tried in processes of their own so that the
peak memory is of one only. `torch.compile` is not tried: on this model it takes a minute to compile
and its steps were slower than eager ones in float32 and in bfloat16.

Serves the lines that `measure.serve` tells, with the sizes `BATCH LENGTH`.
"""

import subprocess
import sys
import time
from functools import partial

from measure import prepare, serve, train, versions

CLASSES = 6
TRIAL_STEPS = 5


def faster_attention(options):
    """Measures both implementations, each in a new process; its first two steps warm up."""
    times = {}
    for name in ("sdpa", "eager"):
        command = [
            sys.executable, sys.argv[0], "minilm-step", "--model", options.model, "--threads",
            str(options.threads), "--attention", name,
        ]
        command += ["--bf16"] if options.bf16 else []
        command += ["--lora", str(options.lora)] if options.lora else []
        kind, batch, length = options.trial.split()
        requests = f"{kind} {batch} {length} {TRIAL_STEPS}\n" + "step\n" * TRIAL_STEPS
        output = subprocess.run(
            command, check=True, input=requests, stdout=subprocess.PIPE, text=True).stdout
        # The least, since other work on the machine can only add.
        times[name] = min(float(line) for line in output.splitlines()[3:])
    return min(times, key=times.get), times


def load(torch, options, attention):
    from transformers import AutoModelForSequenceClassification

    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(
        options.model, num_labels=CLASSES, attn_implementation=attention, dtype=torch.float32,
        local_files_only=True,
    )
    if options.lora:
        from peft import LoraConfig, get_peft_model

        model = get_peft_model(
            model,
            LoraConfig(
                task_type="SEQ_CLS", r=options.lora, lora_alpha=2 * options.lora,
                target_modules=["query", "value"],
            ),
        )
    return model


def stepper(torch, options, model, kind, batch, length):
    """A function that makes one step and returns its milliseconds."""
    model.train(kind != "forward")
    if not options.lora:
        model.requires_grad_(True)
        model.base_model.requires_grad_(kind == "train")
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-5, weight_decay=0.01, fused=True)
    shape = (batch, length)
    ids = torch.randint(1000, min(30000, model.config.vocab_size), shape)
    mask = torch.ones_like(ids)
    labels = torch.randint(0, CLASSES, (batch,))

    def loss():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.bf16):
            return model(input_ids=ids, attention_mask=mask, labels=labels).loss

    def step():
        start = time.perf_counter()
        if kind == "forward":
            with torch.inference_mode():
                loss()
        elif kind == "frozen-forward":
            loss()
        else:
            train(torch, trained, optimizer, loss())
        return (time.perf_counter() - start) * 1e3

    return step


def settings(options, attention, tried):
    return {
        "task": "minilm-step",
        "threads": options.threads,
        "precision": "bfloat16 autocast" if options.bf16 else "float32",
        "adapters": f"LoRA of rank {options.lora}" if options.lora else None,
        "attention": attention,
        "triedMilliseconds": tried,
        "versions": versions(),
    }


def run(options):
    attention, tried = options.attention, None
    if attention == "auto":
        attention, tried = faster_attention(options)
    torch = prepare(options)
    model = load(torch, options, attention)
    serve(options, settings(options, attention, tried), partial(stepper, torch, options, model))
