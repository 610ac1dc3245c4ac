"""What the images that serve hold: the modules that code can import without asking for them."""

import sys
from functools import cache
from importlib.machinery import PathFinder

PYTORCH, SCIKIT_LEARN, HUGGING_FACE = "pytorch", "scikit-learn", "huggingface"
FRAMEWORKS = (PYTORCH, SCIKIT_LEARN, HUGGING_FACE)

# Source: the Dockerfiles of PyTorch 2.6 and of Hugging Face's image on it in
# aws/deep-learning-containers, and requirements.txt of aws/sagemaker-scikit-learn-container, with
# what those packages depend on.
_SHARED = {
    *("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "numpy", "scipy", "requests"),
    *("urllib3", "packaging", "setuptools", "pkg_resources", "pip", "six", "cryptography"),
    *("psutil", "sagemaker_inference", "retrying", "jinja2", "markupsafe"),
}
_PANDAS = {"pandas", "pytz", "tzdata", "sklearn", "joblib", "threadpoolctl"}
_TORCH = {
    *("torch", "torchvision", "torchaudio", "torchtext", "torchdata", "functorch", "torchgen"),
    *("PIL", "cv2", "tqdm", "h5py", "IPython", "yaml", "sympy", "networkx", "fsspec", "filelock"),
    *("typing_extensions", "certifi", "idna", "charset_normalizer", "Cython", "mpmath"),
}
_MODULES = {
    PYTORCH: _SHARED
    | _PANDAS
    | _TORCH
    | {"sagemaker_pytorch_serving_container", "ts", "torchserve", "captum"},
    SCIKIT_LEARN: _SHARED
    | _PANDAS
    | {"flask", "werkzeug", "gunicorn", "itsdangerous", "google", "sagemaker_containers"}
    | {"sagemaker_sklearn_container", "sagemaker_training", "mms"},
    HUGGING_FACE: _SHARED
    | _TORCH
    | {"transformers", "tokenizers", "huggingface_hub", "safetensors", "regex", "diffusers"}
    | {"peft", "accelerate", "sentencepiece", "google", "kenlm", "mms", "librosa", "soundfile"}
    | {"sagemaker_huggingface_inference_toolkit", "joblib", "sklearn", "phonemizer"},
}
# Distributions whose module has another name than theirs.
_MODULE_NAMES = {
    "scikit-learn": "sklearn",
    "pillow": "PIL",
    "opencv-python": "cv2",
    "opencv-python-headless": "cv2",
    "pyyaml": "yaml",
    "python-dateutil": "dateutil",
    "beautifulsoup4": "bs4",
    "protobuf": "google",
    "faiss-cpu": "faiss",
    "faiss-gpu": "faiss",
    "sentence-transformers": "sentence_transformers",
    "python-dotenv": "dotenv",
    "msgpack-python": "msgpack",
    "attrs": "attr",
    "ipython": "IPython",
}


def is_in_image(module: str, framework: str) -> bool:
    """Return whether an image, or Python's library, has a module of this top-level name."""
    return module in sys.stdlib_module_names or module in _MODULES[framework]


@cache
def is_installed_here(module: str) -> bool:
    """Return whether this machine's environment has a module, which is not imported for it.

    What lies in the folder where the question is asked does not count.
    """
    sites = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    return PathFinder.find_spec(module, sites) is not None


def module_of(distribution: str) -> str:
    """Return by which name a distribution is imported, as far as that is known.

    Example: "scikit-learn" gives "sklearn".
    """
    name = distribution.lower().replace("_", "-")
    return _MODULE_NAMES.get(name, distribution.replace("-", "_").replace(".", "_"))
