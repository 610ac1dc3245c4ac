"""The model servers of the images that stand on sagemaker-inference: TorchServe's and the Multi
Model Server's part, and the handlers of the PyTorch and Hugging Face images in them.
"""
