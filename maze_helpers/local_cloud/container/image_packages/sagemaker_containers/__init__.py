"""What scripts import of sagemaker-containers, the library that AWS's scikit-learn image is made
of: `from sagemaker_containers.beta.framework import encoders, worker`. A script that trains as
well imports it there, too.

It is found after everything that is installed, so that the library itself would win.
"""
