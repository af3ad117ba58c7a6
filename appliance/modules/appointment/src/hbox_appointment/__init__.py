"""一体化预约: patients see free slots and book on the internet side; the hospital decides."""

VERSION = "0.1.0"
