"""The reference that several tests compare with: the same weights in transformers' own BERT."""

from bloodbank.mlm.files import bert_config


def reference_model(stack, vocabulary, index=0):
    """Build transformers' `BertForMaskedLM` with the weights of one model of a stack."""
    from transformers import BertConfig, BertForMaskedLM

    config = bert_config(stack.settings, vocabulary)
    del config["model_type"], config["architectures"]
    model = BertForMaskedLM(BertConfig(**config, attn_implementation="eager"))
    weights = {name: weight[index].detach().clone() for name, weight in stack.weights.items()}
    missing = model.load_state_dict(weights, strict=False)
    assert not missing.unexpected_keys
    assert set(missing.missing_keys) <= {"cls.predictions.decoder.weight", "cls.predictions.decoder.bias"}
    return model.to(next(iter(weights.values())).dtype)
