"""People: who is signed in, what their role lets them do, and how they sign in."""
