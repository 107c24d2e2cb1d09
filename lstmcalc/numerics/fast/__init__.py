"""The tuned forward pass, behind one door: `runner.LSTMRunner`. Nothing outside imports any other module of it.

- `runner`: the arguments, the kept weights, and the order of sequences.
- `arrangement`: the layout of weights, and the plan of what is computed together and by which thread.
- `kernels`: the steps. `threads`: the threads that share them. `memory`: what a call takes.
"""
