"""One training step of a text classifier: forward, backward, clipping, AdamW.

The batch is `--batch` sequences of exactly `--length` random tokens, so nothing is padded. Attention
is the faster of PyTorch's two implementations, tried in processes of their own so that the peak
memory is of one only.

`--server`: after the warm-up prints the settings as one line of JSON; then for each line `step` on
standard input makes one step and prints its milliseconds, for each line `peak` prints the peak
memory in bytes; ends with the input.
"""

import json
import subprocess
import sys
import time

from measure import median, peak_memory_bytes, prepare, versions

WARM_UP_STEPS = 2
CLASSES = 6


def faster_attention(options):
    """Measures both implementations, each in a new process."""
    times = {}
    for name in ("sdpa", "eager"):
        command = [
            sys.executable, sys.argv[0], "minilm-step", "--model", options.model,
            "--threads", str(options.threads), "--batch", str(options.batch),
            "--length", str(options.length), "--attention", name, "--repeats", "3",
        ]
        command += ["--no-dropout"] if options.no_dropout else []
        command += ["--bf16"] if options.bf16 else []
        command += ["--frozen"] if options.frozen else []
        command += ["--lora", str(options.lora)] if options.lora else []
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        # The least, since other work on the machine can only add.
        times[name] = min(json.loads(output)["milliseconds"])
    return min(times, key=times.get), times


def build(torch, options, attention):
    """The model in training mode and an optimizer of what trains."""
    from transformers import AutoModelForSequenceClassification

    torch.manual_seed(0)
    dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    model = AutoModelForSequenceClassification.from_pretrained(
        options.model, num_labels=CLASSES, attn_implementation=attention, dtype=torch.float32,
        local_files_only=True, **(dropout if options.no_dropout else {}),
    )
    if options.frozen:
        model.base_model.requires_grad_(False)
    if options.lora:
        from peft import LoraConfig, get_peft_model

        model = get_peft_model(
            model,
            LoraConfig(
                task_type="SEQ_CLS", r=options.lora, lora_alpha=2 * options.lora,
                target_modules=["query", "value"],
            ),
        )
    model.train()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return model, torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.01, fused=True)


def stepper(torch, options, attention):
    """A function that makes one step and returns its milliseconds."""
    model, optimizer = build(torch, options, attention)
    shape = (options.batch, options.length)
    ids = torch.randint(1000, min(30000, model.config.vocab_size), shape)
    mask = torch.ones_like(ids)
    labels = torch.randint(0, CLASSES, (options.batch,))
    trained = [p for group in optimizer.param_groups for p in group["params"]]

    def step():
        start = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.bf16):
            loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return (time.perf_counter() - start) * 1e3

    return step


def settings(options, attention, tried):
    return {
        "task": "minilm-step",
        "batch": options.batch,
        "length": options.length,
        "threads": options.threads,
        "precision": "bfloat16 autocast" if options.bf16 else "float32",
        "dropout": not options.no_dropout,
        "trained": "head" if options.frozen else "lora" if options.lora else "full",
        "attention": attention,
        "triedMilliseconds": tried,
        "versions": versions(),
    }


def serve(options, step):
    for line in sys.stdin:
        request = line.strip()
        if request == "step":
            answer = f"{step():.3f}"
        elif request == "peak":
            answer = str(peak_memory_bytes())
        else:
            answer = f"unknown request {request!r}: expected step or peak"
        print(answer, file=options.output, flush=True)


def run(options):
    attention, tried = options.attention, None
    if attention == "auto":
        attention, tried = faster_attention(options)
    torch = prepare(options)
    step = stepper(torch, options, attention)
    for _ in range(WARM_UP_STEPS):
        step()
    result = settings(options, attention, tried)
    if options.server:
        print(json.dumps(result), file=options.output, flush=True)
        serve(options, step)
        return None
    times = [step() for _ in range(options.repeats)]
    return {
        **result,
        "milliseconds": [round(value, 3) for value in times],
        "medianMilliseconds": round(median(times), 3),
        "peakMemoryBytes": peak_memory_bytes(),
    }
