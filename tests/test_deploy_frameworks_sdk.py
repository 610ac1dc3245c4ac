"""The SDK deploys PyTorch and Hugging Face models: by estimator, by model, by hand, in batch."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from deployer import Deployer

pytestmark = pytest.mark.slow

# A line, as TorchScript, and the code that serves another one.
TRAIN = """
import os
import torch

class Line(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
        with torch.no_grad():
            self.layer.weight.copy_(torch.tensor([[2.0, 0.0]]))
            self.layer.bias.fill_(1)

    def forward(self, rows):
        return self.layer(rows)

def model_fn(model_dir, context):
    model = Line()
    model.load_state_dict(torch.load(os.path.join(model_dir, "weights.pth"), weights_only=True))
    return model

if __name__ == "__main__":
    folder = os.environ["SM_MODEL_DIR"]
    torch.save(Line().state_dict(), os.path.join(folder, "weights.pth"))
    torch.jit.script(Line()).save(os.path.join(folder, "model.pt"))
"""
LINES = """
import json

def input_fn(data, content_type):
    assert content_type == "application/jsonlines", content_type
    return [json.loads(line) for line in data.decode().splitlines()]

def output_fn(prediction, accept):
    return "".join(json.dumps(row) + "\\n" for row in prediction)

def predict_fn(rows, model):
    return [{"sum": sum(row["x"])} for row in rows]

def model_fn(model_dir):
    return None
"""
# A BERT of random weights, which knows nine words.
MAKE_BERT = """
import sys
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

folder = sys.argv[1]
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "fine", "bad", "really", "not"]
with open(f"{folder}/vocab.txt", "w") as file:
    file.write("\\n".join(words))
config = BertConfig(
    vocab_size=len(words), hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
    intermediate_size=16, num_labels=2,
)
BertForSequenceClassification(config).save_pretrained(folder)
BertTokenizerFast(vocab=f"{folder}/vocab.txt").save_pretrained(folder)
"""
SETUP = """
import json, subprocess, sys, tarfile
from pathlib import Path
import boto3
import numpy as np
import sagemaker
from botocore.exceptions import ClientError
from sagemaker.huggingface import HuggingFaceModel
from sagemaker.model import Model
from sagemaker.predictor import Predictor
from sagemaker.pytorch import PyTorch, PyTorchModel
from sagemaker.serverless import ServerlessInferenceConfig

session = sagemaker.session.Session(boto_session=boto3.Session())
client = session.sagemaker_client
role = sagemaker.get_execution_role()
ROWS = np.array([[1.0, 5.0], [2.0, 5.0]], dtype=np.float32)
settings = dict(role=role, sagemaker_session=session)
torch_settings = dict(framework_version="2.6", py_version="py312", **settings)
face_settings = dict(
    transformers_version="4.49", pytorch_version="2.6", py_version="py312", **settings
)
on_one_instance = dict(initial_instance_count=1, instance_type="ml.m5.large")

def pack(folder):
    with tarfile.open("model.tar.gz", "w:gz") as tar:
        tar.add(folder, ".")
    return session.upload_data("model.tar.gz", key_prefix=f"packed/{folder}")

def report(**what):
    print("\\nRESULT", json.dumps(what))  # The SDK has printed dots before.
"""


class Notebook:
    """Runs the SDK in a process of its own, in a folder with scripts and a model."""

    def __init__(self, deployer: Deployer, folder: Path) -> None:
        self.deployer = deployer
        self.folder = folder
        for name, text in {"train.py": TRAIN, "lines.py": LINES}.items():
            (folder / "src").mkdir(exist_ok=True)
            (folder / "src" / name).write_text(text)
        (folder / "bert").mkdir()

    def run(self, code: str) -> dict:
        """Run code after the setup; return what it reports."""
        (self.folder / "notebook.py").write_text(SETUP + textwrap.dedent(code))
        finished = subprocess.run(
            [sys.executable, "notebook.py"],
            cwd=self.folder,
            env=self.deployer.cloud.env,
            capture_output=True,
            text=True,
            timeout=500,
        )
        assert finished.returncode == 0, finished.stderr[-3000:] + finished.stdout[-3000:]
        lines = finished.stdout.splitlines()
        reports = [json.loads(line[7:]) for line in lines if line.startswith("RESULT ")]
        return {name: value for each in reports for name, value in each.items()}


@pytest.fixture(scope="module")
def notebook(local_cloud, tmp_path_factory) -> Notebook:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    made = Notebook(Deployer(local_cloud), tmp_path_factory.mktemp("project"))
    command = [sys.executable, "-c", MAKE_BERT, str(made.folder / "bert")]
    subprocess.run(command, check=True, capture_output=True)
    return made


def test_an_estimator_of_pytorch_trains_deploys_and_transforms(notebook):
    told = notebook.run(
        """
        estimator = PyTorch(
            entry_point="train.py", source_dir="src", instance_count=1,
            instance_type="ml.m5.large", **torch_settings,
        )
        estimator.fit()
        predictor = estimator.deploy(**on_one_instance)
        answer = predictor.predict(ROWS)
        report(
            predicted=answer.tolist(), kind=str(answer.dtype),
            sent=predictor.serializer.CONTENT_TYPE, accepted=predictor.accept,
        )
        predictor.delete_endpoint()

        Path("rows.csv").write_text("1,5\\n2,5\\n3,5\\n")
        rows = session.upload_data("rows.csv", key_prefix="rows")
        transformer = estimator.transformer(
            1, "ml.m5.large", strategy="MultiRecord", accept="text/csv")
        transformer.transform(rows, content_type="text/csv", split_type="Line")
        output = sagemaker.s3.S3Downloader.read_file(
            transformer.output_path + "/rows.csv.out", sagemaker_session=session)
        report(transformed=output)
        """
    )
    assert told["predicted"] == [[3.0], [5.0]]
    assert told["sent"] == "application/x-npy"
    assert told["accepted"] == ["application/x-npy"]
    assert told["transformed"] == "3.0\n5.0\n7.0\n"


def test_a_model_of_pytorch_is_served_by_the_images_own_functions(notebook):
    told = notebook.run(
        """
        subprocess.run([sys.executable, "src/train.py"], check=True, env={"SM_MODEL_DIR": "."})
        Path("script").mkdir()
        Path("model.pt").rename("script/model.pt")
        model = Model(
            image_uri=sagemaker.image_uris.retrieve(
                "pytorch", session.boto_region_name, version="2.6", py_version="py312",
                instance_type="ml.m5.large", image_scope="inference"),
            model_data=pack("script"), predictor_cls=Predictor, **settings,
        )
        predictor = model.deploy(**on_one_instance)
        runtime = boto3.client("sagemaker-runtime")
        answers = [
            runtime.invoke_endpoint(
                EndpointName=predictor.endpoint_name, Body=body, ContentType=sent, Accept=accept
            )["Body"].read().decode()
            for body, sent, accept in [
                ("[[1, 5]]", "application/json", "application/json"),
                ("1,5\\n2,5", "text/csv", "text/csv"),
            ]
        ]
        try:
            runtime.invoke_endpoint(
                EndpointName=predictor.endpoint_name, Body="x",
                ContentType="application/jsonlines")
        except ClientError as error:
            report(status=error.response["OriginalStatusCode"],
                   message=error.response["OriginalMessage"])
        report(answers=answers)
        predictor.delete_endpoint()
        """
    )
    assert told["answers"] == ["[[3.0]]", "3.0\n5.0\n"]
    assert told["status"] == 500
    assert told["message"].startswith("Content type application/jsonlines is not supported")


def test_code_beside_a_model_is_repacked_and_served_without_a_server_of_its_own(notebook):
    told = notebook.run(
        """
        Path("empty").mkdir()
        Path("empty/weights").write_text("nothing")
        data = pack("empty")
        from sagemaker.serializers import JSONLinesSerializer
        from sagemaker.deserializers import JSONLinesDeserializer
        models = {
            "PyTorchModel": PyTorchModel(
                model_data=data, entry_point="lines.py", source_dir="src", **torch_settings),
            "Model": Model(
                image_uri=sagemaker.image_uris.retrieve(
                    "pytorch", session.boto_region_name, version="2.6", py_version="py312",
                    instance_type="ml.m5.large", image_scope="inference"),
                model_data=data, entry_point="lines.py", source_dir="src",
                predictor_cls=Predictor, **settings),
        }
        for name, model in models.items():
            predictor = model.deploy(
                serverless_inference_config=ServerlessInferenceConfig(2048, 1),
                serializer=JSONLinesSerializer(), deserializer=JSONLinesDeserializer())
            container = client.describe_model(ModelName=model.name)["PrimaryContainer"]
            report(**{
                name: predictor.predict([{"x": [1, 2]}, {"x": [3]}]),
                name + " is in": container["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"],
            })
            predictor.delete_endpoint()
        """
    )
    assert told["PyTorchModel"] == told["Model"] == [{"sum": 3}, {"sum": 3}]
    assert told["PyTorchModel is in"] == told["Model is in"] == "/opt/ml/model/code"


def test_a_model_of_pytorch_takes_no_code_from_an_archive_beside_it(notebook):
    told = notebook.run(
        """
        subprocess.run([sys.executable, "src/train.py"], check=True, env={"SM_MODEL_DIR": "."})
        Path("by_hand").mkdir()
        Path("model.pt").rename("by_hand/model.pt")
        with tarfile.open("sourcedir.tar.gz", "w:gz") as archive:
            archive.add("src", ".")
        source = session.upload_data("sourcedir.tar.gz", key_prefix="by_hand")
        model = Model(
            image_uri=sagemaker.image_uris.retrieve(
                "pytorch", session.boto_region_name, version="2.6", py_version="py312",
                instance_type="ml.m5.large", image_scope="inference"),
            model_data=pack("by_hand"), predictor_cls=Predictor,
            env={"SAGEMAKER_PROGRAM": "lines.py", "SAGEMAKER_SUBMIT_DIRECTORY": source},
            **settings,
        )
        predictor = model.deploy(**on_one_instance)
        answer = predictor.predict(
            "[[1, 5]]", initial_args={"ContentType": "application/json"})
        events = boto3.client("logs").filter_log_events(
            logGroupName=f"/aws/sagemaker/Endpoints/{predictor.endpoint_name}")["events"]
        report(answer=answer.decode(), log=[event["message"] for event in events], source=source)
        predictor.delete_endpoint()
        """
    )
    assert told["answer"] == "[[3.0]]"
    warning = f"code holds no lines.py, and SAGEMAKER_SUBMIT_DIRECTORY is {told['source']}: this"
    assert any(warning in line for line in told["log"])


def test_a_hugging_face_model_answers_as_its_pipeline(notebook):
    told = notebook.run(
        """
        model = HuggingFaceModel(model_data=pack("bert"), **face_settings)
        predictor = model.deploy(**on_one_instance)
        one = predictor.predict({"inputs": "really fine"})
        both = predictor.predict({"inputs": ["fine", "bad"], "parameters": {"top_k": 2}})
        report(one=one, both=both, sent=predictor.serializer.CONTENT_TYPE)
        runtime = boto3.client("sagemaker-runtime")
        try:
            predictor.predict({"inputs": 1})
        except ClientError as error:
            report(status=error.response["OriginalStatusCode"],
                   body=json.loads(error.response["OriginalMessage"]))
        predictor.delete_endpoint()

        Path("texts.csv").write_text("inputs\\nfine\\nbad\\n")
        texts = session.upload_data("texts.csv", key_prefix="texts")
        transformer = model.transformer(1, "ml.m5.large", accept="text/csv")
        transformer.transform(texts, content_type="text/csv")
        output = sagemaker.s3.S3Downloader.read_file(
            transformer.output_path + "/texts.csv.out", sagemaker_session=session)
        report(transformed=output)
        """
    )
    assert told["sent"] == "application/json"
    assert set(told["one"][0]) == {"label", "score"}
    assert [len(labels) for labels in told["both"]] == [2, 2]
    assert told["status"] == 400
    assert told["body"]["type"] == "InternalServerException"
    assert told["transformed"].splitlines()[0] == "label,score"
    assert len(told["transformed"].splitlines()) == 3


def test_a_hugging_face_model_without_its_task_is_in_service_and_says_what_is_missing(notebook):
    told = notebook.run(
        """
        Path("taskless").mkdir()
        Path("taskless/weights").write_text("nothing")
        data = pack("taskless")
        runtime = boto3.client("sagemaker-runtime")
        for name, data, env in [
            ("nothing", data, {}), ("summarization", pack("bert"), {"HF_TASK": "summarization"})
        ]:
            model = HuggingFaceModel(model_data=data, env=env, **face_settings)
            predictor = model.deploy(**on_one_instance)
            try:
                predictor.predict({"inputs": "x"})
            except ClientError as error:
                report(**{name: json.loads(error.response["OriginalMessage"])["message"]})
            predictor.delete_endpoint()
        """
    )
    assert told["nothing"].startswith("(\"You need to define one of the following ['")
    assert "'text-classification'" in told["nothing"]
    assert "'HF_TASK'.\", 403)" in told["nothing"]
    assert "summarization" in told["summarization"]
    assert "text-classification" in told["summarization"]
