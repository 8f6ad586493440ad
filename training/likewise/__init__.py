"""Training for Likewise: data, anchor, model, basis, evaluation, export of a pack."""
