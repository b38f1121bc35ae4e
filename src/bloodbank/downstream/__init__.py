"""Section 6: does the choice of pretraining languages carry over to zero-shot tasks?"""
