"""The archive search of the page: what `patchclip batch` stored, asked in words."""
