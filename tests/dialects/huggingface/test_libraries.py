"""Libraries that stand on the hub's client push and load by it, with nothing but HF_ENDPOINT."""

from __future__ import annotations

from hub_world import Hub

MIXIN = """
import json
from huggingface_hub import HfApi, ModelCard, ModelHubMixin, hf_hub_download, metadata_update
class Model(ModelHubMixin):
    def __init__(self, size=3):
        self.size = size
    def _save_pretrained(self, folder):
        (folder / "w.bin").write_bytes(bytes(self.size))
    @classmethod
    def _from_pretrained(cls, *, model_id, revision, size=0, **_):
        with open(hf_hub_download(model_id, "w.bin", revision=revision), "rb") as file:
            assert len(file.read()) == size
        return cls(size)
Model(7).push_to_hub("default/mixin")
Model(8).push_to_hub("default/mixin", branch="2.0.0")
metadata_update("default/mixin", {"license": "mit"})
print(json.dumps([
    Model.from_pretrained("default/mixin", revision="1").size,
    Model.from_pretrained("default/mixin", revision="2.0.0").size,
    ModelCard.load("default/mixin").data.license,
]))
"""
TRANSFORMERS = """
import json
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import AutoConfig, AutoTokenizer, BertConfig, GenerationConfig
from transformers import PreTrainedTokenizerFast
words = WordLevel({"[UNK]": 0, "lock": 1, "gate": 2}, unk_token="[UNK]")
tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(words), unk_token="[UNK]")
BertConfig(hidden_size=8, num_attention_heads=2).push_to_hub("default/tiny")
tokenizer.push_to_hub("default/tiny")
tokenizer.push_to_hub("default/tiny", revision="1.0.0")
try:
    GenerationConfig.from_pretrained("default/tiny")
except OSError as error:
    absent = str(error)
print(json.dumps([
    AutoConfig.from_pretrained("default/tiny", revision="2").hidden_size,
    AutoTokenizer.from_pretrained("default/tiny", revision="1.0.0")("gate")["input_ids"],
    "generation_config.json" in absent,
]))
"""
FILES = """
import json
import fsspec
from huggingface_hub import HfFileSystem
files, root = HfFileSystem(), "default/files"
with files.open(f"{root}/a.txt", "w") as file:
    file.write("one")
files.cp_file(f"{root}/a.txt", f"{root}/sub/b.txt")
files.mv(f"{root}/a.txt", f"{root}/c.txt")
found = files.glob(f"hf://{root}/**/*.txt")
files.rm(f"{root}/sub", recursive=True)
with fsspec.open(f"hf://{root}@main/c.txt", "rt") as file:
    text = file.read()
print(json.dumps([found, files.find(root, refresh=True), text, files.exists(f"{root}/a.txt")]))
"""


def test_a_class_of_ones_own(hub: Hub) -> None:
    """`ModelHubMixin` pushes to main and to a label, and loads either; a card is updated.

    What was pushed last is main, under whatever label.
    """
    assert hub.run(MIXIN) == [7, 8, "mit"]
    labels = [version.label for version in hub.registry.list_versions("mixin")]
    assert labels == ["3", "2.0.0", "1"]


def test_transformers(hub: Hub) -> None:
    """A configuration and a tokenizer are pushed, also under a label, and loaded again."""
    assert hub.run(TRANSFORMERS) == [8, [2], True]


def test_paths_of_the_file_system(hub: Hub) -> None:
    """``hf://`` paths are written, copied, moved, found and deleted: each change is a version."""
    hub.registry.create_model("files")
    root = "default/files"
    expected = [[f"{root}/c.txt", f"{root}/sub/b.txt"], [f"{root}/c.txt"], "one", False]
    assert expected == hub.run(FILES)
    assert hub.registry.get_model("files").version_count == 5
