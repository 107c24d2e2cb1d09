"""Facts that follow from an LSTM: tensors, states, equations, claims, and the layers around it."""
