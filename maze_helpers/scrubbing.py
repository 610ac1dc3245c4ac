"""Finding credentials, account ids and paths of a machine in text, and taking them out of it."""

import importlib.util
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

REMOVED = "(removed)"
NOBODY = "0" * 12
# What AWS's documentation and the local cloud use for an account, and names of homes that many
# machines have: nobody is known by them.
EXAMPLE_ACCOUNTS = {NOBODY, "111122223333", "123456789012", "444455556666"}
PUBLIC_HOMES = ("ec2-user", "sagemaker-user", "studio-lab-user", "jovyan")
# Taking one thing out may bare another; so often at most.
MOST_ROUNDS = 10

_COLOURS = re.compile(r"\x1b\[[0-9;:?]*[A-Za-z]")
_EQUALS = r"(?:=|%3[dD]|\\u003[dD]|&#(?:x3[dD]|0*61);)"
# What stands between a name and its value in Python, JSON, YAML, a shell, a table, or HTML.
_BETWEEN = (
    r"(?![A-Za-z0-9])[^\S\n]{0,40}"
    r"(?:(?:</?\w[^<>]{0,80}>|&#?\w{1,8};|[^A-Za-z0-9/+(\s])\s{0,40}){0,16}?"
)
_ASSIGNED = r"[\"']?\]?\s*(?:=>|=|:)\s*"
_NAMES = (
    r"(?:secret[ _-]?access[ _-]?key|secret[ _-]?key|client[ _-]?secret|session[ _-]?token|"
    r"security[ _-]?token|console[ _-]?token|access[ _-]?token|auth[ _-]?token|api[ _-]?key|"
    r"passw(?:or)?d)"
)
# Values that are names themselves, as in a list of names.
_NO_NAME = r"(?!(?:aws_)?(?:access|secret|session|security)_)"
# A line of a table's border is none.
_VALUE = r"(?=[/+=_.%~-]{0,3}[A-Za-z0-9])[A-Za-z0-9/+=_.%~-]{16,}"
# A literal in source: in quotes, or with capitals, small letters and digits, and no attribute.
_MIXED = r"(?=\S*[a-z])(?=\S*[A-Z])(?=\S*[0-9])"
_LITERAL = rf"(?:[\"']{_VALUE}[\"']|{_MIXED}[A-Za-z0-9/+=_%~-]{{16,}}(?![\w/+=%~.(\[-]))"
_UUID = r"(?<![0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-)"
_HOME = r"(?<![\w.~-])(?:(/|%2[fF])(?:home|Users)\1|[A-Za-z]:(\\\\?|/)Users\2)(?P<name>\w[\w.-]*)"


@dataclass(frozen=True)
class Finding:
    """Something that is not to be shared: the line it is on, from 1, and what it looks like."""

    line: int
    what: str


@dataclass(frozen=True)
class Rule:
    """How something secret is recognised, and what stays of a match.

    in_source: the pattern by which it is found in source, if that is another.
    """

    what: str
    pattern: re.Pattern[str]
    replacement: str = REMOVED
    in_source: re.Pattern[str] | None = None


def _rule(
    what: str, pattern: str, replacement: str = REMOVED, in_source: str | None = None
) -> Rule:
    return Rule(what, re.compile(pattern), replacement, in_source and re.compile(in_source))


SECRETS = (
    _rule(
        "a private key",
        r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    ),
    # IAM User Guide, "Understanding unique ID prefixes".
    _rule(
        "an AWS access key",
        r"A(?:KIA|SIA|BIA|CCA|ROA|IDA|NPA|GPA|IPA|NVA|PKA|SCA)[A-Z0-9]{16,}",
    ),
    _rule(
        "the signature of a presigned URL",
        rf"(?i)(X-Amz-(?:Signature|Security-Token|Credential)|(?<![\w-])(?:Signature|"
        rf"AWSAccessKeyId|Key-Pair-Id|[\w-]{{0,20}}Token|sig))({_EQUALS})[^\s&\"'<>\\()]{{8,}}",
        rf"\1\2{REMOVED}",
        rf"(?i)(?:[?&;]|X-Amz-)[\w-]*(?:Signature|Token|Credential){_EQUALS}"
        r"[^\s&\"'<>\\(){}]{8,}",
    ),
    _rule(
        "a credential",
        rf"(?i)({_NAMES}{_BETWEEN}){_NO_NAME}{_VALUE}",
        rf"\1{REMOVED}",
        rf"(?i:{_NAMES}){_ASSIGNED}{_LITERAL}",
    ),
    _rule(
        "an AWS secret key",
        r"(?<![A-Za-z0-9/+_.-])(?=[A-Za-z0-9/+]*[a-z])(?=[A-Za-z0-9/+]*[A-Z])"
        r"(?=[A-Za-z0-9/+]*[0-9])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_-]|\.\w)",
    ),
    # How the tokens of AWS's Security Token Service begin.
    _rule(
        "an AWS session token",
        r"(?<![A-Za-z0-9/+])(?:IQoJ|FwoG|FQoG|AQoD|AgoJ|IgoJ)[A-Za-z0-9/+=_%-]{60,}",
    ),
    _rule(
        "a credential",
        r"(?i)\b(bearer|basic) (?=[^\s\"'<>]*[0-9])[A-Za-z0-9._~+/=-]{16,}",
        rf"\1 {REMOVED}",
    ),
    _rule(
        "an access token",
        r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|\bhf_[A-Za-z0-9]{30,}|"
        r"\bglpat-[\w-]{20,}|\bxox[abeprs]-[\w-]{10,}|\bsk-(?:proj-|ant-)?[\w-]{32,}|"
        r"\b[srp]k_live_[A-Za-z0-9]{16,}|\bpypi-[\w-]{50,}|\bAIza[\w-]{35}|"
        r"hooks\.slack\.com/services/[A-Za-z0-9/]{20,}",
    ),
    # JSON Web Tokens: a header, what is signed, and the signature.
    _rule("an access token", r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    _rule(
        "a password",
        r"(?i)(passw(?:or)?d[\"']?\s*[:=]\s*)(?!\(removed\))[^\s,;\"'(){}\[\]]{4,}",
        rf"\1{REMOVED}",
        r"(?i)passw(?:or)?d[\"']?\s*[:=]\s*[\"'][^\s\"']{4,}[\"']",
    ),
    _rule("a password in a URL", r"://[^/\s:@\"'<>{}]+:[^/\s@\"'<>{}]+@", f"://{REMOVED}@"),
)

# Where twelve digits are an account: group `id`.
_ACCOUNT_PLACES = tuple(
    re.compile(pattern)
    for pattern in (
        r"arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:(?P<id>\d{12})(?!\d)",
        r"(?<!\d)(?P<id>\d{12})(?=\.dkr[.-]ecr)",
        rf"{_UUID}(?<=[A-Za-z0-9]-)(?P<id>\d{{12}})(?!\d)",
        r"(?<![\w.-])(?P<id>\d{12})(?=-[a-z])",
        rf"(?i)account(?:[ _-]?id)?{_BETWEEN}(?P<id>\d{{12}})(?!\d)",
        r"(?<=[\"'/;])(?P<id>\d{12})(?=[\"'/&])",
        r"(?m)(?:^[ \t]*|(?<=/))(?P<id>\d{12})(?=\s*$)",
        r"[|>]\s*(?P<id>\d{12})(?=\s*[|<])",
        r"(?i)account[^\n\d]{0,24}(?P<id>\d{4}-\d{4}-\d{4})(?![\d-])",
    )
)


class Scrubber:
    """Takes out what is not to be shared, the same wherever it stands.

    secrets: values known to be secret. folders: paths of this machine, and what stands for each.
    """

    def __init__(
        self, secrets: Iterable[str] = (), folders: Mapping[str, str] | None = None
    ) -> None:
        self._secrets = sorted((text for text in secrets if len(text) > 7), key=len, reverse=True)
        self._accounts: set[str] = set()
        # The longest first: one may be in another.
        self._folders = [
            (re.compile(rf"(?<![\w.-]){re.escape(path)}(?![\w-])"), word)
            for path, word in sorted((folders or {}).items(), key=lambda pair: -len(pair[0]))
        ]

    def learn_accounts(self, text: str) -> None:
        """Remember the account ids in a text: they are taken out wherever they stand alone."""
        self._accounts.update(_accounts(_without_colours(text)))

    def scrub(self, text: str) -> str:
        """Return the text without what is not to be shared; a second time changes nothing.

        Colours of a terminal may split a secret: where there is one, they go as well.
        """
        bare = _without_colours(text)
        clean = self._scrub_bare(bare)
        return text if clean == bare else clean

    def findings(self, source: str) -> list[Finding]:
        """Return what is not to be shared in source code or prose, in the order of its lines."""
        return sorted(set(self._find(source)), key=lambda found: (found.line, found.what))

    def _scrub_bare(self, text: str) -> str:
        for _ in range(MOST_ROUNDS):
            clean = self._scrub_once(text)
            if clean == text:
                break
            text = clean
        return text

    def _scrub_once(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, REMOVED)
        for rule in SECRETS:
            text = rule.pattern.sub(rule.replacement, text)
        for account in _accounts(text) | self._accounts:
            text = re.sub(rf"(?<!\d){account}(?!\d)", _nobody(account), text)
        for folder, word in self._folders:
            text = folder.sub(lambda _, word=word: word, text)
        return re.sub(_HOME, "~", text)

    def _find(self, source: str) -> Iterator[Finding]:
        def found(start: int, what: str) -> Finding:
            return Finding(source.count("\n", 0, start) + 1, what)

        for rule in SECRETS:
            for match in (rule.in_source or rule.pattern).finditer(source):
                yield found(match.start(), rule.what)
        for secret in self._secrets:
            for match in re.finditer(re.escape(secret), source):
                yield found(match.start(), "a credential of yours")
        for account, start in _accounts_with_place(source):
            if account not in EXAMPLE_ACCOUNTS:
                yield found(start, "an account id")
        for match in re.finditer(_HOME, source):
            if match["name"] not in PUBLIC_HOMES:
                yield found(match.start(), "the path of somebody's home folder")


def _without_colours(text: str) -> str:
    while (bare := _COLOURS.sub("", text)) != text:
        text = bare  # which may bring the two ends of another together
    return text


def _accounts(text: str) -> set[str]:
    """Return the account ids in a text, but for AWS's own."""
    return {account for account, _ in _accounts_with_place(text)}


def _accounts_with_place(text: str) -> Iterator[tuple[str, int]]:
    for place in _ACCOUNT_PLACES:
        for match in place.finditer(text):
            digits = match["id"].replace("-", "")
            if digits != NOBODY and digits not in registries():
                yield match["id"], match.start("id")


def _nobody(account: str) -> str:
    return re.sub(r"\d", "0", account)


@cache
def registries() -> frozenset[str]:
    """Return the accounts of AWS's own that SageMaker's images come from, as the SDK lists them."""
    sdk = importlib.util.find_spec("sagemaker")
    folders = sdk.submodule_search_locations if sdk else []
    files = [path for folder in folders for path in Path(folder, "image_uri_config").glob("*.json")]
    return frozenset(
        account for path in files for account in _registries_in(json.loads(path.read_text()))
    )


def _registries_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from member.values() if name == "registries" else _registries_in(member)
    elif isinstance(value, list):
        for member in value:
            yield from _registries_in(member)
