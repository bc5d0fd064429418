"""What is minimised.

total            prompts, balance of the findings, and the weighted sum of all terms
losses           the prompt-pair cross-entropies: image, patch and sparse terms
report_contrast  images and patches against reports and their sentences
"""
