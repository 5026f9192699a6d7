"""DVC's files and object store, read and written directly.

DVC 3.67's formats are stable; `Repo.commit` hashes every file of a stage and wants every byte on this disk, and
importing `dvc` costs most of a second. Here a recorded version is written from hashes that are known already. Only
`remote` and `state` import DVC's packages, and only when they are called.
"""
