"""What a trained model is used for. At run time it needs frames/ and the model file's contract only."""
