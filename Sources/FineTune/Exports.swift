// Importing FineTune is enough for an app: the types in its signatures come along.
@_exported public import Autograd
@_exported public import Checkpoint
@_exported public import Layers
@_exported public import Tensor
