"""Makes what PyTorch computes for every differentiable operation, forward and backward.

    OMP_NUM_THREADS=1 python generate.py

Made with torch 2.13.0 and safetensors 0.8.0 on the CPU, one thread. Everything is computed in float64
from numbers that float32 holds exactly, so that both precisions have the same inputs. Written to
`operations.safetensors`, as one tensor of all numbers of all cases; what they are is in the metadata,
under `cases`, for each case:

    operation    the name of the function of `Variable`
    parameters   what is given to it beside tensors
    inputs       shapes of the tensors that get a gradient
    constants    shapes of the tensors that get none
    output       the result's shape

The numbers of a case are inputs, constants, the gradient of the result, the result, and the gradients
of the inputs, each in row-major order.
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

FOLDER = Path(__file__).resolve().parent
GENERATOR = torch.Generator().manual_seed(23)
CASES, NUMBERS = [], []

ACTIVATIONS = {
    "identity": lambda x: x,
    "relu": F.relu,
    "gelu": F.gelu,
    "geluTanh": lambda x: F.gelu(x, approximate="tanh"),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "relu6": F.relu6,
    # The gradient of F.hardsigmoid takes a sixth in float32, whatever the type.
    "hardSigmoid": lambda x: F.relu6(x + 3) / 6,
    "hardSwish": F.hardswish,
}


def normal(*shape, deviation=1.0):
    """Multiples of 1/256, moved by half a step: none is at the kink of an activation."""
    x = torch.randn(shape, generator=GENERATOR, dtype=torch.float64) * deviation
    return torch.round(x * 256) / 256 + 1 / 512


def positive(*shape):
    return normal(*shape).abs() + 0.25


def case(operation, function, inputs, constants=(), **parameters):
    """Runs `function(*inputs, *constants)` forward and backward."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    output = function(*leaves, *constants)
    seed = normal(*output.shape)
    gradients = torch.autograd.grad(output, leaves, seed)
    CASES.append({
        "operation": operation,
        "parameters": parameters,
        "inputs": [list(x.shape) for x in inputs],
        "constants": [list(x.shape) for x in constants],
        "output": list(output.shape),
    })
    for tensor in (*inputs, *constants, seed, output, *gradients):
        NUMBERS.append(tensor.detach().contiguous().reshape(-1))


SHAPES = [(), (1,), (7,), (3, 5), (2, 3, 4), (2, 17)]


def elementwise():
    broadcasts = [
        ((), ()), ((4,), (4,)), ((3, 5), (3, 5)), ((3, 5), (5,)), ((5,), (3, 5)), ((3, 1), (1, 5)),
        ((2, 3, 4), (3, 1)), ((2, 3, 4), ()), ((1,), (2, 3)), ((2, 1, 3), (4, 1)),
    ]
    for a, b in broadcasts:
        case("+", torch.add, [normal(*a), normal(*b)])
        case("-", torch.sub, [normal(*a), normal(*b)])
        case("*", torch.mul, [normal(*a), normal(*b)])
        sign = torch.sign(normal(*b))
        case("/", torch.div, [normal(*a), sign * positive(*b)])
    for shape in SHAPES:
        case("scaled", lambda x: x * -1.75, [normal(*shape)], factor=-1.75)
        case("negated", torch.neg, [normal(*shape)])
        case("exp", torch.exp, [normal(*shape)])
        case("log", torch.log, [positive(*shape)])
        case("squareRoot", torch.sqrt, [positive(*shape)])
        case("squared", torch.square, [normal(*shape)])
    for name, function in ACTIVATIONS.items():
        for shape in SHAPES[1:]:
            # Wide enough for both flat ends of the hard ones.
            case("activated", function, [normal(*shape, deviation=4)], activation=name)


def reductions():
    for shape in SHAPES:
        case("sum", torch.sum, [normal(*shape)])
        case("mean", torch.mean, [normal(*shape)])
        for axis in range(len(shape)):
            case("sum along", lambda x: x.sum(axis), [normal(*shape)], axis=axis)
            case("mean along", lambda x: x.mean(axis), [normal(*shape)], axis=axis)


def shapes():
    for old, new in (
        ((6,), (2, 3)), ((2, 3), (3, 2)), ((2, 3, 4), (24,)), ((4,), (1, 4, 1)), ((), (1, 1))
    ):
        case("reshaped", lambda x: x.reshape(new), [normal(*old)], shape=new)
    for shape, order in (
        ((5,), (0,)), ((2, 3), (1, 0)), ((2, 3, 4), (2, 0, 1)), ((2, 3, 4), (1, 2, 0)),
        ((2, 3, 1, 2), (3, 1, 0, 2)),
    ):
        case("permuted", lambda x: x.permute(order), [normal(*shape)], order=order)
    for shape in ((2, 3), (1, 5), (4, 1), (2, 3, 4), (2, 1, 3, 2)):
        case("transposed", lambda x: x.transpose(-1, -2), [normal(*shape)])
    for shape, start, end, axis in (
        ((9,), 2, 5, 0), ((4, 6), 1, 3, 0), ((4, 6), 4, 6, 1), ((2, 3, 5), 1, 2, 1),
        ((2, 3, 5), 0, 4, 2),
    ):
        case(
            "sliced", lambda x: x.narrow(axis, start, end - start), [normal(*shape)], start=start,
            end=end, axis=axis)
    for shape, size, at, axis in (
        ((3,), 5, 1, 0), ((2, 3), 4, 2, 0), ((2, 3), 3, 0, 1), ((2, 1, 3), 4, 3, 1),
        ((2, 2, 3), 6, 2, 2),
    ):
        def pad(x):
            zeros = list(shape)
            zeros[axis] = at
            after = list(shape)
            after[axis] = size - at - shape[axis]
            kind = {"dtype": torch.float64}
            return torch.cat([torch.zeros(zeros, **kind), x, torch.zeros(after, **kind)], axis)

        padded = [*shape[:axis], size, *shape[axis + 1:]]
        case("padded", pad, [normal(*shape)], shape=padded, start=at, axis=axis)
    for shape, rows in (
        ((4, 3), (0,)), ((4, 3), (3, 1, 3, 3)), ((1, 5), (0, 0, 0)), ((6, 1), (5, 4, 3)),
        ((9, 17), (8, 0, 8, 2, 2)),
    ):
        case("gatheringRows", lambda x: x[list(rows)], [normal(*shape)], rows=rows)
    for lengths, width in (((1,), 3), ((2, 3), 4), ((5, 1, 2), 1), ((1, 1, 1), 7), ((9, 8), 17)):
        x = normal(sum(lengths), width)
        starts = [sum(lengths[:i]) for i in range(len(lengths))]
        case(
            "segmentMeans", lambda x: torch.stack([part.mean(0) for part in x.split(lengths)]), [x],
            lengths=lengths)
        case("segmentStarts", lambda x: x[starts], [x], lengths=lengths)


def products():
    for a, b in (
        ((1, 1), (1, 1)), ((3, 5), (5, 2)), ((7, 9), (9, 11)), ((1, 20), (20, 1)),
        ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((2, 2, 3, 4), (2, 2, 4, 1)), ((17, 3), (3, 2)),
    ):
        case("matmul", torch.matmul, [normal(*a), normal(*b)])
    for name, activation in ACTIVATIONS.items():
        for shape, outputs, biased in (((3, 5), 2, True), ((7,), 4, False), ((2, 2, 3), 9, True)):
            bias = [normal(outputs)] if biased else []
            case(
                "linear", lambda x, w, b=None: activation(F.linear(x, w, b)),
                [normal(*shape), normal(outputs, shape[-1], deviation=0.5), *bias],
                activation=name)
        for shape, inner, biased in (((3, 4), 5, True), ((2, 2, 3), 2, False)):
            biases = [normal(inner), normal(3)] if biased else []
            case(
                "feedForward",
                lambda x, v, w, c=None, b=None: F.linear(activation(F.linear(x, v, c)), w, b),
                [
                    normal(*shape), normal(inner, shape[-1], deviation=0.5),
                    normal(3, inner, deviation=0.5), *biases,
                ], activation=name)


def layers():
    for shape, epsilon in (
        ((3, 2), 1e-5), ((4, 3), 1e-2), ((2, 8), 1e-12), ((5, 19), 1e-5), ((40,), 1e-12),
        ((2, 3, 16), 1e-5), ((9, 6), 1e-2), ((1, 5), 0.0),
    ):
        width = shape[-1]
        case(
            "layerNormalized", lambda x, g, b: F.layer_norm(x, (width,), g, b, epsilon),
            [normal(*shape), normal(width), normal(width)], epsilon=epsilon)
    for shape in ((1,), (7,), (3, 5), (2, 3, 4), (4, 18), (9, 3)):
        case("softmax", lambda x: x.softmax(-1), [normal(*shape, deviation=3)])
    for lengths, heads, width in (
        ((1,), 1, 1), ((2, 1, 3), 2, 3), ((4,), 1, 8), ((3, 4), 2, 4), ((2, 2, 2, 2), 1, 5),
        ((5, 1), 3, 2), ((9,), 1, 3), ((1, 7), 2, 2),
    ):
        def attend(q, k, v):
            outputs = []
            for parts in zip(q.split(lengths), k.split(lengths), v.split(lengths)):
                q1, k1, v1 = (
                    part.reshape(len(part), heads, width).transpose(0, 1) for part in parts)
                y = F.scaled_dot_product_attention(q1, k1, v1)
                outputs.append(y.transpose(0, 1).reshape(-1, heads * width))
            return torch.cat(outputs)

        case(
            "attention", attend, [normal(sum(lengths), heads * width) for _ in range(3)],
            lengths=lengths, heads=heads)


def losses():
    for rows, classes in ((1, 2), (4, 3), (5, 7), (9, 2)):
        labels = torch.arange(rows) % classes
        one_hot = F.one_hot(labels, classes).double()
        for weighted in (False, True):
            for smoothing in (0.0, 0.125):
                weight = positive(classes) if weighted else torch.ones(classes).double()
                # What `weight` and `label_smoothing` mean, as one distribution for each row.
                targets = one_hot * (1 - smoothing) * weight + smoothing / classes * weight
                case(
                    "softmaxCrossEntropy",
                    lambda x, _: F.cross_entropy(
                        x, labels, weight, reduction="sum", label_smoothing=smoothing),
                    [normal(rows, classes, deviation=3)], [targets])
    for shape in ((1,), (7,), (3, 4), (2, 3, 2), (5, 1), (1, 9)):
        targets = (normal(*shape) > 0).double()
        case(
            "sigmoidCrossEntropy",
            lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="sum"),
            [normal(*shape, deviation=5)], [targets])
        case(
            "sigmoidCrossEntropy",
            lambda x, t, w: F.binary_cross_entropy_with_logits(x, t, w, reduction="sum"),
            [normal(*shape, deviation=5)], [targets, positive(*shape)])
        case(
            "squaredError", lambda x, t: F.mse_loss(x, t, reduction="sum"), [normal(*shape)],
            [normal(*shape)])


def in_channels_first(function):
    """Ours have the channels last."""
    return lambda x, *rest: function(x.permute(0, 3, 1, 2), *rest).permute(0, 2, 3, 1)


def images():
    for shape, outputs, size, stride, dilation, padding, groups, biased in (
        ((1, 1, 1, 1), 1, 1, 1, 1, 0, 1, False), ((2, 3, 4, 5), 7, 1, 1, 1, 0, 1, False),
        ((2, 5, 5, 3), 4, 1, 2, 1, 0, 1, True), ((1, 1, 1, 3), 2, 3, 1, 1, 1, 1, False),
        ((1, 6, 7, 3), 2, 3, 1, 1, 1, 1, True), ((1, 7, 6, 4), 3, 3, 2, 1, 1, 1, True),
        ((1, 9, 9, 2), 2, 3, 2, 2, 2, 1, False), ((1, 5, 5, 6), 4, 3, 1, 1, 1, 2, True),
        ((1, 5, 5, 3), 6, 3, 1, 1, 1, 3, False), ((1, 5, 6, 4), 4, 3, 1, 1, 1, 4, True),
        ((1, 7, 7, 2), 2, 5, 2, 1, 2, 2, False), ((1, 6, 5, 9), 9, 3, 2, 1, 1, 9, True),
        ((1, 2, 2, 3), 3, 5, 1, 1, 2, 3, False), ((1, 8, 8, 1), 3, 7, 3, 1, 3, 1, True),
        ((2, 3, 3, 17), 1, 3, 1, 1, 0, 1, False),
    ):
        bias = [normal(outputs)] if biased else []
        case(
            "convolved",
            in_channels_first(
                lambda x, w, b=None: F.conv2d(x, w, b, stride, padding, dilation, groups)),
            [
                normal(*shape), normal(outputs, shape[3] // groups, size, size, deviation=0.5), *bias
            ], size=size, stride=stride, dilation=dilation, padding=padding, groups=groups)
    for shape in ((3, 1, 1, 1), (2, 3, 3, 4), (2, 2, 2, 9), (1, 4, 5, 2)):
        channels = shape[3]
        for name in ("identity", "relu6", "silu", "hardSwish"):
            activation = ACTIVATIONS[name]
            scales = [normal(channels), normal(channels)]
            case(
                "channelsNormalized",
                in_channels_first(
                    lambda x, g, b, m, v: activation(F.batch_norm(x, m, v, g, b, eps=1e-3))),
                [normal(*shape), *scales], [normal(channels), positive(channels)], epsilon=1e-3,
                activation=name)
            case(
                "batchNormalized",
                in_channels_first(
                    lambda x, g, b: activation(
                        F.batch_norm(x, None, None, g, b, training=True, eps=1e-2))),
                [normal(*shape), *scales], epsilon=1e-2, activation=name)
    for shape in ((1, 2, 2, 1), (2, 5, 6, 3), (1, 4, 5, 17)):
        for size, stride, padding in ((2, 2, 0), (3, 2, 1), (3, 1, 1)):
            if shape[1] + 2 * padding < size:
                continue
            window = {"size": size, "stride": stride, "padding": padding}
            case(
                "maximumPooled", in_channels_first(lambda x: F.max_pool2d(x, size, stride, padding)),
                [normal(*shape)], **window)
            case(
                "averagePooled", in_channels_first(lambda x: F.avg_pool2d(x, size, stride, padding)),
                [normal(*shape)], **window)
    for shape in ((1, 1, 1, 1), (2, 3, 4, 5), (1, 5, 5, 2), (3, 1, 2, 8), (2, 2, 2, 17)):
        case("globallyAveraged", lambda x: x.mean((1, 2)), [normal(*shape)])


def low_rank():
    for shape, outputs, rank in (((3, 5), 2, 1), ((7,), 4, 2), ((2, 9), 5, 3), ((2, 2, 4), 6, 4)):
        for biased in (False, True):
            bias = [normal(outputs)] if biased else []
            width = shape[-1]
            tensors = [
                normal(*shape), normal(outputs, width, deviation=0.5),
                normal(rank, width, deviation=0.5), normal(outputs, rank, deviation=0.5),
            ]
            case(
                "lowRankLinear", lambda x, w, a, b, c=None: F.linear(x, w + 0.75 * b @ a, c),
                [*tensors, *bias], scale=0.75)

            def magnitude_linear(x, w, a, b, m, c=None):
                turned = w + 0.75 * b @ a
                lengths = turned.norm(dim=1).detach()
                return F.linear(x, (m / lengths).unsqueeze(1) * turned, c)

            case(
                "magnitudeLinear", magnitude_linear, [*tensors, positive(outputs), *bias], scale=0.75)


def chains():
    """Links are outputs, size, stride, dilation, padding, groups and activation."""
    fields = ("outputs", "size", "stride", "dilation", "padding", "groups", "activation")
    for shape, *links in (
        ((2, 5, 4, 2), (3, 1, 1, 1, 0, 1, "identity")),
        ((2, 6, 5, 3), (4, 3, 2, 1, 1, 1, "silu")),
        ((2, 4, 5, 3), (3, 3, 1, 1, 1, 3, "relu6")),
        ((2, 6, 6, 2), (3, 3, 2, 1, 1, 1, "relu6"), (5, 2, 1, 1, 0, 1, "hardSwish")),
        (
            (2, 5, 4, 2), (5, 1, 1, 1, 0, 1, "relu6"), (5, 3, 1, 1, 1, 5, "relu6"),
            (3, 1, 1, 1, 0, 1, "identity"),
        ),
        (
            (2, 7, 6, 2), (4, 1, 1, 1, 0, 1, "relu6"), (4, 5, 2, 1, 2, 4, "relu6"),
            (2, 1, 1, 1, 0, 1, "identity"),
        ),
        (
            (2, 6, 5, 1), (3, 1, 1, 1, 0, 1, "hardSwish"), (3, 3, 1, 2, 2, 3, "hardSwish"),
            (2, 1, 1, 1, 0, 1, "identity"),
        ),
        (
            (3, 7, 8, 2), (9, 1, 1, 1, 0, 1, "relu"), (9, 3, 3, 1, 4, 9, "relu"),
            (17, 1, 1, 1, 0, 1, "identity"),
        ),
    ):
        tensors, channels = [normal(*shape)], shape[3]
        for outputs, size, _, _, _, groups, _ in links:
            tensors += [
                normal(outputs, channels // groups, size, size), positive(outputs), normal(outputs),
            ]
            channels = outputs

        def chained(x, *parts):
            for index, (_, _, stride, dilation, padding, groups, name) in enumerate(links):
                weight, gamma, beta = parts[3 * index:3 * index + 3]
                x = F.conv2d(x, weight, None, stride, padding, dilation, groups)
                x = ACTIVATIONS[name](
                    F.batch_norm(x, None, None, gamma, beta, training=True, eps=1e-2))
            return x

        case(
            "convolvedAndNormalized", in_channels_first(chained), tensors, epsilon=1e-2,
            links=[dict(zip(fields, link)) for link in links])


def main():
    torch.set_num_threads(1)
    for part in (
        elementwise, reductions, shapes, products, layers, losses, images, low_rank, chains
    ):
        part()
    cases = json.dumps(CASES, separators=(",", ":"))
    save_file({"numbers": torch.cat(NUMBERS)}, FOLDER / "operations.safetensors", {"cases": cases})
    print(f"{len(CASES)} cases, {sum(map(len, NUMBERS))} numbers")


if __name__ == "__main__":
    main()
