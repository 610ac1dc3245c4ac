"""What scripts import of sagemaker-containers, the library that AWS's scikit-learn image is made
of: `from sagemaker_containers.beta.framework import encoders, worker`.

It is found after everything that is installed, so that the library itself would win.
"""
