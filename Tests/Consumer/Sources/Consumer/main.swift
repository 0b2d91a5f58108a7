// An app's view of the library: one product, one import.
import FineTune

let a = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
print("The consumer computed \(Tensor.matmul(a, a, transposingB: true).elements(as: Float.self)).")
