"""What `huggingface_hub`, and all that stands on it, speaks: ``HF_ENDPOINT=http://host:8000/hf``.

repository             a model: ``project/name``, or ``name`` in the registry's own project
revision ``main``      its latest version
any other revision     a stage, an alias, a label, a digest, or a commit
commit                 40 hexadecimal digits that name one version with its files
a commit that is made  a new version: the files of the latest one, changed

routes        path → handler, in
├ reading     repositories, trees, revisions, and what last changed (history)
├ files       bytes out
├ preuploads  how files are to be sent; which are here already (unchanged) or left out (ignoring)
├ writing     repositories made, bytes in
├ refusing    what the hub has and we have not
└ commits     what a commit (read in commit_lines) makes of a version
snapshots     revision → version and its files
shapes        all that to the hub's JSON
answers       pages and errors
addresses     where all that lies; a name in other letters
"""

from lockgate.dialects.huggingface.addresses import PREFIX
from lockgate.dialects.huggingface.answers import voice
from lockgate.dialects.huggingface.routes import UPLOADS, routes

__all__ = ["UPLOADS", "VOICES", "routes"]

VOICES = {PREFIX: voice}
