"""Radiographs from a hospital's archive, and results back into it.

- `dicomweb.py`: find (QIDO-RS), fetch (WADO-RS) and store (STOW-RS).
- `receiver.py`: a C-STORE listener for films that an archive pushes.
- `deidentify.py`: PS3.15's Basic Profile, with text in the picture masked or the file refused.
- `cli.py`: the commands `deidentify` and `receive`.
"""

from patchclip.archive.dicomweb import Archive, Film

__all__ = ["Archive", "Film"]
