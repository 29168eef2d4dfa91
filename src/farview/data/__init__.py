"""What a clip is, the data sets and their splits, paired augmentation, batches."""
