"""模拟 HIS: a stand-in for the hospital's own system. It owns slots and decides about bookings."""

VERSION = "0.1.0"
