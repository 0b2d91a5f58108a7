"""The shortest program that predicts: for the time from the start of a process to its answer.

    python first.py MODEL-FOLDER TEXT THREADS
"""

import os
import sys

folder, text, threads = sys.argv[1:]
os.environ["OMP_NUM_THREADS"] = threads
os.environ["HF_HUB_OFFLINE"] = "1"
answers, sys.stdout = sys.stdout, sys.stderr

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
model = AutoModelForSequenceClassification.from_pretrained(
    folder, dtype=torch.float32, local_files_only=True
).eval()
with torch.inference_mode():
    answer = model(**tokenizer(text, return_tensors="pt")).logits.argmax(-1).item()
print(answer, file=answers, flush=True)
