import Tensor
import Testing

@Suite struct AutogradPlaceholderTests {}
