"""The server's side of the MONAI Label protocol, by which 3D Slicer and OHIF ask the model."""
