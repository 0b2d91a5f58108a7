import Tensor
import Testing

@Suite struct TensorPlaceholderTests {}
