"""What scripts import of sagemaker-inference, on which AWS's PyTorch and Hugging Face images
stand: `from sagemaker_inference import content_types, decoder, encoder, errors`.

It is found after everything that is installed, so that the library itself would win.
"""
