import Tensor
import Testing

@Suite struct CheckpointPlaceholderTests {}
