"""Datasets as folders: `folder` reads one, `findings` names what is on its images, `normal` says which are
normal, `tables` and `files` read what it consists of."""
