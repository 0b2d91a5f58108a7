import Tensor
import Testing

@Suite struct FineTunePlaceholderTests {}
