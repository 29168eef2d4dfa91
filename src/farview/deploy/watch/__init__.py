"""Live labels: `farview watch`, and what `farview evaluate --stream` measures of it."""
