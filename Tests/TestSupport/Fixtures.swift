public import Tensor
