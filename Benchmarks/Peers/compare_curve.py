"""Rows for tokens a second over lengths and batch sizes, forward and training.

Both of PyTorch's implementations of attention are tried at every point; the faster one counts. The
last row of each kind counts the points at which either side is faster; its ratio is the smallest.
"""

from compare_steps import our_steps, peer_steps
from processes import alternate, repeats_for

LENGTHS = (8, 16, 32, 64, 128, 256, 512)
BATCHES = (1, 4, 16, 32, 64, 128)
MOST_TOKENS = 8192
KINDS = (("forward", "forward"), ("train", "training"))


def points(setting):
    lengths, batches = ((8, 128), (1, 16)) if setting.quick else (LENGTHS, BATCHES)
    return [(batch, length) for length in lengths for batch in batches
            if batch * length <= MOST_TOKENS]


def run(setting):
    works = {
        (kind, point): f"{name} {point[0]} x {point[1]}, tokens a second"
        for kind, name in KINDS for point in points(setting)
    }
    wanted = {key: work for key, work in works.items() if setting.wants(work)}
    if not wanted:
        return
    with (
        our_steps(setting, setting.model, setting.threads) as ours,
        peer_steps(setting, setting.model, setting.threads, attention="sdpa") as sdpa,
        peer_steps(
            setting, setting.model, setting.threads, attention="eager") as eager,
    ):
        for kind, name in KINDS:
            ratios = []
            for point in points(setting):
                if (kind, point) in wanted:
                    work = wanted[kind, point]
                    ratios.append(compare(setting, work, kind, point, ours, (sdpa, eager)))
            if ratios:
                summarize(setting, name, ratios)


def begin(servers, kind, point, steps):
    for server in servers:
        server.send(f"{kind} {point[0]} {point[1]} {steps + 1}")
    alternate(servers, 1)


def compare(setting, work, kind, point, ours, peers):
    """Measures a point and returns how many times faster ours is."""
    servers = (ours, *peers)
    begin(servers, kind, point, 1)
    trial = alternate(servers, 1)
    peer = peers[0] if trial[1] <= trial[2] else peers[1]
    repeats = repeats_for(trial[0] + min(trial[1:]), least=2 if setting.quick else 3)
    begin((ours, peer), kind, point, repeats)
    times = alternate((ours, peer), repeats)
    tokens = point[0] * point[1]
    setting.table.add(work, *(tokens / milliseconds * 1e3 for milliseconds in times), "tokens/s")
    return times[1] / times[0]


def summarize(setting, name, ratios):
    below = sum(ratio < 1 for ratio in ratios)
    print(f"{name}: points below PyTorch: {below}", flush=True)
    setting.table.add(f"{name} curve, points that are faster", len(ratios) - below, below, "points",
                      ratio=min(ratios))
