"""What is not to be shared is taken out of any text, and nothing else is."""

import base64
import html
import json
import random
import string
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_helpers.scrubbing import NOBODY, REMOVED, Scrubber, registries

BASE64 = string.ascii_letters + string.digits + "/+"
KEY_LETTERS = string.ascii_uppercase + "234567"
# Public: the image's own, of SageMaker in us-east-1.
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"


class Planted:
    """Secrets as AWS makes them, from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.key = self._random.choice(["AKIA", "ASIA"]) + self._some(KEY_LETTERS, 16)
        self.secret = f"aB3{self._some(BASE64, 37)}"
        self.token = f"IQoJb3JpZ2lu{self._some(BASE64, 300)}=="
        self.signature = self._some("0123456789abcdef", 64)
        self.jupyter = self._some(string.ascii_letters + string.digits + "-_", 43)
        self.account = f"9{self._some(string.digits, 11)}"
        self.user = f"jane{self._some(string.ascii_lowercase, 5)}"

    def _some(self, letters: str, count: int) -> str:
        return "".join(self._random.choice(letters) for _ in range(count))

    @property
    def credentials(self) -> dict[str, str]:
        return {
            "AccessKeyId": self.key,
            "SecretAccessKey": self.secret,
            "SessionToken": self.token,
        }

    @property
    def url(self) -> str:
        return (
            "https://bucket.s3.amazonaws.com/model.tar.gz?X-Amz-Algorithm=AWS4-HMAC-SHA256"
            f"&X-Amz-Credential={self.key}%2F20261122%2Fus-east-1%2Fs3%2Faws4_request"
            f"&X-Amz-Expires=3600&X-Amz-Security-Token={quote(self.token, safe='')}"
            f"&X-Amz-Signature={self.signature}"
        )


def coloured(text: str) -> str:
    """Return text with a terminal's colours in the middle of its words, as tracebacks have."""
    return "\x1b[0;31m" + "\x1b[38;5;241m".join(text[i : i + 7] for i in range(0, len(text), 7))


# How secrets get into outputs: each is what a cell may show.
LEAKS = {
    "repr": lambda p: repr(p.credentials),
    "json": lambda p: json.dumps(p.credentials, indent=2),
    "json in json": lambda p: json.dumps(json.dumps(p.credentials)),
    "html": lambda p: html.escape(json.dumps(p.credentials)),
    "html table": lambda p: "".join(
        f"<tr><td>{k}</td>\n      <td>{v}</td></tr>" for k, v in p.credentials.items()
    ),
    "cli table": lambda p: "\n".join(f"|  {k:40} |  {v} |" for k, v in p.credentials.items()),
    "credentials file": lambda p: (
        f"aws_access_key_id = {p.key}\naws_secret_access_key = {p.secret}\n"
        f"aws_session_token={p.token}"
    ),
    "environment": lambda p: f"AWS_SECRET_ACCESS_KEY={p.secret}\nAWS_SESSION_TOKEN={p.token}",
    "bare": lambda p: f"{p.key}\n{p.secret}\n{p.token}",
    "tuple": lambda p: str((p.key, p.secret, p.token)),
    "coloured": lambda p: coloured(f"client(aws_secret_access_key='{p.secret}', '{p.token}')"),
    "presigned url": lambda p: p.url,
    "presigned url in html": lambda p: f'<a href="{html.escape(p.url)}">model</a>',
    "presigned url in a script": lambda p: p.url.replace("&", "\\u0026"),
    "presigned url in a url": lambda p: f"https://x.example/?next={quote(p.url, safe='')}",
    "old presigned url": lambda p: f"/k?AWSAccessKeyId={p.key}&Signature={p.signature}&Expires=1",
    "header": lambda p: (
        f"Authorization: AWS4-HMAC-SHA256 Credential={p.key}/20261122/us-east-1/s3/aws4_request, "
        f"SignedHeaders=host, Signature={p.signature}\nX-Amz-Security-Token: {p.token}"
    ),
    "notebook url": lambda p: f"http://127.0.0.1:8888/lab?token={p.jupyter}",
    "studio url": lambda p: f"https://d-1.studio.aws/auth?authToken={p.jupyter}&x=1",
    "bearer": lambda p: f"Authorization: Bearer 1{p.jupyter}",
    "role": lambda p: f"arn:aws:iam::{p.account}:role/service-role/MazeRole",
    "chinese role": lambda p: f"arn:aws-cn:iam::{p.account}:role/MazeRole",
    "bucket": lambda p: f"s3://sagemaker-us-east-1-{p.account}/sagemaker-maze/data",
    "named bucket": lambda p: f"{p.account}-our-bucket",
    "registry": lambda p: f"{p.account}.dkr.ecr.us-east-1.amazonaws.com/mine:latest",
    "identity": lambda p: str({"UserId": f"AROA{p.key[4:]}:x", "Account": p.account}),
    "account alone": lambda p: f"{p.account}\n",
    "account quoted": lambda p: repr(p.account),
    "account in a sentence": lambda p: f"You are in account {p.account}.",
    "queue": lambda p: f"https://sqs.us-east-1.amazonaws.com/{p.account}/jobs",
    "account, then elsewhere": lambda p: f"arn:aws:s3:::x\nAccount: {p.account}\nn={p.account}",
    "console": lambda p: f"Account ID: {p.account[:4]}-{p.account[4:8]}-{p.account[8:]}",
    "home": lambda p: f"/home/{p.user}/maze-work/src/train.py",
    "mac": lambda p: f'File "/Users/{p.user}/maze-work/train.py", line 3',
    "windows": lambda p: f"C:\\Users\\{p.user}\\maze-work",
    "windows in json": lambda p: json.dumps(f"C:\\Users\\{p.user}\\maze-work"),
    "file url": lambda p: f"file:///home/{p.user}/maze-work/a.html",
    "home in a url": lambda p: f"vscode://file?p=%2Fhome%2F{p.user}%2Fa.py",
    "private key": lambda p: (
        f"-----BEGIN RSA PRIVATE KEY-----\n{p.secret}\n{p.token}\n-----END RSA PRIVATE KEY-----"
    ),
    "git url": lambda p: f"https://{p.user}:{p.jupyter}@git.example/our-maze.git",
    "git token": lambda p: f"remote: ghp_{p.key}{p.key.lower()}",
}


# Of other services: made up, in the form that each has.
OTHERS = [
    "glpat-" + "aB3" * 7,
    "xoxb-" + "1234567890-" * 3 + "aBcDeF",
    "sk-proj-" + "aB3" * 14,
    "sk_live_" + "aB3" * 8,
    "pypi-" + "aB3" * 20,
    "AIza" + "aB3dE" * 7,
    "https://hooks.slack.com/services/T00000000/B00000000/" + "aB3" * 8,
    ".".join("eyJ" + "aB3" * 6 for _ in range(3)),
]


@pytest.mark.parametrize("token", OTHERS, ids=lambda token: token[:8])
def test_tokens_of_other_services_are_found_and_taken_out(token):
    assert Scrubber().findings(f"call({token!r})")
    clean = Scrubber().scrub(f"token: {token}")
    assert token[-12:] not in clean and Scrubber().scrub(clean) == clean


def test_a_password_is_found_however_short_it_is():
    assert [found.what for found in Scrubber().findings('password = "hunter2"')] == ["a password"]
    assert Scrubber().scrub("password: hunter2, user: ann") == f"password: {REMOVED}, user: ann"
    assert not Scrubber().findings("connect(user, password=password)\npassword = getpass()")


def values_of(planted: Planted) -> list[str]:
    account = planted.account
    dashed = f"{account[:4]}-{account[4:8]}-{account[8:]}"
    secrets = [planted.key, planted.secret, planted.token, planted.signature, planted.jupyter]
    return [*secrets, quote(planted.token, safe=""), account, dashed, planted.user]


@pytest.mark.parametrize("leak", LEAKS)
@settings(max_examples=12)
@given(seed=st.integers(0, 2**32), before=st.text(max_size=40), after=st.text(max_size=40))
def test_nothing_planted_survives_and_twice_is_once(leak, seed, before, after):
    planted = Planted(seed)
    clean = Scrubber().scrub(f"{before}\n{LEAKS[leak](planted)}\n{after}")
    assert not [value for value in values_of(planted) if value in clean]
    assert Scrubber().scrub(clean) == clean


INNOCENT = [
    "maze-task-3-2026-11-22-12-00-00-123",
    IMAGE,
    f"arn:aws:iam::{NOBODY}:role/MazeRole",
    "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess",
    "accuracy=0.123456789012",
    "-0.987654321098",
    "550e8400-e29b-41d4-a716-446655440000",
    "commit da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "/opt/ml/input/data/train/train.csv",
    "/home",
    "https://docs.aws.amazon.com/home/users.html",
    "s3://bucket/sagemaker-maze/data/train/train.csv",
    "aws_secret_access_key, aws_session_token",
    "| SecretAccessKey |\n+-----------------+------------------------+",
    "a secret access key is what a container does not get",
    "max_tokens=4096 NextToken=None",
    "basic characterization",
    "[[ 5 0 0]\n [ 0 12 1]]",
    "<td>1797</td><td>0.9725</td>",
    "2026-11-22 12:00:00.123456+00:00",
    "\x1b[0;31mValueError\x1b[0m: n_estimators",
]


@given(st.lists(st.sampled_from(INNOCENT) | st.floats().map(str) | st.integers().map(hex)))
def test_text_without_secrets_is_unchanged(pieces):
    text = "\n".join(pieces)
    assert Scrubber().scrub(text) == text


@given(st.text())
def test_scrubbing_any_text_twice_is_scrubbing_it_once(text):
    clean = Scrubber().scrub(text)
    assert Scrubber().scrub(clean) == clean


@given(st.text(), st.text(alphabet=BASE64 + "-_", min_size=8, max_size=200))
def test_a_secret_that_is_known_goes_whatever_is_around_it(text, secret):
    clean = Scrubber(secrets=[secret]).scrub(text + secret + text)
    assert secret not in clean.replace(REMOVED, "\n")


def test_an_image_within_html_stays():
    image = base64.b64encode(random.Random(0).randbytes(300_000)).decode()
    text = f'<img src="data:image/png;base64,{image}">'
    assert Scrubber().scrub(text) == text


def test_text_that_is_all_spaces_or_dashes_takes_no_time():
    for filler in (" ", "-", "\n", "&amp;", "<td>"):
        text = ("SecretAccessKey" + filler * 2000) * 20
        assert Scrubber().scrub(text) == text


def test_an_account_that_is_known_goes_wherever_it_stands():
    scrubber = Scrubber()
    scrubber.learn_accounts("arn:aws:iam::998877665544:role/MazeRole")
    assert scrubber.scrub("n=998877665544") == f"n={NOBODY}"
    assert scrubber.scrub("0998877665544") == "0998877665544"


def test_a_folder_of_the_machine_has_a_short_name():
    scrubber = Scrubber(folders={"/data/maze": ".", "/data": "…"})
    text = "/data/maze/chapter_1 /data/other /data/mazes x/data"
    assert scrubber.scrub(text) == "./chapter_1 …/other …/mazes x/data"


def test_the_accounts_of_the_sdk_are_public():
    assert "683313688378" in registries() and "111122223333" not in registries()


@pytest.mark.parametrize(
    ("source", "line", "what"),
    [
        ("import boto3\nkey = 'AKIAIOSFODNN7EXAMPLE'", 2, "an AWS access key"),
        ('aws_secret_access_key="wJalrXUtnFEMI-K7MDENG_bPxRfiCYEXAMPLEKEY"', 1, "a credential"),
        ("x\n\nwJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", 3, "an AWS secret key"),
        ("export AWS_SESSION_TOKEN=abcABC0123456789", 1, "a credential"),
        ("url = 'https://b.s3.amazonaws.com/k?X-Amz-Signature=0123abcd'", 1, "the signature"),
        ("role = 'arn:aws:iam::998877665544:role/x'", 1, "an account id"),
        ("data = '/home/jane/digits.csv'", 1, "the path of somebody's home folder"),
        ("git clone https://jane:hunter2@git.example/x", 1, "a password in a URL"),
        ("-----BEGIN PRIVATE KEY-----", 1, "a private key"),
    ],
)
def test_what_is_in_source_is_found_by_its_line(source, line, what):
    [finding] = [found for found in Scrubber().findings(source) if found.what.startswith(what)]
    assert finding.line == line


@pytest.mark.parametrize(
    "source",
    [
        'os.environ["AWS_SECRET_ACCESS_KEY"]',
        'boto3.Session(aws_session_token=temporary_credentials["SessionToken"])',
        "secret_access_key = session.get_credentials().secret_key",
        'for name in ("aws_secret_access_key", "aws_session_token"):',
        "token = response['NextToken']",
        "client.list_jobs(NextToken=next_token_of_the_page)",
        'f"https://{user}:{password}@git.example"',
        f'image = "{IMAGE}"',
        'role = "arn:aws:iam::111122223333:role/SageMakerExecutionRole"',
        "cd /home/ec2-user/SageMaker",
        "password: str = getpass()",
        "commit da39a3ee5e6b4b0d3255bfef95601890afd80709",
    ],
)
def test_source_that_reads_its_secrets_elsewhere_is_fine(source):
    assert Scrubber().findings(source) == []
