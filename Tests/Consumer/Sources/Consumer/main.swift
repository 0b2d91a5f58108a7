// An app's view of the library: one product, one import.
import FineTune

let tensor = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
print("The consumer made a tensor of shape \(tensor.shape).")
