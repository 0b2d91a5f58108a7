public import Autograd
