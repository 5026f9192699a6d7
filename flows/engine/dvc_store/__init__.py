"""Read and write DVC's files and object store directly.

DVC 3.67's formats are stable; `Repo.commit` hashes every file of a stage and needs every byte on this disk, and
importing `dvc` costs most of a second. Here a recorded version is written from known hashes. Only `remote` and
`dvc_state` import DVC's packages, and only when they are called.
"""
