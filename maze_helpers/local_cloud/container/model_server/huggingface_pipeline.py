"""The pipeline of transformers that the Hugging Face image makes of a model's folder.

Source: sagemaker-huggingface-inference-toolkit 2.6.0, handler_service and transformers_utils.
"""

from __future__ import annotations

import json
import os
from typing import Any

TASK_VARIABLE = "HF_TASK"
TEXT_TO_IMAGE = "text-to-image"
# How the name of a model's class ends. The last that fits counts.
_TASKS = {
    "TapasForQuestionAnswering": "table-question-answering",
    "ForQuestionAnswering": "question-answering",
    "ForTokenClassification": "token-classification",
    "ForSequenceClassification": "text-classification",
    "ForMultipleChoice": "multiple-choice",
    "ForMaskedLM": "fill-mask",
    "ForCausalLM": "text-generation",
    "ForConditionalGeneration": "text2text-generation",
    "MTModel": "text2text-generation",
    "EncoderDecoderModel": "text2text-generation",
    "GPT2LMHeadModel": "text-generation",
    "T5WithLMHeadModel": "text2text-generation",
}
_WITH_FEATURE_EXTRACTOR = frozenset(
    {
        "automatic-speech-recognition",
        "image-segmentation",
        "image-classification",
        "audio-classification",
        "object-detection",
        "zero-shot-image-classification",
    }
)
_TRUE = ("y", "yes", "t", "true", "on", "1")
_FALSE = ("n", "no", "f", "false", "off", "0")


def load_pipeline(model_dir: str) -> Any:
    """Return the pipeline for the task that HF_TASK names, or that the model's files tell.

    A task that is told so is put into HF_TASK.
    Differs from AWS: there are the tasks of the installed transformers; images are not made.
    Raises: ValueError, KeyError and others, whose text a caller sees.
    """
    names = os.listdir(model_dir)
    if TASK_VARIABLE in os.environ:
        task = os.environ[TASK_VARIABLE]
    elif "config.json" in names:
        task = os.environ[TASK_VARIABLE] = task_of(os.path.join(model_dir, "config.json"))
    elif "model_index.json" in names:
        task = TEXT_TO_IMAGE
    else:
        from transformers.pipelines import SUPPORTED_TASKS

        raise ValueError(
            f"You need to define one of the following {list(SUPPORTED_TASKS)} or text-to-image as "
            "env 'HF_TASK'.",
            403,
        )
    return _pipeline(task, model_dir)


def task_of(config_file: str) -> str:
    """Return the task of a model by its class. Example: "BertForMaskedLM" is for "fill-mask".

    Raises: ValueError, if its name does not tell.
    """
    with open(config_file, encoding="utf-8") as file:
        architecture = json.load(file).get("architectures", [None])[0]
    tasks = [task for ending, task in _TASKS.items() if architecture.endswith(ending)]
    if not tasks:
        raise ValueError(
            f"Task couldn't be inferenced from {architecture}."
            "Inference Toolkit can only inference tasks from architectures ending with "
            f"{list(_TASKS)}.Use env `HF_TASK` to define your task."
        )
    return tasks[-1]


def _pipeline(task: str, model_dir: str) -> Any:
    import torch
    from transformers import pipeline

    _check(task)
    part = "feature_extractor" if task in _WITH_FEATURE_EXTRACTOR else "tokenizer"
    return pipeline(
        task=task,
        model=model_dir,
        device=0 if torch.cuda.is_available() else -1,
        trust_remote_code=_is_true(os.environ.get("HF_TRUST_REMOTE_CODE", "False")),
        **{part: model_dir},
    )


def _check(task: str) -> None:
    """Raise KeyError with the tasks there are, also for one that transformers used to have."""
    from transformers.pipelines import PIPELINE_REGISTRY

    try:
        PIPELINE_REGISTRY.check_task(task)
    except KeyError as error:
        tasks = PIPELINE_REGISTRY.get_supported_tasks()
        raise KeyError(f"Unknown task {task}, available tasks are {tasks}") from error


def _is_true(value: str) -> bool:
    if value.lower() not in (*_TRUE, *_FALSE):
        raise ValueError(f"invalid truth value {value.lower()!r}")
    return value.lower() in _TRUE
