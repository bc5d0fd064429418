"""What is fitted to a trained model on the held-out patients.

calibration  probabilities and operating points
regions      how regions are drawn from patch logits: smoothing, and the image logit's share
"""
