"""What several formats have to say of themselves (`Format.notes`)."""

UNSEEN = "no vocabulary was had: that the markers are entries of it is not verified (binding one without them raises)"
