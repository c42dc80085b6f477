"""What `huggingface_hub`, and all that stands on it, speaks: ``HF_ENDPOINT=http://host:8000/hf``.

repository             model: ``project/name``, or ``name`` in the registry's own project
revision ``main``      the latest version
any other revision     a stage, an alias, a label, a digest, or a commit
commit                 40 hexadecimal digits that name one version with its files
a commit that is made  a new version: the files of the latest one, changed

routes    paths → handlers
├ reading   repositories, trees, refs      ├ files     bytes out
├ writing   repositories and commits       ├ uploading large files in
└ snapshots revision → version ─ shapes: to JSON ─ answers: errors and pages
"""

from lockgate.dialects.huggingface.routes import UPLOADS, routes

__all__ = ["UPLOADS", "routes"]
