"""Which side of the patient lies where: header, letters in the picture and the heart, compared."""
