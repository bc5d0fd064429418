"""Radiographs from a hospital's archive, and results back into it.

- `dicomweb.py`: find (QIDO-RS), fetch (WADO-RS) and store (STOW-RS).
- `receiver.py`: a C-STORE listener for films that an archive pushes.
- `deidentify.py`: PS3.15's Basic Profile and an allow list, for headers.
- `files.py`: de-identified copies of files. `films.py`: the films that a command was given.
- `cli.py`, `deidentify_command.py`: the commands `receive` and `deidentify`.
"""

from patchclip.archive.dicomweb import Archive, Film

__all__ = ["Archive", "Film"]
