"""What scripts import of sagemaker-huggingface-inference-toolkit, AWS's Hugging Face image:
`from sagemaker_huggingface_inference_toolkit import content_types, decoder_encoder`.

It is found after everything that is installed, so that the library itself would win.
"""
