def answer(op, payload):
    raise KeyError(op)
