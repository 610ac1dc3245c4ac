"""What the cases of `toolkit_cases` serve: scripts for the PyTorch and the Hugging Face image."""

# Answers with what each function was given; what the body names can go another way. Without a
# library to import, so that it serves anywhere.
STEPS = """
import json

def model_fn(model_dir):
    return "the model"

def input_fn(data, content_type):
    text = data if isinstance(data, str) else data.decode("latin-1")
    return {"type": type(data).__name__, "text": text, "content_type": content_type}

def predict_fn(data, model):
    if data["text"] == "fails":
        raise ValueError("what went wrong")
    if data["text"] == "fails without a word":
        raise KeyError
    if data["text"] == "fails in two lines":
        raise ValueError("one\\ntwo <b> & 'three'")
    if data["text"] == "fails while it fails":
        try:
            1 / 0
        except ZeroDivisionError:
            raise RuntimeError("again")
    if data["text"] == "has no memory":
        raise MemoryError("none left")
    if data["text"] == "exits":
        raise SystemExit(3)
    return [data, model]

def output_fn(prediction, accept):
    results = {
        "nothing": None,
        "a list": [1, 2.5, "é"],
        "a dictionary": {"b": 1, "a": [None, True]},
        "a number": 5,
        "a set": {1},
        "bytes": b"\\xff\\x00",
        "a tuple": ("[1]", "text/x-own"),
        "a tuple of bytes": (b"\\xff", "image/png"),
        "a list of words": ["é <b>"],
        "an empty text": "",
        "not a number": float("nan"),
    }
    text = prediction[0]["text"]
    if text in results:
        return results[text]
    return json.dumps([prediction, accept])
"""
# Of a server of its own, whose worker it ends.
EXITS = STEPS + "\n# exits\n"
# Each function takes the context.
CONTEXT = """
import json

def model_fn(model_dir, context):
    is_its_own = model_dir == context.system_properties["model_dir"]
    return [context.model_name, is_its_own]

def input_fn(data, content_type, context):
    return context.get_request_header(0, "X-Amzn-SageMaker-Custom-Attributes")

def predict_fn(data, model, context):
    return [data, model, type(context.get_request_id()).__name__]

def output_fn(prediction, accept, context):
    context.set_response_header(0, "X-Own", "kept")
    context.set_response_content_type(0, "text/x-lost")
    attributes = prediction[0]
    if attributes and attributes.startswith("status="):
        context.set_response_status(int(attributes[7:]), "words")
    return json.dumps(prediction)
"""
TRANSFORM = """
import json

def model_fn(model_dir):
    return "the model"

def transform_fn(model, data, content_type, accept):
    return json.dumps([model, type(data).__name__, len(data), content_type, accept])
"""
TRANSFORM_CONTEXT = """
import json

def model_fn(model_dir):
    return "the model"

def transform_fn(model, data, content_type, accept, context):
    headers = context.get_all_request_header(0)
    names = sorted(name for name in headers if name.startswith("X-Amzn"))
    return json.dumps([model, names, context.system_properties["batch_size"]])
"""
TOO_FEW = STEPS.replace("def predict_fn(data, model):", "def predict_fn(data):")
TOO_MANY = STEPS.replace("def output_fn(prediction, accept):", "def output_fn(a, b, c, d):")
BOTH = TRANSFORM + "\ndef input_fn(data, content_type):\n    return data\n"
# The toolkit's own input_fn and output_fn.
ECHO = """
def model_fn(model_dir):
    return None

def predict_fn(data, model):
    return data
"""
# What a script imports of the library, and the errors that it may raise.
LIBRARY = """
from sagemaker_inference import content_types, decoder, encoder, errors, utils

def model_fn(model_dir):
    return None

def transform_fn(model, data, content_type, accept):
    if data == "refuse":
        raise errors.BaseInferenceToolkitError(422, "not like this", "Unprocessable")
    if data == "refuse in general":
        raise errors.GenericInferenceToolkitError(503)
    array = decoder.decode(data, content_types.CSV)
    return encoder.encode(array, utils.parse_accept(accept)[0]), content_types.JSON
"""
# A model that is called as a pipeline is: with the inputs, and parameters by name.
PIPELINE = """
import datetime

def model_fn(model_dir):
    def pipeline(inputs, **parameters):
        if inputs == "values":
            import numpy
            return {
                "float32": numpy.float32(0.1), "int64": numpy.int64(2**40), "array": numpy.ones(2),
                "time": datetime.datetime(2026, 1, 2), "text": "é <b> 'c'",
            }
        if inputs == "not finite":
            return float("nan")
        if inputs == "unknown":
            return object()
        if inputs == "rows":
            return [{"label": "a", "score": 0.5}, {"label": "b,c", "score": 1}]
        if inputs == "a row":
            return {"label": "a", "score": 0.5}
        if inputs == "array":
            return [1.5, 2]
        if type(inputs).__name__ == "Image":
            return {"mode": inputs.mode, "size": inputs.size} if not parameters else inputs
        if isinstance(inputs, bytes):
            return [type(inputs).__name__, len(inputs)]
        return [{"inputs": inputs, **parameters}]
    return pipeline
"""
