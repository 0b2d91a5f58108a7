import Tensor
import Testing

@Suite struct LayersPlaceholderTests {}
